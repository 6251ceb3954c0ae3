# needs: cancel_job environment_file fail find_job host look_job name nap newline now now_s options program python say
# needs: scheduler_arrays scheduler_commands scheduler_title state take_environment
# --- the batch job: its number, its state, its end; the scheduler's own words all come from the part of its name -----
# The part, batch/SCHEDULER.sh, says how to submit_job SCRIPT OPTION..., find_job, look_job, cancel_job, explain_end, nodes
# and test_job SCRIPT OPTION... find_job and look_job are true where the job waits or runs. They set job_found: found,
# none, or silent (the scheduler does not answer), and job_id, job_state (queued, running, ended), job_word (the
# scheduler's own), job_node, job_reason, job_left (seconds or nothing), job_start (when a waiting one may start, in
# seconds since 1970, or nothing), job_advice (words and a command, or nothing), and job_never where it waits for what does not
# come by itself.
user=$(command id -un)
job_name=nbssh-${name}
job_file=job.sh
job_log=${state}/job.log
job_said=${state}/job.said
job_id='' job_state='' job_word='' job_node='' job_reason='' job_left='' job_start='' job_never='' job_advice='' job_end='' job_next='' job_found='' trial=''

# ask COMMAND WORD...: a question to the scheduler, which may never get an answer
ask_seconds=15
ask() {
    if command -v timeout >/dev/null 2>&1; then
        command timeout "${ask_seconds}" "$@"
    else
        command "$@"
    fi
}

# hand_in COMMAND WORD...: submits, and keeps what is said. The status 124: there was no answer.
hand_in_seconds=60
hand_in() {
    hand_in_was=${ask_seconds} ask_seconds=${hand_in_seconds} hand_in_status=0
    ask "$@" </dev/null >"${job_said}" || hand_in_status=$?
    ask_seconds=${hand_in_was}
    return "${hand_in_status}"
}

# find_named: as find_job, which with some schedulers goes by the number that was written down
find_named() {
    find_job
}

# seconds_of [DAYS-][[HOURS:]MINUTES:]SECONDS: nothing for what is no such time
seconds_of() {
    case $1 in
    '' | *[!0-9:-]*) return 0 ;;
    *) ;;
    esac
    seconds=0 seconds_days=0 seconds_rest=${1#*-}
    [ "${seconds_rest}" = "$1" ] || seconds_days=${1%%-*}
    while [ -n "${seconds_rest}" ]; do
        seconds_part=${seconds_rest%%:*}
        # with a 0 in front it would be octal
        seconds_part=${seconds_part#"${seconds_part%%[!0]*}"}
        seconds=$((seconds * 60 + ${seconds_part:-0}))
        case ${seconds_rest} in *:*) seconds_rest=${seconds_rest#*:} ;; *) seconds_rest='' ;; esac
    done
    printf '%s\n' "$((${seconds_days:-0} * 86400 + seconds))"
}

# first_node NODES: the first of c[1-2,5],d3
first_node() {
    first_left=$1 first_name=''
    while :; do
        first_part=${first_left%%[[,]*}
        first_name=${first_name}${first_part}
        first_left=${first_left#"${first_part}"}
        case ${first_left} in '['*) ;; *) break ;; esac
        first_left=${first_left#?}
        first_name=${first_name}${first_left%%[!0-9]*}
        first_left=${first_left#*]}
    done
    printf '%s' "${first_name}"
}

# set_left SECONDS: what the job has left; one that is over its limit ends at any moment.
set_left() {
    job_left=$1
    [ "${job_left}" -ge 0 ] || job_left=0
}

# in_words SECONDS
in_words() {
    in_minutes=$((($1 + 59) / 60))
    if [ "$1" -lt 60 ]; then
        printf '%s s' "$1"
    elif [ "${in_minutes}" -ge 1440 ]; then
        printf '%s d %s h' "$((in_minutes / 1440))" "$((in_minutes % 1440 / 60))"
    elif [ "${in_minutes}" -ge 60 ]; then
        printf '%s h %s min' "$((in_minutes / 60))" "$((in_minutes % 60))"
    else
        printf '%s min' "${in_minutes}"
    fi
}

# with_options FUNCTION SCRIPT: calls it with the profile's options for the submission command, a word each.
with_options() {
    set -f
    IFS=${newline}
    # shellcheck disable=SC2086  # words, a line each
    set -- "$1" "$2" ${options}
    unset IFS
    set +f
    "$@"
}

# One number of many would be looked for in vain.
refuse_array() {
    while IFS='' read -r array_word; do
        for array_option in ${scheduler_arrays}; do
            case ${array_word} in
            "${array_option}" | "${array_option}"=* | "${array_option}"[0-9]*)
                fail "'${array_word}' makes many jobs of one, and Jupyter runs in one" "leave out this --job-option, or: nbssh edit ${name}: scheduler.options"
                ;;
            *) ;;
            esac
        done
    done <<-words
	${options}
	words
}

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

# Some centres put the scheduler's commands, and what these need, on the way of a login shell only (PBS's own installer
# does): then they are taken from there.
learn_scheduler() {
    find_missing
    [ -n "${missing}" ] || return 0
    command mkdir -p "${state}"
    learnt_run=${run:-} run=${state}
    learnt=$(
        # shellcheck source=/dev/null  # in the script that nbssh sends it is not beside it
        . "${program}/limit.sh"
        # shellcheck source=/dev/null
        . "${program}/notes.sh"
        # shellcheck source=/dev/null
        . "${program}/environment.sh"
        # whatever her notebooks are to have
        environment=login
        take_environment 2>/dev/null
        command rm -f "${run}/notes"
        [ -n "${environment_file:-}" ] || exit 0
        command sed -n -e "/^export PATH='/p" -e "/^export LD_LIBRARY_PATH='/p" -e "/^export PBS_[A-Z_]*='/p" \
            -e "/^export SGE_[A-Z_]*='/p" -e "/^export LSF_[A-Z_]*='/p" -e "/^export EGO_[A-Z_]*='/p" \
            -e "/^export SLURM_CONF='/p" "${environment_file}"
        command rm -f "${environment_file}"
    ) || :
    run=${learnt_run}
    eval "${learnt}"
}

require_scheduler() {
    find_missing
    [ -z "${missing}" ] ||
        fail "${scheduler_title}'s ${missing} was not found on ${host}" \
            "is this the login node? a login shell of yours there must find it: command -v ${missing}"
}

# is_joined ID: it is an allocation of the user's own, in which Jupyter was started, and which stays when that ends.
is_joined() {
    is_joined=''
    { read -r is_joined; } 2>/dev/null <"${state}/joined" || :
    [ "${is_joined:-/}" = "$1" ]
}

# OAR's: a second request for resources does not take the place of the first.
drop_replaced() {
    :
}

# Slurm's, too: a job without a script is an allocation of the user's, and that a step of it can be started.
has_script() {
    :
}
has_served_step() {
    :
}
become_served_step() {
    :
}

# run_python PROGRAM WORD...: in Jupyter's Python, or in the host's where that does not start; 127: there is none. What
# PROGRAM ends with is 0, 3, 4 or 5, so one that starts is not tried beforehand.
run_python() {
    for python_tool in "${python:-python3}" python3; do
        python_status=0
        command "${python_tool}" -I -S -c "$@" || python_status=$?
        # or it was ended
        if [ "${python_status}" -ge 128 ]; then return "${python_status}"; fi
        case ${python_status} in 0 | [345]) return "${python_status}" ;; *) ;; esac
    done
    return 127
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
        look_job || :
        [ "${job_found}" != none ] || return 0
        now
        [ "${now_s}" -lt "${job_until}" ] || return 1
        nap
    done
}

# say_end WORDS
say_end() {
    case ${job_end} in
    timeout) printf 'nbssh: error: %s\n' "job ${job_id} has reached its time limit" ;;
    cancelled) printf 'nbssh: error: %s\n' "job ${job_id} was cancelled${1:+ $1}" ;;
    failed) printf 'nbssh: error: %s\n' "job ${job_id} failed (${job_word})${1:+ $1}" ;;
    requeued)
        printf 'nbssh: error: %s\n' "job ${job_id} was put back into the queue"
        printf 'nbssh: hint: %s\n' "wait for it again: ssh ${name}-nb"
        ;;
    *) printf 'nbssh: %s\n' "job ${job_id} has ended${1:+ $1}" ;;
    esac
}

# Cancels the job of this profile, waiting or running, and says so; without one says that.
end_job() {
    require_scheduler
    find_job || :
    case ${job_found} in
    found) ;;
    none)
        say 'not running'
        return 0
        ;;
    *) fail "${scheduler_title} does not answer on ${host}; nothing was cancelled" "try again in a minute" ;;
    esac
    end_was="${job_word}${job_node:+ on ${job_node}}"
    if is_joined "${job_id}"; then
        cancel_job || fail "${scheduler_title} does not cancel the step in job ${job_id}" "its message is above"
        say "stopped it in your job ${job_id}, which stays"
        command rm -f "${state}/job" "${state}/pending"
        return 0
    fi
    cancel_job || fail "${scheduler_title} does not cancel job ${job_id}" "its message is above"
    # what it holds is given back when it is really gone
    if await_job_end 45; then
        say "cancelled job ${job_id}, which was ${end_was}"
    else
        say "job ${job_id}, which was ${end_was}, is being cancelled; ${scheduler_title} takes its time"
    fi
    command rm -f "${state}/job" "${state}/pending"
}
