# needs: become_served_step doze drop_late drop_replaced end_silently fail find_job find_named hand_in_seconds
# needs: has_script has_served_step home host is_process job_file job_found job_log job_name job_said job_state job_word
# needs: look name nap newline now now_s p_start print_log_end program program_id put recorded_job refuse_array say
# needs: scheduler_commands scheduler_title share state streams submit_job user user_has_lc_all user_lc_all user_umask
# needs: with_options
# --- job: one of them at a time submits ------------------------------------------------------------------------------
# Login nodes behind one name share this folder, and nobody can look at a process of another host: there age decides.

# Its holder has died, as far as can be seen.
is_submit_lock_left() {
    lock_host='' lock_pid='' lock_start=''
    { read -r lock_host lock_pid lock_start; } 2>/dev/null <"${state}/job.lock" || return 1
    if [ "${lock_host}" = "${host}" ]; then
        if is_process "${lock_pid}" "${lock_start}"; then return 1; fi
    else
        [ -n "$(command find "${state}/job.lock" -prune -mmin +3 2>/dev/null)" ]
    fi
}

submit_lock() {
    look "$$"
    put "${state}/job.lock.${host}.$$" "${host} $$ ${p_start}"
    now
    lock_until=$((now_s + 150)) # longer than a submission that gets no answer
    until command ln "${state}/job.lock.${host}.$$" "${state}/job.lock" 2>/dev/null; do
        ! is_submit_lock_left || command rm -f "${state}/job.lock"
        now
        [ "${now_s}" -lt "${lock_until}" ] ||
            fail "cannot get the lock ${state}/job.lock on ${host}" "is there space left, and does the file system know hard links?"
        nap
    done
    locked=yes
}

submit_unlock() {
    command rm -f "${state}/job.lock.${host}.$$"
    if [ -n "${locked-}" ]; then
        locked=''
        command rm -f "${state}/job.lock"
    fi
}

end_stream() {
    submit_unlock
    [ -z "${streams}" ] || end_silently
}

print_job_log() {
    # Jupyter's own, on whatever node, if it is of this job
    for log in "${job_log}" "${state}"/*/log; do
        if [ ! -s "${log}" ] || [ -z "$(command find "${log}" -newer "${job_said}" 2>/dev/null)" ]; then continue; fi
        print_log_end "${log}"
    done
}

# write_job FILE SCRIPT: schedulers copy what they are given, or pass no arguments on, so it is a line that becomes SCRIPT.
write_job() {
    job_text=$1
    put "${job_text}" '#!/bin/sh' "exec /bin/sh \"${program}/$2\" \"${name}\""
}

# Jobs begin where they are submitted, and some sites take none from a home: with a folder elsewhere, above that.
enter_submission() {
    case ${share} in
    "${home}"/.local/share/nbssh) cd "${home}" ;;
    *) cd "${share%/*}" ;;
    esac
}

# The job's notebooks are to have the user's own.
give_back_settings() {
    umask "${user_umask}"
    if [ -n "${user_has_lc_all}" ]; then LC_ALL=${user_lc_all}; else unset LC_ALL; fi
}

# The profile is not there yet while `add` tries.
other_options() {
    other_how='the options of the profile'
    [ "${job_file}" != try.sh ] || other_how='take other options: --job-option; once it is added'
    printf '%s: nbssh edit %s: scheduler.options' "${other_how}" "${name}"
}

# submit SCRIPT
submit() {
    job_id=''
    refuse_array
    write_job "${state}/${job_file}" "$1"
    enter_submission
    give_back_settings
    hand_in_status=0
    # OpenPBS's qsub leaves a daemon for a minute, which must not hold the stream
    if [ -n "${trial}" ]; then
        with_options submit_job "${job_text}" 3>&- 4<&- 2>/dev/null || :
        # some queues take no short job
        [ -n "${job_id}" ] || [ "${hand_in_status}" -eq 124 ] || trial=''
    fi
    if [ -z "${job_id}" ] && [ "${hand_in_status}" -ne 124 ]; then with_options submit_job "${job_text}" 3>&- 4<&- || :; fi
    LC_ALL=C
    export LC_ALL
    umask 077
    [ -n "${job_id}" ] || find_submitted
}

# One whose submission got no answer, or none with a number, may be there all the same.
find_submitted() {
    now
    submit_until=${now_s}
    [ "${hand_in_status}" -ne 124 ] || submit_until=$((now_s + 15))
    until find_named; do
        now
        if [ "${now_s}" -ge "${submit_until}" ]; then refuse_submission; fi
        doze 1
    done
    say "${scheduler_title} did not say so, but job ${job_id} was submitted"
}

refuse_submission() {
    case ${hand_in_status} in
    0) fail "${scheduler_title} names no job number: $(command head -c 200 "${job_said}")" ;;
    124)
        submit_hint="should it come yet, the next session finds it: ssh ${name}-nb"
        if [ -n "${trial}" ]; then
            drop_late </dev/null >/dev/null 2>&1 3>&- 4<&- &
            # shellcheck disable=SC2086  # words
            set -- ${scheduler_commands}
            submit_hint="should it come within two minutes, it is cancelled; whether its queue answers, on ${host}: ${2:-$1 jobs}"
        fi
        fail "${scheduler_title} has not said for ${hand_in_seconds} s whether it takes the job, and shows none named '${job_name}'" "${submit_hint}"
        ;;
    *) fail "${scheduler_title} does not take the job" "$(other_options)" ;;
    esac
}

# launch tells by it which records are this job's
note_found() {
    found_job=${job_id} found_new=''
    if ! recorded_job || [ "${job_id}" != "${found_job}" ]; then
        found_new=yes
        put "${state}/job" "${found_job}"
    fi
    job_id=${found_job}
}

# find_or_submit: a found job costs one question, and no lock
find_or_submit() {
    find_patiently
    if [ -n "${job_id}" ]; then
        note_found
        return 0
    fi
    trap end_stream EXIT
    trap 'exit 143' HUP INT TERM PIPE
    submit_lock
    find_patiently
    if [ -n "${job_id}" ]; then
        note_found
    else
        put "${state}/pending" "${program_id}"
        # not every scheduler's job is found by its name
        submit_ended=''
        trap 'submit_ended=yes' HUP INT TERM PIPE
        submit serve
        put "${state}/job" "${job_id}"
        [ -z "${submit_ended}" ] || exit 143
        say "submitted job ${job_id}; Ctrl-C leaves it there, ssh ${name}-nb-kill cancels it"
    fi
    submit_unlock
    trap - HUP INT TERM PIPE
}

# Starts Jupyter in an allocation of hers, which has no script of ours.
serve_in_job() {
    ! has_script || return 0
    put "${state}/joined" "${job_id}"
    ! has_served_step || return 0
    put "${state}/pending" "${program_id}"
    say "starting it in your allocation ${job_id}"
    (
        enter_submission
        trap '' HUP
        give_back_settings
        become_served_step /bin/sh "${program}/serve" "${name}"
    ) </dev/null >"${job_log}" 2>&1 3>&- 4>&- &
}

# join_job ID: an allocation of hers that runs, by whatever name.
join_job() {
    find_patiently
    [ -z "${job_id}" ] || [ "${job_id}" = "$1" ] ||
        fail "job ${job_id} of '${name}' is there already (${job_word})" "cancel it: ssh ${name}-nb-kill"
    put "${state}/joined" "$1"
    find_patiently
    if [ "${job_id}" != "$1" ] || [ "${job_state}" != running ]; then
        command rm -f "${state}/joined"
        fail "you have no job $1 in ${scheduler_title}'s queue that runs" "see what you have there: squeue -u ${user}"
    fi
    put "${state}/job" "$1"
    serve_in_job
}

# submit_once OPTION...: with these options on top of the profile's.
submit_once() {
    find_patiently
    [ -z "${job_id}" ] ||
        fail "job ${job_id} of '${name}' is there already (${job_word})" "cancel it: ssh ${name}-nb-kill"
    drop_replaced "$@"
    for once_option in "$@"; do
        options=${options}${once_option}${newline}
    done
    find_or_submit
}

# is_over: Jupyter has ended in the job that was found, and some schedulers let that run for seconds more.
is_over() {
    over_job=''
    { read -r over_job; } 2>/dev/null <"${state}/over" || :
    [ "${over_job}" = "${job_id}" ] && [ "${job_state}" = running ]
}

# Some schedulers' commands try for many seconds to reach a server that is away: that is said before they are let.
find_saying() {
    now
    find_slow=$((now_s + 3))
    ask_seconds=3
    find_job || :
    ask_seconds=30
    now
    if [ "${job_found}" = silent ] && [ "${now_s}" -ge "${find_slow}" ]; then
        printf 'nbssh: %s does not answer yet\n' "${scheduler_title}"
        find_job || :
    fi
}

# A scheduler that is busy says nothing for a while; a second job would be the worst answer to that. A job that ends is
# waited for, and not gone to.
find_patiently() {
    now
    find_until=$((now_s + 60)) find_silent=$((now_s + 5)) find_words=''
    while :; do
        find_saying
        now
        case ${job_found} in
        found)
            if [ "${now_s}" -ge "${find_until}" ] || ! is_over; then break; fi
            find_words="job ${job_id} is ending" find_pause=0.5
            ;;
        none)
            job_id=''
            break
            ;;
        *)
            [ "${now_s}" -lt "${find_silent}" ] ||
                fail "${scheduler_title} does not answer on ${host}" "try again in a minute: ssh ${name}-nb"
            find_words="${scheduler_title} does not answer, asking again" find_pause=2
            ;;
        esac
        printf '\rnbssh: %s' "${find_words}"
        doze "${find_pause}"
    done
    [ -z "${find_words}" ] || printf '\n'
}
