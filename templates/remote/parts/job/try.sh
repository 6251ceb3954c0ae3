# --- job: trying -----------------------------------------------------------------------------------------------------

# Prints `job ID NODE`, or `queued ID` where no node was given within a minute.
try_job() {
    trial=yes
    job_name=${job_name}-try
    job_log=${state}/try.log
    submit "${data}/try"
    say "submitted job ${job_id}, a short one, to see how a session gets to its node"
    now
    try_until=$((now_s + 60))
    while [ "${now_s}" -lt "${try_until}" ]; do
        try_status=0
        look_job || try_status=$?
        if [ "${try_status}" -eq 1 ]; then
            explain_end
            say_end "at once"
            print_job_log
            exit 1
        fi
        if [ "${job_state}" = running ]; then
            printf 'job %s %s\n' "${job_id}" "${job_node}" >&3
            return 0
        fi
        doze 0.3
        now
    done
    say "job ${job_id} still waits (${job_word}${job_reason:+, ${job_reason}})"
    printf 'queued %s\n' "${job_id}" >&3
}
