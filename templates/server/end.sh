# needs: break_lock find_others forget_server host is_alive lock_found lock_state name nap now now_s others program
# needs: read_record run say stop_server
# --- ending Jupyter, or saying that there is none ---------------------------------------------------------------------

# The wing's, too: false where none is here, but another host's record speaks of one.
end_server() {
    # a launch that holds the lock without a Jupyter is about to have one
    now
    end_until=$((now_s + 3))
    until is_alive "${run}/record"; do
        now
        if ! lock_state || [ "${now_s}" -ge "${end_until}" ]; then break; fi
        nap
    done
    if is_alive "${run}/record"; then
        stop_server
        return 0
    fi
    lock_state || :
    case ${lock_found} in
    dead) break_lock ;;
    free) ! read_record "${run}/record" || forget_server ;;
    *) ;;
    esac
    find_others
    if [ -z "${others}" ]; then
        say 'not running'
        return 0
    fi
    for end_other in ${others}; do
        printf 'nbssh: error: %s\n' "the Jupyter of '${name}' runs on ${end_other}, not here on ${host}" >&2
        printf 'nbssh: hint: %s\n' "on ${end_other}: sh ${program}/kill ${name}" >&2
    done
    return 1
}
