# needs: break_lock fail go_on host lock_found lock_pid lock_state look nap now now_s p_start put run say
# --- launch: the lock ------------------------------------------------------------------------------------------------

locked=''

# lock SECONDS
lock() {
    look "$$"
    locked=waiting
    put "${run}/lock.$$" "$$ ${p_start}"
    now
    lock_began=${now_s}
    lock_said=''
    until command ln "${run}/lock.$$" "${run}/lock" 2>/dev/null; do
        lock_state || :
        now
        case ${lock_found} in
        held)
            if [ "${lock_pid}" = "$$" ]; then
                break # NFS may do it and still say that it failed
            fi
            if [ -z "${lock_said}" ] && [ "$((now_s - lock_began))" -ge 3 ]; then
                lock_said=yes
                [ ! -t 2 ] || say "waiting for another launch on ${host} (pid ${lock_pid})" >&2
            fi
            ;;
        dead) break_lock ;;
        *) ;;
        esac
        if [ "$((now_s - lock_began))" -ge "$1" ]; then
            case ${lock_found} in
            held) fail "another launch on ${host} (pid ${lock_pid}) has held ${run}/lock for $1 s" "end it: kill ${lock_pid}" ;;
            *) fail "cannot make the lock ${run}/lock on ${host}" "is there space left, and does the file system know hard links?" ;;
            esac
        fi
        go_on
        nap
    done
    locked=yes
}

# unlock FILE...: they are removed, too.
unlock() {
    case ${locked} in
    yes) command rm -f "${run}/lock.$$" "${run}/lock" "$@" ;;
    waiting) command rm -f "${run}/lock.$$" ;;
    *) ;;
    esac
    locked=''
}
