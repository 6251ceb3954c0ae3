# needs: host r_pid r_start run say title
# --- stopping the Jupyter of a batch job ------------------------------------------------------------------------------
# The job ends with Jupyter, and with the job all that runs in it, this session too: so nothing is awaited.

announce_stop() {
    { printf '%s %s\n' "${r_pid}" "${r_start}" >"${run}/stopped"; } 2>/dev/null || :
    say "stopping ${title} on ${host} (pid ${r_pid}), and with it its job"
}

stop_server() {
    announce_stop
    kill -TERM "${r_pid}" 2>/dev/null || :
}
