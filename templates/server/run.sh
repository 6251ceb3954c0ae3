# needs: host is_alive state
# --- the folder of what runs ------------------------------------------------------------------------------------------

# Sets run: the folder of this host, or that of the name which it had when its Jupyter was started.
find_run() {
    run=${state}/${host}
    if is_alive "${run}/record"; then return 0; fi
    for run_record in "${state}"/*/record; do
        if [ "${run_record}" != "${run}/record" ] && is_alive "${run_record}"; then
            run=${run_record%/record}
            return 0
        fi
    done
}
