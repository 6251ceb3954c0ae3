# --- ending the server, or saying that there is none -----------------------------------------------------------------

# 1: none here, but another host's record speaks of one.
end_server() {
    # a launch that holds the lock without a server is about to have one
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
    end_lock=0
    lock_state || end_lock=$?
    case ${end_lock} in
    1) break_lock ;;
    2) ! read_record "${run}/record" || forget_server ;;
    *) ;;
    esac
    find_others
    if [ -z "${others}" ]; then
        say 'not running'
        return 0
    fi
    for end_other in ${others}; do
        printf 'nbssh: error: %s\n' "the server of '${name}' runs on ${end_other}, not here on ${host}" >&2
        printf 'nbssh: hint: %s\n' "on ${end_other}: sh ${data}/kill" >&2
    done
    return 1
}
