# needs: ask first_node hand_in is_joined job_file job_log job_name job_said nap newline now now_s options put
# needs: seconds_of state step_asked trial user
# Slurm: squeue(1), sbatch(1), scancel(1), scontrol(1)
scheduler_title=Slurm
job_variable=SLURM_JOB_ID
scheduler_commands='sbatch squeue scancel'
scheduler_ways='srun relay'
scheduler_arrays='--array -a'

# What she has set for her own lists and jobs (squeue(1), sbatch(1)) would hide the job from us, or keep us waiting.
unset SQUEUE_ACCOUNT SQUEUE_ALL SQUEUE_ARRAY SQUEUE_CLUSTERS SQUEUE_FORMAT SQUEUE_FORMAT2 SQUEUE_JOB SQUEUE_LICENSES SQUEUE_NAMES \
    SQUEUE_NODELIST SQUEUE_PARTITION SQUEUE_QOS SQUEUE_SORT SQUEUE_STATES SQUEUE_USERS SBATCH_ARRAY_INX SBATCH_WAIT SLURM_TIME_FORMAT

# Sets clusters to those that the job may be submitted to, where one login serves several (--clusters in sbatch(1)): the
# one that took the last job, otherwise as the options say, or the environment, in which only sbatch has a name of its own.
find_clusters() {
    clusters=''
    { read -r clusters; } 2>/dev/null <"${state}/cluster" || :
    [ -z "${clusters}" ] || return 0
    clusters=${SBATCH_CLUSTERS:-}
    cluster_option=''
    while read -r cluster_word; do
        case ${cluster_option}${cluster_word} in
        -M | --cluster | --clusters) cluster_option='-M' && continue ;;
        -M*) clusters=${cluster_word#-M} ;;
        --cluster=* | --clusters=*) clusters=${cluster_word#*=} ;;
        *) ;;
        esac
        cluster_option=''
    done <<-words
	${options}
	words
    case ${clusters} in *[!A-Za-z0-9._,-]*) clusters='' ;; *) ;; esac
}

# at_cluster COMMAND WORD...
cluster=''
at_cluster() {
    if [ -z "${cluster}" ]; then
        find_clusters
        case ${clusters} in *,*) ;; *) cluster=${clusters} ;; esac
    fi
    at_command=$1
    shift
    case ${at_command} in
    srun) "${step_asked:-command}" srun ${cluster:+-M "${cluster}"} "$@" ;;
    *) ask "${at_command}" ${cluster:+-M "${cluster}"} "$@" ;;
    esac
}

submit_job() {
    job_script=$1
    shift
    hand_in sbatch --parsable "$@" ${trial:+--time=3} --job-name="${job_name}" --output="${job_log}" "${job_script}" || return 1
    # a site's wrapper may drop --parsable
    job_id=$(command sed -n -e 's/^\([0-9][0-9]*\)\(;.*\)*$/\1/p' -e 's/^Submitted batch job \([0-9][0-9]*\).*/\1/p' \
        "${job_said}" | command tail -n 1)
    cluster=$(command sed -n 's/^[0-9][0-9]*;\([A-Za-z0-9._-][A-Za-z0-9._-]*\)$/\1/p' "${job_said}" | command tail -n 1)
    command rm -f "${state}/cluster"
    [ -z "${cluster}" ] || put "${state}/cluster" "${cluster}"
}

# By name: a job whose number was never written down is found too. A running one first, then the oldest.
# --all: without it a job in a partition that is hidden, or that the user may not use, is not shown to its own user.
list_jobs() {
    job_found=silent
    find_clusters
    IFS=,
    set -f
    # shellcheck disable=SC2086  # names, between commas
    set -- ${clusters}
    unset IFS
    set +f
    [ "$#" -gt 0 ] || set -- ''
    # an allocation of hers has a name of its own; the job of a trial is another one
    joined=''
    [ "${job_file}" = try.sh ] || { read -r joined; } 2>/dev/null <"${state}/joined" || :
    for list_cluster in "$@"; do
        cluster=${list_cluster}
        ask_queue || return 1
        [ -z "${find_lines}" ] || return 0
    done
    [ -n "${joined}" ] || return 0
    # that one has ended
    command rm -f "${state}/joined"
    list_jobs
}

# One that was joined is looked for by its number, among all of hers: squeue calls the number of an ended one an error.
ask_queue() {
    ask_name=${job_name}
    [ -z "${joined}" ] || ask_name=''
    find_lines=$(at_cluster squeue --all -h -u "${user}" ${ask_name:+-n "${ask_name}"} -o '%T|%i|%B|%L|%S|%e|%N|%r' 2>/dev/null) || return 1
    [ -z "${joined}" ] || only_line "${joined}"
}

find_job() {
    list_jobs || return 1
    read_jobs
}

look_job() {
    list_jobs || return 1
    only_line "${job_id}"
    read_jobs
}

# only_line ID: of find_lines the one of this job
only_line() {
    only_lines=${newline}${find_lines}${newline} find_lines=''
    case ${only_lines} in *"|$1|"*) ;; *) return 0 ;; esac
    only_before=${only_lines%%"|$1|"*} only_after=${only_lines#*"|$1|"}
    find_lines="${only_before##*"${newline}"}|$1|${only_after%%"${newline}"*}"
}

# is_to_come TIME: the end of a job whose processes end: it is on its way back into the queue. A limit is a minute or more,
# the clocks of two hosts are less apart.
is_to_come() {
    come_at=$(command date -d "$1" +%s 2>/dev/null) && [ "${come_at}" -gt "$(($(command date +%s) + 30))" ]
}

# A state that is not known here is none in which it has ended: a second job would be worse.
read_jobs() {
    job_found=none job_word='' job_node='' job_reason='' job_left='' job_start='' job_never='' job_advice='' job_state=ended
    read_best=''
    while IFS='|' read -r read_word read_id read_node read_left read_start read_end read_nodes read_reason; do
        # behind the number a part of an array has more
        read_number=${read_id%%[!0-9]*}
        case ${read_number:+${read_word}} in
        '' | COMPLETED | CANCELLED | FAILED | TIMEOUT | DEADLINE | NODE_FAIL | BOOT_FAIL | OUT_OF_MEMORY | PREEMPTED | REVOKED | STAGE_OUT) continue ;;
        COMPLETING) ! is_to_come "${read_end}" && continue ;;
        *) ;;
        esac
        case ${read_word}/${read_best:+${job_word}} in
        RUNNING/RUNNING | */) ;;
        RUNNING/*) read_best='' ;;
        */RUNNING) continue ;;
        *) ;;
        esac
        if [ -z "${read_best}" ] || [ "${read_number}" -lt "${read_best}" ]; then
            read_best=${read_number} job_word=${read_word} job_id=${read_id} job_node=${read_node} job_left=${read_left}
            job_start=${read_start} job_nodes=${read_nodes} job_reason=${read_reason}
        fi
    done <<-lines
	${find_lines}
	lines
    [ -n "${read_best}" ] || return 1
    job_found=found
    job_left=$(seconds_of "${job_left}")
    [ "${job_reason}" != None ] || job_reason=''
    case ${job_word} in
    RUNNING)
        job_state=running job_start=''
        # of an allocation without a script squeue names the host that asked for it
        if [ "$(first_node "${job_nodes}")" != "${job_node}" ] && ! has_script; then job_node=$(first_node "${job_nodes}"); fi
        ;;
    *)
        job_state=queued job_node=''
        # when it may start is known for the first jobs of the queue only, in the time of this host
        job_start=$(command date -d "${job_start}" +%s 2>/dev/null) || job_start=''
        # squeue(1), JOB REASON CODES; since 24.11 a sentence where the job's owner may not use the partition
        advise
        case ${job_reason} in
        PartitionTimeLimit | PartitionNodeLimit | PartitionConfig | BadConstraints | *PerJobLimit | *'NeverSatisfied' | \
            InvalidAccount | InvalidQOS | AccountNotAllowed | QOSNotAllowed | *'permitted to use this partition'*) job_never=yes ;;
        *) ;;
        esac
        ;;
    esac
}

# Sets job_advice for what does not come by waiting alone.
advise() {
    case ${job_reason} in
    PartitionTimeLimit) job_advice="it asks for more time than its partition gives: sinfo -o '%P %l'" ;;
    PartitionNodeLimit) job_advice="it asks for more nodes than its partition gives: sinfo -o '%P %s'" ;;
    PartitionDown | PartitionInactive) job_advice='its partition is closed at the moment: sinfo -s' ;;
    ReqNodeNotAvail*) job_advice='nodes that it could have are down or reserved: scontrol show reservation' ;;
    PartitionConfig) job_advice='its partition does not give what it asks for: scontrol show partition' ;;
    BadConstraints) job_advice="no node has all that it asks for: sinfo -o '%n %f %G %m'" ;;
    InvalidAccount | AccountNotAllowed) job_advice="your accounts: sacctmgr show assoc user=${user} format=account,qos" ;;
    InvalidQOS | QOSNotAllowed) job_advice="what you may use: sacctmgr show assoc user=${user} format=account,qos" ;;
    Assoc*Limit* | QOS*Limit* | Assoc*Max* | QOSMax* | AssocGrp* | QOSGrp*)
        job_advice="a limit of your account is reached; what you have: squeue -u ${user}"
        ;;
    JobHeldUser | JobHeldAdmin | JobHoldMaxRequeue | *' held'*) job_start='' job_advice="it is held: scontrol release ${job_id}" ;;
    *) ;;
    esac
}

# Of an allocation of hers only the step with Jupyter ends.
cancel_job() {
    if is_joined "${job_id}"; then
        command rm -f "${state}/joined"
        cancel_step=$(at_cluster squeue -h -s -j "${job_id}" -o '%i|%j' 2>/dev/null | command sed -n "s/^\([0-9._]*\)|${job_name}\$/\1/p")
        [ -z "${cancel_step}" ] || at_cluster scancel "${cancel_step}"
    else
        at_cluster scancel "${job_id}"
    fi
}

# Whether it was submitted with a script (sbatch), and not allocated (salloc).
has_script() {
    case $(at_cluster scontrol show job -o "${job_id}" 2>/dev/null) in *' BatchFlag=0 '*) return 1 ;; *) return 0 ;; esac
}

# Whether the step with Jupyter is there already.
has_served_step() {
    at_cluster squeue -h -s -j "${job_id}" -o '%j' 2>/dev/null | command grep -qxF "${job_name}"
}

# become_served_step WORD...: it lasts as long as its srun here, which the end of the login must not take along.
become_served_step() {
    exec setsid srun ${cluster:+-M "${cluster}"} --overlap --jobid="${job_id}" --nodes=1 --ntasks=1 --nodelist="${job_node}" \
        --job-name="${job_name}" "$@"
}

# Sets job_end: timeout, cancelled, failed or ended. An ended job is known for a while (MinJobAge), then to accounting.
explain_end() {
    now
    explain_limit=$((now_s + 4))
    while :; do
        explain_line=$(at_cluster scontrol show job -o "${job_id}" 2>/dev/null || :)
        job_word=$(printf '%s\n' "${explain_line}" | command sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p')
        case ${explain_line} in *' Reason=TimeLimit '*) job_word=TIMEOUT ;; *) ;; esac
        now
        # which state follows is not known while its processes end
        explain_until=${explain_line#*' EndTime='}
        [ "${job_word}" != COMPLETING ] || ! is_to_come "${explain_until%% *}" || job_word=REQUEUED
        if [ "${job_word}" != COMPLETING ] || [ "${now_s}" -ge "${explain_limit}" ]; then break; fi
        nap
    done
    [ -n "${job_word}" ] || job_word=$(at_cluster sacct -n -X -P -j "${job_id}" -o State 2>/dev/null | command sed -n '1s/[^A-Z_].*//p')
    case ${job_word} in
    TIMEOUT | DEADLINE) job_end=timeout ;;
    CANCELLED | PREEMPTED | REVOKED) job_end=cancelled ;;
    COMPLETED | COMPLETING | '') job_end=ended ;;
    PENDING | CONFIGURING | REQUEUED | REQUEUE_HOLD | SPECIAL_EXIT | RUNNING | SUSPENDED) job_end=requeued ;;
    *) job_end=failed ;;
    esac
}

nodes() {
    at_cluster sinfo --all -h -N -o %N 2>/dev/null | command sort -u
}

# A step beside the job's own: no port, no right to log in to nodes. Without --unbuffered the stream would be held back.
run_step() {
    at_cluster srun --unbuffered --overlap --quiet --jobid="${job_id}" --nodes=1 --ntasks=1 \
        --nodelist="${job_node}" "$@"
}

# What the scheduler would say to the job, without submitting it. Since 24.11 a partition of other groups is said nothing
# of: a job there waits for ever.
test_job() {
    job_script=$1
    shift
    test_lines=$(ask sbatch --test-only "$@" --job-name="${job_name}" "${job_script}" </dev/null 2>&1) || {
        printf '%s\n' "${test_lines}"
        return 1
    }
    test_partition=$(printf '%s\n' "${test_lines}" | command sed -n 's/.* in partition \([^ ]*\)$/\1/p')
    test_groups=$(at_cluster scontrol --all -o show partition "${test_partition}" 2>/dev/null |
        command sed -n 's/.* AllowGroups=\([^ ]*\) .*/\1/p')
    case ${test_groups} in '' | ALL) return 0 ;; *) ;; esac
    for test_group in $(command id -Gn || :); do
        case ,${test_groups}, in *",${test_group},"*) return 0 ;; *) ;; esac
    done
    printf '%s\n' "partition ${test_partition} is for other groups: ${test_groups}"
    return 1
}
