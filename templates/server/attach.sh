# needs: answers api_tools at fail forward go_on host is_alive is_process listener marked name nap now now_s r_at
# needs: r_began r_pid r_start refuse_listener refuse_tools refuse_unanswering run say socket start_timeout started
# needs: started_start title
# --- launch: attach to Jupyter ----------------------------------------------------------------------------------------

# Jupyter's process, or what becomes it, is there.
server_runs() {
    if [ -z "${server_pid}" ] && is_alive "${run}/record"; then
        server_pid=${r_pid} server_start=${r_start}
    fi
    is_process "${server_pid:-${started}}" "${server_start:-${started_start}}"
}

# await_server SECONDS: sets await_found: answers, ended, silent, foreign (the port is not ours), toolless (no way to ask).
await_server() {
    await_found=answers
    now
    await_began=${now_s}
    await_said=''
    while :; do
        if answers; then
            if server_runs && [ -n "${server_pid}" ]; then return 0; fi
        elif [ -z "${api_tools}" ]; then
            await_found=toolless
            return 0
        elif [ "${forward}" = tcp ]; then
            case ${listener} in
            foreign | unknown)
                await_found=foreign
                return 0
                ;;
            *) ;;
            esac
        fi
        if [ -n "${socket}" ] && [ -n "${server_pid}" ] && [ ! -S "${socket}" ] &&
            marked "${run}/ready" "${server_pid}" "${server_start}"; then
            await_found=silent
            return 0
        fi
        if ! server_runs; then
            await_found=ended
            return 0
        fi
        now
        await_seconds=$((now_s - await_began))
        if [ "${await_seconds}" -ge "$1" ]; then
            await_found=silent
            return 0
        fi
        if [ "${await_seconds}" -ge 3 ] && [ -z "${await_said}" ]; then
            await_said=yes
            [ ! -t 2 ] || say "starting ${title} on ${host} ..." >&2
        fi
        go_on
        nap
    done
}

# The wing's: how long Jupyter may take to answer, and what is said when it does.
describe_attach() {
    attach_limit=${start_timeout} attach_how="is already running on ${host} since ${r_began}"
    ! marked "${run}/ready" "${r_pid}" "${r_start}" || attach_limit=10
}

attach() {
    server_pid=${r_pid} server_start=${r_start}
    if [ "${r_at}" != "${at}" ]; then
        fail "${title} on ${host} (pid ${r_pid}) still runs with earlier settings, at ${r_at}" "restart it: ssh ${name}-nb-kill, then ssh ${name}-nb"
    fi
    describe_attach
    await_server "${attach_limit}"
    case ${await_found} in
    answers) how=${attach_how} ;;
    ended) return 1 ;;
    foreign) refuse_listener ;;
    toolless) refuse_tools ;;
    *) refuse_unanswering ;;
    esac
}
