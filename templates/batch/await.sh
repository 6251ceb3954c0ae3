# needs: doze end_watch explain_end found_new hand_in_status host in_words is_joined job_advice job_end job_found
# needs: job_left job_never job_next job_node job_reason job_start look_job name now now_s print_job_log put r_job
# needs: r_since read_record say say_end serve_in_job state watch_stream watching
# --- job: waiting until it runs -----------------------------------------------------------------------------------------

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
        if [ -z "${wait_said}${hand_in_status-}" ]; then
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
