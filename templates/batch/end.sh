# needs: cancel_job end_job find_job is_alive run scheduler_commands stop_joined stop_server
# --- ending a batch job: on the node Jupyter is the job; on the login node there is the scheduler to ask --------------

end_server() {
    if ! is_alive "${run}/record"; then
        end_job
        return 0
    fi
    stop_server
    # A Jupyter that does not end is the scheduler's to kill, where a node may ask it for that. Not awaited: this session
    # may end with the job, and its status is to have arrived by then.
    if [ -z "${stop_joined}" ] && command -v "${scheduler_commands%% *}" >/dev/null 2>&1; then
        { find_job && cancel_job; } </dev/null >/dev/null 2>&1 &
    fi
}
