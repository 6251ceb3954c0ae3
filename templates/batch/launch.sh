# needs: announce_stop attach fail failed_start go_on host is_alive mark_ready marked name nap now now_s program
# needs: r_began r_host r_job r_pid r_start run start_timeout state title
# --- launch in a batch job: what it does in another way --------------------------------------------------------------
. "${program}/batch/stop.sh"

ending=''

# The server is the batch job itself: launch waits for it and never starts one.
obtain_server() {
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
    mark_ready
}

describe_attach() {
    attach_limit=${start_timeout} attach_how="started on ${host} in job ${r_job}"
    if marked "${run}/ready" "${r_pid}" "${r_start}"; then
        attach_limit=10 attach_how="runs on ${host} since ${r_began}"
    fi
}

# The job takes this session along, whose status is to arrive before.
stop_from_session() {
    announce_stop
    ending=${r_pid}
}

last_act() {
    [ -z "${ending}" ] || kill -TERM "${ending}" 2>/dev/null
}

explain_server_end() {
    limit_job='' limit_until=''
    { read -r limit_job limit_until; } 2>/dev/null <"${state}/job.until" || :
    # the clocks of two hosts and the scheduler's own round
    if [ "${limit_job}" = "${r_job}" ] && [ -n "${r_job}" ] && [ "$(command date +%s)" -ge "$((limit_until - 20))" ]; then
        fail "job ${r_job} has reached its time limit, and with it ${title} on ${host} has ended" "start it again: ssh ${name}-nb"
    fi
    # a limit that was moved since, or another end of the job: that takes this session along, in a moment
    command sleep 3
    go_on
}
