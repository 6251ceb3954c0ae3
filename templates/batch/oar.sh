# needs: fail host job_log job_name job_said name run_python seconds_of set_left user
# OAR: oarsub(1), oarstat(1), oardel(1)
scheduler_title=OAR
job_variable=OAR_JOB_ID
scheduler_commands='oarsub oarstat oardel'
scheduler_ways=relay

# A second -l would be an alternative, so a trial asks for what the job does. The command is a line for a shell.
submit_job() {
    job_script=$1
    shift
    [ -z "${trial}" ] || trial=yes
    command rm -f "${job_log}"
    command oarsub "$@" --name="${job_name}" --stdout="${job_log}" --stderr="${job_log}" "/bin/sh ${job_script}" </dev/null >"${job_said}" || return 1
    job_id=$(command sed -n 's/^OAR_JOB_ID *= *\([0-9][0-9]*\)$/\1/p' "${job_said}" | command tail -n 1)
}

find_job() {
    list_jobs name "${job_name}"
}

look_job() {
    list_jobs id "${job_id}"
}

# shellcheck disable=SC2016  # Python
list_python='
import json, sys
by, what = sys.argv[1:]
text = sys.stdin.read()
jobs = json.loads(text) if text.strip() else {}
for number, job in sorted(jobs.items(), key=lambda item: int(item[0])):
    if what == (job.get("name") if by == "name" else number):
        nodes = job.get("assigned_network_address") or [""]
        words = [job.get("state"), number, nodes[0]]
        words += [job.get(key) or "" for key in ("startTime", "scheduledStart", "walltime", "message")]
        print("|".join(str(word).replace("|", " ").replace("\n", " ") for word in words))
'

list_jobs() {
    job_found=silent job_word='' job_node='' job_reason='' job_left='' job_start='' job_state=ended
    list_text=$(command oarstat -f -J -u "${user}" 2>/dev/null) || return 1
    list_status=0
    list_lines=$(printf '%s\n' "${list_text}" | run_python "${list_python}" "$@" 2>/dev/null) || list_status=$?
    [ "${list_status}" -ne 127 ] || fail "nothing on ${host} can read what oarstat says" "install python3 there"
    [ "${list_status}" -eq 0 ] || return 1
    job_found=none
    list_line=$(printf '%s\n' "${list_lines}" | command grep -v '^\(Terminated\|Error\|toError\|Finishing\)|' | command head -n 1) || :
    [ -n "${list_line}" ] || return 1
    IFS='|' read -r job_word job_id job_node list_began job_start list_limit job_reason <<-line
	${list_line}
	line
    job_start=$(seconds_of "${job_start}")
    case ${job_word} in
    Running)
        job_state=running job_start='' job_reason=''
        list_limit=$(seconds_of "${list_limit}")
        list_began=$(seconds_of "${list_began}")
        if [ "${list_limit:-0}" -gt 0 ] && [ "${list_began:-0}" -gt 0 ]; then
            set_left "$((list_began + list_limit - $(command date +%s)))"
        fi
        ;;
    *) job_state=queued job_node='' ;;
    esac
    job_found=found
}

cancel_job() {
    command oardel "${job_id}" >/dev/null
}

# Its events say why.
explain_end() {
    list_text=$(command oarstat -f -J -j "${job_id}" 2>/dev/null || :)
    job_word=$(printf '%s\n' "${list_text}" | command sed -n 's/.*"state" *: *"\([A-Za-z]*\)".*/\1/p' | command head -n 1)
    case ${list_text} in
    *'"WALLTIME"'*) job_end=timeout ;;
    *'"FRAG_JOB_REQUEST"'*) job_end=cancelled ;;
    *)
        job_end=ended
        [ "${job_word}" != Error ] || job_end=failed
        ;;
    esac
}

nodes() {
    command oarnodes -l 2>/dev/null
}

# OAR knows no trial run.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
