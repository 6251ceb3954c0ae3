# --- launch: wait for the job's server -------------------------------------------------------------------------------

# The server is the batch job itself: launch waits for it and never starts one.
await_job() {
    now
    job_began=${now_s}
    job=''
    { read -r job; } 2>/dev/null <"${state}/job" || :
    until is_alive "${run}/record"; do
        # an older record is another job's
        if [ -n "${job}" ] && [ "${r_job}" = "${job}" ] && [ "${r_host}" = "${host}" ]; then
            failed_start "${title} did not start on ${host}; the end of its log:"
        fi
        now
        if [ "$((now_s - job_began))" -ge "${start_timeout}" ]; then
            failed_start "the job's ${title} did not start on ${host} within ${start_timeout} s; the end of its log:"
        fi
        go_on
        nap
    done
    attach || failed_start "${title} did not start on ${host}; the end of its log:"
}
