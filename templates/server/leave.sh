# needs: at fail host is_alive is_process listener listener_uid locked look marked name p_parent p_start p_state parent
# needs: print_log_end remote_port run say socket start_guard stop_server title unlock
# --- launch: leaving -------------------------------------------------------------------------------------------------

started='' started_start='' server_pid='' server_start='' reader='' watcher='' how='' asked=''

# The wing's: the very last act.
last_act() {
    :
}

# The wing's: what "stop" means where a session is no more than a guest.
stop_from_session() {
    stop_server
}

# What `wait` looks for, which is a session of the same connection.
tell_refusal() {
    look "${parent}" && { printf '%s\n' "${parent} ${p_start}" >"${run}/refused.${parent}"; } 2>/dev/null
}

leave() {
    leave_status=$?
    set +e # whatever fails here, the rest is done
    if [ "${leave_status}" -eq 1 ] && [ -z "${how}" ]; then tell_refusal; fi
    trap '' INT QUIT HUP TERM PIPE
    # waited for where nobody sees it: bash tells of a helper that was killed
    for helper in ${reader} ${watcher}; do
        { kill -KILL "${helper}" && wait "${helper}"; } 2>/dev/null
    done
    command rm -f "${run}/sessions/$$"
    unlock
    if session_lasts; then start_guard; fi
    last_act
}

detach() {
    if [ -n "${how}" ]; then
        say "detached; ${fate}; ssh ${name}-nb attaches again"
    elif [ -z "${started}" ] && [ "${locked-}" = waiting ] && ! is_alive "${run}/record"; then
        say "detached; nothing was started from here; ssh ${name}-nb tries it again"
    elif [ -n "${server_pid}" ] && marked "${run}/ready" "${server_pid}" "${server_start}"; then
        say "detached; ${title} has not answered yet; ssh ${name}-nb tries it again, ssh ${name}-nb-kill stops it"
    else
        say "detached; ${title} is still starting; ssh ${name}-nb attaches, ssh ${name}-nb-kill stops it"
    fi
    exit 0
}

# Sets fate, what becomes of it when its user leaves.
fate='the server keeps running' mortal=''
describe_end() {
    if marked "${run}/mortal" "${server_pid}" "${server_start}"; then
        mortal=yes fate="systemd here ends Jupyter with your last session (KillUserProcesses=yes)"
        printf 'nbssh: warning: %s\n' "Jupyter does not outlive your last session on ${host}: systemd ends it (KillUserProcesses=yes)" \
            "so that it does, there: loginctl enable-linger; then stop it and start it again" >&2
    fi
}

# Nothing signals a program without a terminal when its ssh session ends, but its parent changes.
session_lasts() {
    look "$$" && [ "${p_state}" != Z ] && [ "${p_parent}" = "${parent}" ]
}

# Does what a signal asked for: a trap only takes note, because an exit inside one that interrupts `wait` confuses ksh and mksh.
go_on() {
    case ${asked} in
    '') session_lasts || exit 0 ;;
    detach) detach ;;
    stop)
        r_pid=${server_pid} r_start=${server_start}
        stop_from_session
        exit 0
        ;;
    *) exit 143 ;;
    esac
}

refuse_unanswering() {
    if [ -n "${socket}" ] && [ ! -S "${socket}" ] && marked "${run}/ready" "${server_pid}" "${server_start}"; then
        fail "the socket of ${title} on ${host} (pid ${server_pid}) was taken away, ${socket}: by a cleaner of old files?" \
            "its kernels live on: jupyter console --existing ${run}/runtime/kernel-ID.json there saves what they hold" \
            "then, for a new start: ssh ${name}-nb-kill"
    fi
    fail "${title} on ${host} (pid ${server_pid}) runs, but does not answer on ${at}" \
        "look at ${run}/log; to stop it: ssh ${name}-nb-kill"
}

refuse_listener() {
    case ${listener} in
    foreign) fail "port ${remote_port} on ${host} belongs to somebody else${listener_uid:+ (uid ${listener_uid})}" \
        "choose another one: nbssh edit ${name}: remote_port" ;;
    ours) fail "port ${remote_port} on ${host} is taken by another program of yours" \
        "end that, or choose another port: nbssh edit ${name}: remote_port" ;;
    *) fail "whose port ${remote_port} on ${host} is cannot be proved: neither /proc/net/tcp nor lsof is there" \
        "use a socket: nbssh edit ${name}: forward = \"socket\"" ;;
    esac
}

refuse_tools() {
    fail "nothing on ${host} can ask Jupyter whether it is there" "install curl or python3 there"
}

# failed_start MESSAGE: why, as far as the log knows; what we started is stopped.
failed_start() {
    printf 'nbssh: error: %s\n' "$1" >&2
    print_log_end "${run}/log" >&2
    printf 'nbssh: hint: the whole log: %s\n' "${run}/log" >&2
    if is_alive "${run}/record"; then
        stop_server >&2
    elif is_process "${started}" "${started_start}"; then
        kill -TERM "${started}" 2>/dev/null || :
    fi
    command rm -f "${run}/ready" "${run}/record" "${run}"/environment.*
    exit 1
}
