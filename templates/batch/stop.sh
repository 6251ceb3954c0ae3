# needs: host r_pid r_start run say title
# --- stopping the server of a batch job ------------------------------------------------------------------------------
# The server's end is the job's, and takes along whatever else runs in it, this very session too: so nothing is awaited.

announce_stop() {
    { printf '%s %s\n' "${r_pid}" "${r_start}" >"${run}/stopped"; } 2>/dev/null || :
    say "stopping ${title} on ${host} (pid ${r_pid}), and with it its job"
}

stop_server() {
    announce_stop
    kill -TERM "${r_pid}" 2>/dev/null || :
}
