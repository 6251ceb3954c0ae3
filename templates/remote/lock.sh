# --- the lock: only one launch at a time looks for a server and starts one -------------------------------------------
# flock(1) is not everywhere; a hard link is atomic everywhere, NFS too. The file names its holder, so that the lock of
# a dead one is taken over.

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

# lock SECONDS
lock() {
    look "$$"
    printf '%s %s\n' "$$" "${p_start}" >"${run}/lock.$$"
    now
    lock_began=${now_s}
    lock_said=''
    until command ln "${run}/lock.$$" "${run}/lock" 2>/dev/null; do
        lock_found=0
        lock_state || lock_found=$?
        now
        case ${lock_found} in
        0)
            if [ "${lock_pid}" = "$$" ]; then
                break # NFS may do it and still say that it failed
            fi
            if [ -z "${lock_said}" ] && [ "$((now_s - lock_began))" -ge 3 ]; then
                lock_said=yes
                [ ! -t 2 ] || say "waiting for another launch on ${host} (pid ${lock_pid})" >&2
            fi
            ;;
        1) break_lock ;;
        *) ;;
        esac
        if [ "$((now_s - lock_began))" -ge "$1" ]; then
            case ${lock_found} in
            0) fail "another launch on ${host} (pid ${lock_pid}) has held ${run}/lock for $1 s" "end it: kill ${lock_pid}" ;;
            *) fail "cannot make the lock ${run}/lock on ${host}" "is there space left, and does the file system know hard links?" ;;
            esac
        fi
        nap
    done
    locked=yes
    command rm -f "${run}/lock.$$"
}

unlock() {
    command rm -f "${run}/lock.$$"
    if [ -n "${locked-}" ]; then
        locked=''
        command rm -f "${run}/lock"
    fi
}
