# needs: cancel_job doze explain_end fail find_named job_found job_id job_never job_node job_reason job_state job_word
# needs: look_job now now_s other_options print_job_log say say_end scheduler_title state submit
# --- job: trying -----------------------------------------------------------------------------------------------------

# give_up WORDS HINT: nobody is going to use the job
give_up() {
    cancel_job >/dev/null || :
    fail "$1" "$2"
}

# Slurm 24.11 has a qstat for those who come from Torque that names no node.
refuse_nodeless() {
    nodeless="${scheduler_title} says that job ${job_id} runs, but not on which node"
    if command -v squeue >/dev/null 2>&1; then
        give_up "${nodeless}" "its commands are Slurm's here: take --scheduler slurm"
    fi
    give_up "${nodeless}" "ask the cluster's administrators what qstat should show"
}

# One that comes although its submission got no answer: nobody waits for it any more.
drop_late() {
    now
    late_until=$((now_s + 120))
    while [ "${now_s}" -lt "${late_until}" ]; do
        if find_named; then cancel_job && return 0; fi
        command sleep 5
        now
    done
}

# Cancels the job once whoever asked for it is gone, however that came: nobody is going to say that it is needed no more.
watch_over() {
    while [ ! -e "${state}/try.dropped" ]; do
        if ! kill -0 "${PPID}" 2>/dev/null; then
            cancel_job
            break
        fi
        command sleep 1
    done
    command rm -f "${state}/try.dropped"
}

# Prints `job ID NODE` and what the job says of the node, or `queued ID` where no node was given within a minute.
try_job() {
    trial=yes
    job_name=try-${job_name} # no profile's
    job_file=try.sh
    job_log=${state}/try.log
    command rm -f "${state}/try.said" "${state}/try.dropped"
    submit batch/try
    watch_over </dev/null >/dev/null 2>&1 3>&- 4<&- &
    say "submitted job ${job_id}, a short one, to see how a session gets to its node"
    now
    try_until=$((now_s + 60)) try_nodeless=$((now_s + 5)) try_silent=$((now_s + 10))
    while [ "${now_s}" -lt "${try_until}" ]; do
        look_job || :
        if [ "${job_found}" = none ]; then
            explain_end
            say_end "at once"
            print_job_log
            [ -f "${state}/try.said" ] || printf 'nbssh: hint: %s\n' \
                "it wrote nothing into ${state}: if your home is not there on the nodes, or read-only: --server-dir DIR"
            exit 1
        fi
        [ -z "${job_never}" ] ||
            give_up "job ${job_id} would wait for ever (${job_reason})" "$(other_options)"
        # a shared home shows what the node wrote some seconds later
        [ "${job_state}" = running ] || try_silent=$((now_s + 10))
        if [ "${job_state}" = running ] && [ -n "${job_node}" ] &&
            { [ -f "${state}/try.said" ] || [ "${now_s}" -ge "${try_silent}" ]; }; then
            printf 'job %s %s\n' "${job_id}" "${job_node}" >&3
            command cat "${state}/try.said" 2>/dev/null >&3 || :
            return 0
        fi
        # its node is known a moment after it runs, or not at all
        if [ "${job_state}" != running ] || [ -n "${job_node}" ]; then try_nodeless=$((now_s + 5)); fi
        [ "${now_s}" -lt "${try_nodeless}" ] || refuse_nodeless
        # ends us when nobody reads it any more (SIGPIPE)
        printf '\n' >&3
        doze 0.3
        now
    done
    say "job ${job_id} still waits (${job_word}${job_reason:+, ${job_reason}})"
    printf 'queued %s\n' "${job_id}" >&3
}
