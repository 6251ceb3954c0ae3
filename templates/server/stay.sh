# needs: also api_version asked describe_end fate forget_server go_on host how is_process local_port look marked
# needs: mortal name newline p_start parent print_log_end run say server_pid server_start session_lasts title
# --- launch: stay ----------------------------------------------------------------------------------------------------

# Sets `joined` where an earlier session came over the same connection: ssh runs no LocalCommand for the later ones, so
# that no browser opens by itself. `connections` holds those that live, a line each: process id and start.
note_connection() {
    joined='' connections=''
    while read -r connection connection_start; do
        if is_process "${connection}" "${connection_start}"; then
            [ "${connection}" != "${parent}" ] || joined=yes
            connections="${connections}${connection} ${connection_start}${newline}"
        fi
    done 2>/dev/null <"${run}/connections" || :
    if [ -n "${joined}" ] || ! look "${parent}"; then return 0; fi
    { printf '%s\n' "${connections}${parent} ${p_start}" >"${run}/connections"; } 2>/dev/null || :
}

read_keys() {
    trap - INT QUIT HUP TERM PIPE USR1 USR2 EXIT
    while IFS='' read -r key; do
        case ${key} in
        [kK]) kill -USR1 "$$" ;;
        '') ;;
        *) kill -USR2 "$$" ;;
        esac
    done
}

# 3: Jupyter is gone; 4: the session is.
watch() {
    trap - INT QUIT HUP TERM PIPE USR1 USR2 EXIT
    command sleep 1
    if ! session_lasts; then
        kill -KILL "${reader}" 2>/dev/null || : # launch itself may be gone, and cannot do it
        exit 4
    fi
    is_process "${server_pid}" "${server_start}" || exit 3
    exit 0
}

# The wing's: another reason why Jupyter may have ended; it does not return where it was that.
explain_server_end() {
    :
}

server_ended() {
    r_pid=${server_pid} r_start=${server_start}
    if [ -z "${how}" ] || marked "${run}/stopped" "${server_pid}" "${server_start}"; then
        say "${title} on ${host} was stopped"
        exit 0
    fi
    explain_server_end
    # Jupyter, of every generation, removes its own file when it ends in order
    for left in "${run}"/runtime/jpserver-*.json "${run}"/runtime/nbserver-*.json; do
        if [ -f "${left}" ]; then
            printf 'nbssh: error: %s\n' "${title} on ${host} (pid ${server_pid}) died; the end of its log:" >&2
            print_log_end "${run}/log" >&2
            exit 1
        fi
    done
    forget_server
    say "${title} on ${host} was shut down"
    exit 0
}

# The wing's: what it says when Jupyter is there.
greet() {
    :
}

# The wing's: what it has to say since, once a second.
remind() {
    :
}

start_watch() {
    watch </dev/null >/dev/null 2>&1 &
    watcher=$!
}

# The helpers come before the words: what is said is true when it is read. `wait` lets a trap run at once, and were a
# signal lost just before it, then the next second brings it. (Where printf is no builtin, Ctrl-C hits it too: `|| :`.)
stay() {
    trap '' TSTP
    trap 'asked=stop' USR1
    trap 'say "k and Enter stop it; Ctrl-C detaches, ${fate}" || :' USR2
    exec 3<&0
    read_keys <&3 3<&- >/dev/null 2>&1 &
    reader=$!
    exec 3<&- </dev/null
    start_watch
    say "${title}${api_version:+ (server ${api_version})} ${how}" || :
    say "open http://127.0.0.1:${local_port}/" || :
    for also_port in ${also}; do
        say "also http://127.0.0.1:${also_port}/" || :
    done
    [ ! -t 1 ] || [ -z "${joined}" ] || say "ssh opens the browser only with a connection's first session: nbssh open ${name}" || :
    describe_end
    [ ! -t 1 ] || [ -n "${mortal}" ] || say "if the connection is lost it keeps running, too: ssh ${name}-nb comes back to it" || :
    say "Ctrl-C detaches, ${fate}; k and Enter stop it (so does: ssh ${name}-nb-kill)" || :
    greet || :
    while [ -z "${asked}" ]; do
        remind || :
        watched=0
        wait "${watcher}" || watched=$?
        case ${watched} in
        3) server_ended ;;
        4) exit 0 ;;
        *) ;;
        esac
        # a question that was answered meanwhile ended the wait, and not the watcher
        [ -n "${asked}" ] || kill -0 "${watcher}" 2>/dev/null || start_watch
    done
    go_on
}
