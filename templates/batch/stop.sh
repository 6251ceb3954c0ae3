# needs: host r_job r_pid r_start run say state title
# --- stopping the Jupyter of a batch job ------------------------------------------------------------------------------
# The job ends with Jupyter, and with the job all that runs in it, this session too: so nothing is awaited.

# For the login node, whose scheduler may let the job run for seconds more.
note_over() {
    { printf '%s\n' "${r_job}" >"${state}/over"; } 2>/dev/null || :
}

announce_stop() {
    stop_joined=''
    { read -r stop_joined; } 2>/dev/null <"${state}/joined" || :
    if [ -n "${stop_joined}" ] && [ "${stop_joined}" = "${r_job}" ]; then
        command rm -f "${state}/joined"
        say "stopping ${title} on ${host} (pid ${r_pid}); your job ${r_job} stays"
        { printf '%s %s\n' "${r_pid}" "${r_start}" >"${run}/stopped"; } 2>/dev/null || :
        return 0
    fi
    stop_joined=''
    { printf '%s %s\n' "${r_pid}" "${r_start}" >"${run}/stopped"; } 2>/dev/null || :
    note_over
    say "stopping ${title} on ${host} (pid ${r_pid}), and with it its job"
}

stop_server() {
    announce_stop
    kill -TERM "${r_pid}" 2>/dev/null || :
}
