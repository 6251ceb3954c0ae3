# --- the batch job: its number, its state, its end; the scheduler's own words all come from the part below -----------
# The part says how to submit_job SCRIPT, find_job, look_job, cancel_job, explain_end, nodes and test_job SCRIPT.
# find_job and look_job set job_id, job_state (queued, running, ended), job_word (the scheduler's own), job_node,
# job_reason and job_left (seconds or nothing), and job_never where it waits for what does not come by itself.
# 0: it waits or runs; 1: there is none; 2: the scheduler does not answer.
user=$(command id -un)
job_name=nbssh-${name}
job_log=${state}/job.log
job_said=${state}/job.said
job_id='' job_state='' job_word='' job_node='' job_reason='' job_left='' job_never='' job_end='' trial=''

# seconds_of [DAYS-][[HOURS:]MINUTES:]SECONDS: nothing for what is no such time
seconds_of() {
    case $1 in
    '' | *[!0-9:-]*) return 0 ;;
    *) ;;
    esac
    printf '%s\n' "$1" | command awk -F '[-:]' '{
        days = /-/ ? $1 : 0
        first = /-/ ? 2 : 1
        seconds = 0
        for (i = first; i <= NF; i++) seconds = seconds * 60 + $i
        print days * 86400 + seconds
    }'
}

# in_words SECONDS
in_words() {
    if [ "$1" -ge 86400 ]; then
        printf '%s d %s h' "$(($1 / 86400))" "$(($1 % 86400 / 3600))"
    elif [ "$1" -ge 3600 ]; then
        printf '%s h %s min' "$(($1 / 3600))" "$(($1 % 3600 / 60))"
    else
        printf '%s min' "$((($1 + 59) / 60))"
    fi
}

{% include "remote/parts/scheduler/" ~ scheduler ~ ".sh" %}

# Sets job_id to the number that was written down at the last submission.
recorded_job() {
    job_id=''
    { read -r job_id; } 2>/dev/null <"${state}/job" || :
    case ${job_id} in
    '' | *[!A-Za-z0-9._-]*)
        job_id=''
        return 1
        ;;
    *) return 0 ;;
    esac
}

# Sets `missing` to the first of the scheduler's commands that is not there.
find_missing() {
    for missing in ${scheduler_commands}; do
        command -v "${missing}" >/dev/null 2>&1 || return 0
    done
    missing=''
}

require_scheduler() {
    find_missing
    [ -z "${missing}" ] ||
        fail "${scheduler}'s ${missing} was not found on ${host}" \
            "is this the login node? if it comes with a module, its folder must be on the PATH of: ssh … command -v ${missing}"
}

# doze SECONDS: a longer nap, for a scheduler is asked seldom
doze() {
    command sleep "$1" 2>/dev/null || command sleep 1
}

# await_job_end SECONDS
await_job_end() {
    now
    job_until=$((now_s + $1))
    while :; do
        end_status=0
        look_job || end_status=$?
        [ "${end_status}" -ne 1 ] || return 0
        now
        [ "${now_s}" -lt "${job_until}" ] || return 1
        nap
    done
}

# Cancels the job of this profile, waiting or running, and says so; without one says that.
end_job() {
    require_scheduler
    end_found=0
    find_job || end_found=$?
    case ${end_found} in
    0) ;;
    1)
        say 'not running'
        return 0
        ;;
    *) fail "${scheduler} does not answer on ${host}; nothing was cancelled" "try again in a minute" ;;
    esac
    end_was="${job_word}${job_node:+ on ${job_node}}"
    cancel_job || fail "${scheduler} does not cancel job ${job_id}" "its message is above"
    # what it holds is given back when it is really gone
    if await_job_end 45; then
        say "cancelled job ${job_id}, which was ${end_was}"
    else
        say "job ${job_id}, which was ${end_was}, is being cancelled; ${scheduler} takes its time"
    fi
    command rm -f "${state}/job"
}
