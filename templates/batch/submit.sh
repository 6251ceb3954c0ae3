# needs: become_served_step doze drop_replaced end_silently end_watch explain_end fail find_job has_script
# needs: has_served_step home host in_words is_joined is_process job_advice job_end job_file job_found job_left job_log
# needs: job_never job_next job_node job_reason job_said job_start look look_job name nap newline now now_s p_start
# needs: print_log_end program program_id put r_job r_since read_record recorded_job refuse_array say say_end
# needs: scheduler_title share state streams submit_job user user_has_lc_all user_lc_all user_umask watch_stream
# needs: watching with_options
# --- job: one of them at a time submits ------------------------------------------------------------------------------
# Login nodes behind one name share this folder, and nobody can look at a process of another host: there age decides.

# Its holder has died, as far as can be seen.
is_submit_lock_left() {
    lock_host='' lock_pid='' lock_start=''
    { read -r lock_host lock_pid lock_start; } 2>/dev/null <"${state}/job.lock" || return 1
    if [ "${lock_host}" = "${host}" ]; then
        if is_process "${lock_pid}" "${lock_start}"; then return 1; fi
    else
        [ -n "$(command find "${state}/job.lock" -prune -mmin +1 2>/dev/null)" ]
    fi
}

submit_lock() {
    look "$$"
    put "${state}/job.lock.${host}.$$" "${host} $$ ${p_start}"
    now
    lock_until=$((now_s + 90))
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
    submit_status=0
    # OpenPBS's qsub leaves a daemon for a minute, which must not hold the stream
    if [ -n "${trial}" ] && ! with_options submit_job "${job_text}" 3>&- 4<&- 2>/dev/null; then
        trial='' # some queues take no short job
    fi
    [ -n "${job_id}" ] || with_options submit_job "${job_text}" 3>&- 4<&- || submit_status=$?
    LC_ALL=C
    export LC_ALL
    umask 077
    [ "${submit_status}" -eq 0 ] ||
        fail "${scheduler_title} does not take the job" "$(other_options)"
    [ -n "${job_id}" ] || fail "${scheduler_title} names no job number: $(command head -c 200 "${job_said}")"
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

# Of a job that waits again, what its first run left would look like a Jupyter that did not start. One that begins just now
# is younger, whatever the clock of its node says.
forget_first_run() {
    forget_before=$(($(command date +%s) - 30))
    for forget in "${state}"/*/record; do
        if read_record "${forget}" && [ "${r_job}" = "${job_id}" ] && [ "${r_since:-${forget_before}}" -lt "${forget_before}" ]; then
            command rm -f "${forget}"
        fi
    done
}

# Says what the job waits for. A line that is written over and over ends us when nobody reads it any more (SIGPIPE).
await_running() {
    now
    wait_began=${now_s}
    wait_said='' wait_advice='' wait_ask=0 wait_pause=0
    [ "${job_state}" = running ] || forget_first_run
    while [ "${job_state}" != running ]; do
        now
        if [ "${now_s}" -ge "${wait_ask}" ]; then
            look_job || :
            [ "${job_found}" != none ] || refuse_ended
            [ "${job_found}" != none ] || job_state=queued job_word=REQUEUED
            # often at first, when most jobs start; a scheduler that is asked for hours is spared
            wait_ask=$((now_s + wait_pause))
            if [ "${wait_pause}" -lt 15 ] && [ "$((now_s - wait_began))" -ge 6 ]; then wait_pause=$((wait_pause + 1)); fi
            [ "${job_state}" != running ] || break
        fi
        wait_words="job ${job_id} ${job_word}${job_reason:+ (${job_reason})}"
        if [ -n "${wait_said}" ] && [ "${wait_said}" != "${wait_words}" ]; then printf '\n'; fi
        if [ -z "${wait_said}${submit_status-}" ]; then
            say "job ${job_id} waits already; Ctrl-C leaves it there, ssh ${name}-nb-kill cancels it"
        fi
        wait_said=${wait_words}
        if [ -n "${job_advice}" ] && [ "${wait_advice}" != "${job_advice}" ]; then
            wait_advice=${job_advice}
            # the session is on the laptop, and its commands are there
            printf 'nbssh: job %s %s\nnbssh: hint: %s; on %s: %s\n' "${job_id}" "${job_reason:-${job_word}}" \
                "${job_advice%%: *}" "${host}" "${job_advice#*: }"
            [ -z "${job_never}" ] || printf 'nbssh: hint: %s\n' \
                "it would wait for ever: ssh ${name}-nb-kill, then nbssh edit ${name}: scheduler.options"
        fi
        wait_start=''
        if [ -n "${job_start}" ]; then
            # what was expected may be over
            wait_start=$((job_start - $(command date +%s)))
            if [ "${wait_start}" -gt 0 ]; then wait_start=", starts in about $(in_words "${wait_start}")"; else wait_start=''; fi
        fi
        printf '\rnbssh: %s %s s%s ' "${wait_words}" "$((now_s - wait_began))" "${wait_start}"
        if [ -z "${watching}" ] && [ "$((now_s - wait_began))" -ge 3 ]; then watch_stream; fi
        doze 0.3
    done
    end_watch
    [ -z "${wait_said}" ] || printf '\n'
    # for launch, to know an end by the clock when it sees one; a full disk keeps nobody from a job that runs
    if [ -n "${job_left}" ]; then
        { printf '%s\n' "${job_id} $(($(command date +%s) + job_left))" >"${state}/job.until"; } 2>/dev/null || :
    fi
    say "job ${job_id} runs on ${job_node}${job_left:+, $(in_words "${job_left}") left}"
    if [ -n "${found_new:-}" ] || is_joined "${job_id}"; then serve_in_job; fi
}

# It returns where the job was put back into the queue, with some schedulers as another one.
refuse_ended() {
    explain_end
    if [ "${job_end}" = requeued ]; then
        job_id=${job_next:-${job_id}}
        put "${state}/job" "${job_id}"
        return 0
    fi
    [ -z "${wait_said}" ] || printf '\n'
    say_end "before it could be used"
    print_job_log
    printf 'nbssh: hint: %s\n' "its log: nbssh logs ${name}"
    exit 1
}
