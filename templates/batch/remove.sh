# needs: end_job is_alive learn_scheduler run state stop_server
# --- remove with a batch job -----------------------------------------------------------------------------------------

end_all() {
    learn_scheduler
    if is_alive "${run}/record"; then stop_server; else end_job; fi
    command rm -f "${state}"/*/record
}
