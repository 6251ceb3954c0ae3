# --- the lock: only one launch at a time looks for a server and starts one -------------------------------------------
# flock(1) is not everywhere; a hard link is atomic everywhere, NFS too. The file names its holder, so that nobody has
# to wait for a dead one.

# 0: a living process holds it; 1: a dead one; 2: nobody.
lock_state() {
    lock_pid='' lock_start=''
    { read -r lock_pid lock_start; } 2>/dev/null <"${run}/lock" || return 2
    is_process "${lock_pid}" "${lock_start}"
}

# Only who made lock.break may remove a dead lock, and looks again: two breakers could else remove a fresh one.
break_lock() {
    if command mkdir "${run}/lock.break" 2>/dev/null; then
        lock_found=0
        lock_state || lock_found=$?
        if [ "${lock_found}" -eq 1 ]; then
            command rm -f "${run}/lock"
        fi
        command rmdir "${run}/lock.break"
    elif [ -n "$(command find "${run}/lock.break" -prune -mmin +1 2>/dev/null)" ]; then
        command rmdir "${run}/lock.break" 2>/dev/null || :
    fi
}
