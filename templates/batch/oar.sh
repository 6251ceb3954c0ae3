# needs: ask fail hand_in job_log job_name job_said name nap newline now now_s seconds_of set_left user
# OAR: oarsub(1), oarstat(1), oardel(1)
scheduler_title=OAR
job_variable=OAR_JOB_ID
scheduler_commands='oarsub oarstat oardel'
scheduler_ways=relay
scheduler_arrays='--array --array-param-file'

# A second -l would be an alternative, so a trial asks for what the job does. The command is a line for a shell.
submit_job() {
    job_script=$1
    shift
    [ -z "${trial}" ] || trial=yes
    command rm -f "${job_log}"
    oarsub_status=0
    hand_in oarsub "$@" --name="${job_name}" --stdout="${job_log}" --stderr="${job_log}" "/bin/sh ${job_script}" || oarsub_status=$?
    job_id=$(command sed -n 's/^OAR_JOB_ID *= *\([0-9][0-9]*\)$/\1/p' "${job_said}" | command tail -n 1)
    [ "${oarsub_status}" -ne 0 ] || return 0
    # without its server it says no, and keeps the job for when that is back
    [ -z "${job_id}" ] || ask oardel "${job_id}" >/dev/null 2>&1 || :
    job_id=''
    return 1
}

# drop_replaced OPTION...: takes the profile's resources out of its options where these have others.
drop_replaced() {
    for once_option in "$@"; do
        case ${once_option} in
        -l* | --resource*) ;;
        *) continue ;;
        esac
        options=$(printf '%s' "${options}" | command awk '
            skip { skip = 0; next }
            /^(-l|--resource)$/ { skip = 1; next }
            !/^(-l|--resource=)/')
        options=${options:+${options}${newline}}
        return 0
    done
}

find_job() {
    list_jobs -u "${user}"
}

look_job() {
    list_jobs -j "${job_id}"
}

# a line of each job: number|state|name|owner|node|began|limit|expected|status|job that it repeats|events|message
# shellcheck disable=SC2016  # awk
list_awk='
function tell() {
    if (id == "") return
    node = of["assigned_hostnames"]
    sub(/[+].*/, "", node)
    print id "|" of["state"] "|" of["name"] "|" of["owner"] "|" node "|" of["startTime"] "|" of["walltime"] "|" of["scheduledStart"] "|" \
        of["exit_code"] "|" of["resubmit_job_id"] "|" events "|" of["message"]
}
/^Job_Id: / { tell(); id = $2; events = ""; split("", of); next }
/^    [A-Za-z_]+ = / { value = $0; sub(/^    [A-Za-z_]+ = /, "", value); gsub(/[|]/, " ", value); of[$1] = value; next }
/^[0-9-]+ [0-9:]+> [A-Z_]+:/ { type = $3; sub(/:.*/, "", type); events = events " " type }
END { tell() }'

# read_job LINE
read_job() {
    IFS='|' read -r list_id job_word list_name list_owner list_node list_began list_limit list_expected list_status list_again list_events list_message <<-line
	$1
	line
}

# epoch_of TIME: a time of day as it prints it, in seconds since 1970; nothing for what is none
epoch_of() {
    [ -z "$1" ] || command date -d "$1" +%s 2>/dev/null || :
}

# list_jobs OPTION...: the one of this name and user; of all hers, one that nobody has cancelled.
list_jobs() {
    job_found=silent job_word='' job_node='' job_reason='' job_left='' job_start='' job_never='' job_advice='' job_state=ended
    list_text=$(ask oarstat -f "$@" 2>/dev/null) || return 1
    job_found=none
    list_lines=$(printf '%s\n' "${list_text}" | command awk "${list_awk}" |
        command grep -v '^[0-9]*|\(Terminated\|Error\|toError\|Finishing\)|' | command grep -F "|${job_name}|${user}|" || :)
    if [ "$1" = -u ]; then
        list_lines=$(printf '%s\n' "${list_lines}" | command grep -v '|[A-Z_ ]* FRAG_JOB_REQUEST[A-Z_ ]*|' | command head -n 1 || :)
    fi
    [ -n "${list_lines}" ] || return 1
    read_job "${list_lines}"
    job_id=${list_id}
    # what it says of every job: how much that asks for
    case ${list_message} in R=*) ;; *) job_reason=${list_message} ;; esac
    case ${job_word} in
    Running)
        job_state=running job_node=${list_node} job_reason=''
        list_limit=$(seconds_of "${list_limit}")
        list_began=$(epoch_of "${list_began}")
        if [ "${list_limit:-0}" -gt 0 ] && [ "${list_began:-0}" -gt 0 ]; then
            set_left "$((list_began + list_limit - $(command date +%s)))"
        fi
        ;;
    *)
        job_state=queued
        job_start=$(epoch_of "${list_expected}")
        advise
        ;;
    esac
    job_found=found
}

# Sets job_advice for what does not come by waiting alone; its message is the scheduler's sentence.
advise() {
    case ${job_word}/${job_reason} in
    Hold/*) job_start='' job_advice="it is held: oarresume ${job_id}" ;;
    *'never run'*) job_never=yes ;;
    *'nough '*resources*) job_advice='what the nodes are doing: oarnodes -s' ;;
    *) ;;
    esac
}

cancel_job() {
    ask oardel "${job_id}" >/dev/null
}

# Its events say why, and the status as wait(2) has it. A job whose node fails at its start comes again, as another one.
explain_end() {
    job_end=ended
    now
    explain_until=$((now_s + 2))
    while :; do
        read_job "$(ask oarstat -f -j "${job_id}" 2>/dev/null | command awk "${list_awk}")"
        now
        # it is submitted again a moment after its end
        case ${list_events}/${job_word} in
        *' FRAG_JOB_REQUEST'* | *' RESUBMIT_JOB_AUTOMATICALLY'*) break ;;
        */Error) [ "${now_s}" -lt "${explain_until}" ] || break ;;
        *) break ;;
        esac
        nap
    done
    case ${list_events}/${job_word}/${list_status} in
    *' RESUBMIT_JOB_AUTOMATICALLY'*)
        job_next=$(ask oarstat -f -u "${user}" 2>/dev/null | command awk "${list_awk}" |
            command awk -F '|' -v job="${job_id}" '$10 == job { print $1 }' | command tail -n 1)
        job_end=requeued
        ;;
    *' WALLTIME'*) job_end=timeout ;;
    *' FRAG_JOB_REQUEST'*) job_end=cancelled ;;
    */Terminated/0* | */Terminated/) ;;
    */Error/*) job_end=failed ;;
    */Terminated/*)
        job_end=failed job_word=${list_status#*\(}
        case ${job_word} in
        0,*) job_word=${job_word#0,} && job_word="signal ${job_word%%,*}" ;;
        *) job_word="exit status ${job_word%%,*}" ;;
        esac
        ;;
    *) ;;
    esac
}

nodes() {
    ask oarnodes -l 2>/dev/null
}

# OAR knows no trial run.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
