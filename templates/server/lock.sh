# needs: is_process run
# --- the lock: only one launch at a time looks for a Jupyter and starts one -------------------------------------------
# flock(1) is not everywhere; a hard link is atomic everywhere, NFS too. The file names its holder, so that nobody has
# to wait for a dead one.

# Sets lock_found: held (by a living process), dead, or free. True where it is held.
lock_state() {
    lock_pid='' lock_start='' lock_found=free
    { read -r lock_pid lock_start; } 2>/dev/null <"${run}/lock" || return 1
    lock_found=dead
    is_process "${lock_pid}" "${lock_start}" || return 1
    lock_found=held
}

# Only the maker of lock.break may remove a dead lock, and looks again: otherwise two breakers could remove a fresh one.
break_lock() {
    if command mkdir "${run}/lock.break" 2>/dev/null; then
        lock_state || :
        if [ "${lock_found}" = dead ]; then
            command rm -f "${run}/lock"
        fi
        command rmdir "${run}/lock.break"
    elif [ -n "$(command find "${run}/lock.break" -prune -mmin +1 2>/dev/null)" ]; then
        command rmdir "${run}/lock.break" 2>/dev/null || :
    fi
}
