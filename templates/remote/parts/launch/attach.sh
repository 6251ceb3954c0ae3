# --- launch: attach to a server --------------------------------------------------------------------------------------

# The server's process, or what becomes it, is there.
server_runs() {
    if [ -z "${server_pid}" ]; then
        if is_alive "${run}/record"; then
            server_pid=${r_pid} server_start=${r_start}
        else
            look "${started}" && [ "${p_state}" != Z ]
            return
        fi
    fi
    is_process "${server_pid}" "${server_start}"
}

# await_server SECONDS. 0: it answers; 1: it ended; 2: it does not answer; 3: the port is not ours; 4: no way to ask.
await_server() {
    now
    await_began=${now_s}
    await_said=''
    while :; do
        if answers; then
            if server_runs && [ -n "${server_pid}" ]; then return 0; fi
        elif [ -z "${api_tools}" ]; then
            return 4
        elif [ "${forward}" = tcp ]; then
            case ${listener} in
            foreign | unknown) return 3 ;;
            *) ;;
            esac
        fi
        server_runs || return 1
        now
        await_seconds=$((now_s - await_began))
        if [ "${await_seconds}" -ge "$1" ]; then return 2; fi
        if [ "${await_seconds}" -ge 3 ] && [ -z "${await_said}" ]; then
            await_said=yes
            [ ! -t 2 ] || say "starting ${title} on ${host} …" >&2
        fi
        go_on
        nap
    done
}

attach() {
    server_pid=${r_pid} server_start=${r_start}
    if [ "${r_at}" != "${at}" ]; then
        fail "${title} on ${host} (pid ${r_pid}) still runs with earlier settings, at ${r_at}" "restart it: ssh ${name}-nb-kill, then ssh ${name}-nb"
    fi
    attach_limit=${start_timeout}
{% if scheduler %}
    attach_how="started on ${host} in job ${r_job}"
    if marked "${run}/ready" "${r_pid}" "${r_start}"; then
        attach_limit=10 attach_how="runs on ${host} since ${r_began}"
    fi
{% else %}
    ! marked "${run}/ready" "${r_pid}" "${r_start}" || attach_limit=10
    attach_how="is already running on ${host} since ${r_began}"
{% endif %}
    attach_status=0
    await_server "${attach_limit}" || attach_status=$?
    case ${attach_status} in
    0) how=${attach_how} ;;
    1) return 1 ;;
    3) refuse_listener ;;
    4) refuse_tools ;;
    *) refuse_unanswering ;;
    esac
}
