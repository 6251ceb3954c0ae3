# needs: ask fail hand_in job_log job_name job_said name recorded_job seconds_of set_left state trial user
# PJM, of Fujitsu's Technical Computing Suite (Fugaku and its kind): pjsub(1), pjstat(1), pjdel(1)
scheduler_title=PJM
job_variable=PJM_JOBID
scheduler_commands='pjsub pjstat pjdel'
scheduler_ways=relay
scheduler_arrays='--bulk'

submit_job() {
    job_script=$1
    shift
    command rm -f "${job_log}" "${state}/where"
    hand_in pjsub "$@" ${trial:+-L elapse=0:03:00} -N "${job_name}" -j -o "${job_log}" "${job_script}" || return 1
    job_id=$(command sed -n 's/^\[INFO\] PJM 0000 pjsub Job \([0-9][0-9]*\) submitted.*/\1/p' "${job_said}" | command tail -n 1)
}

find_job() {
    job_found=none
    if recorded_job && look_job; then return 0; fi
    [ "${job_found}" = none ] && find_named
}

# It shows ten characters of a name.
find_named() {
    job_found=silent
    look_text=$(ask pjstat 2>/dev/null) || return 1
    job_found=none
    job_id=$(printf '%s\n' "${look_text}" | command awk -v job="${job_name}" '$2 == job { print $1; exit }')
    [ -n "${job_id}" ] && look_job
}

# JOB_ID JOB_NAME MD ST USER START_DATE (two words, or one dash) ELAPSE_LIM, and more. PJM has numbers for nodes and not
# their names: the job writes its own down.
look_job() {
    job_found=silent job_word='' job_node='' job_reason='' job_left='' job_state=ended
    look_text=$(ask pjstat "${job_id}" 2>/dev/null) || return 1
    job_found=none
    look_line=$(printf '%s\n' "${look_text}" | command awk -v id="${job_id}" -v job="${job_name}" -v user="${user}" '
        $1 == id && index(job, $2) == 1 && $5 == user { print $4, $6, $7, $8 }' | command head -n 1)
    [ -n "${look_line}" ] || return 1
    read -r job_word look_day look_time look_limit <<-line
	${look_line}
	line
    case ${job_word} in
    RUN)
        read_where
        job_state=running
        [ -n "${job_node}" ] || job_state=queued
        look_began=$(command date -d "${look_day#"("} ${look_time%")"}" +%s 2>/dev/null || :)
        look_limit=$(seconds_of "${look_limit}")
        if [ -n "${look_began}" ] && [ -n "${look_limit}" ]; then
            set_left "$((look_began + look_limit - $(command date +%s)))"
        fi
        ;;
    ACC | QUE | RNA | RNP | HLD | SPD | SPP | RSM) job_state=queued ;;
    *) return 1 ;;
    esac
    job_found=found
}

read_where() {
    where_job='' job_node=''
    { read -r where_job job_node; } 2>/dev/null <"${state}/where" || :
    [ "${where_job}" = "${job_id}" ] || job_node=''
    case ${job_node} in *[!A-Za-z0-9._-]*) job_node='' ;; *) ;; esac
}

cancel_job() {
    ask pjdel "${job_id}" >/dev/null
}

explain_end() {
    job_word=$(ask pjstat -H "${job_id}" 2>/dev/null | command awk -v id="${job_id}" '$1 == id { print $4; exit }')
    case ${job_word} in
    CCL) job_end=cancelled ;;
    ERR | RJT) job_end=failed ;;
    *) job_end=ended ;;
    esac
}

# It has numbers for them.
nodes() {
    :
}

# PJM knows no trial run.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
