# needs: ask_api host is_process r_at r_job read_record run state
# --- who uses Jupyter: the launches of this host, and other hosts of a shared home ------------------------------------
# A launch keeps a file in sessions/, named by its process id: its start, and the program that it was started from.

# Counts the launches that live, in `sessions`, and forgets the others.
count_sessions() {
    sessions=0
    for session in "${run}"/sessions/*; do
        session_start=''
        { IFS='' read -r session_start; } 2>/dev/null <"${session}" || continue
        if is_process "${session##*/}" "${session_start}"; then
            sessions=$((sessions + 1))
        else
            command rm -f "${session}"
        fi
    done
}

# is_left_over: the record that was read last is of another name of this machine, whose disk no other machine has, and
# nothing answers on its socket. Of a port, which a container has to itself, nobody can tell.
is_left_over() {
    [ -z "${r_job}" ] || return 1
    case ${r_at} in
    /*) ;;
    *) return 1 ;;
    esac
    case $(command df -PT "${state}" 2>/dev/null | command awk 'END { print $2 }') in
    ext[234] | xfs | btrfs | zfs | overlay | f2fs | jfs | reiserfs | tmpfs) ;;
    *) return 1 ;;
    esac
    [ -S "${r_at}" ] || return 0
    left_socket=${socket} left_forward=${forward} left_status=0
    socket=${r_at} forward=socket
    ask_api || left_status=$?
    socket=${left_socket} forward=${left_forward}
    [ "${left_status}" -eq 1 ]
}

# The wing's, too. Sets `others`: the hosts of a shared home whose records speak of a Jupyter. Nobody can look at a process of another
# host, but Jupyter removes its own file when it ends in order, and a start that takes five minutes has failed.
find_others() {
    others=''
    for other in "${state}"/*/record; do
        other=${other%/record}
        case ${other##*/} in
        "${host}" | "${run##*/}" | '' | [.-]* | *[!A-Za-z0-9._-]*) continue ;;
        *) ;;
        esac
        read_record "${other}/record" || continue
        if is_left_over; then
            command rm -f "${other}/record" "${other}/ready"
            continue
        fi
        for other_file in "${other}"/runtime/*server-*.json; do
            if [ -f "${other_file}" ] || {
                [ ! -f "${other}/ready" ] && [ -z "$(command find "${other}/record" -mmin +5 2>/dev/null)" ]
            }; then
                others="${others}${others:+ }${other##*/}"
            fi
            break
        done
    done
}
