# needs: host is_process read_record run state
# --- who uses the server: the launches of this host, and other hosts of a shared home --------------------------------
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

# The wing's, too. Sets `others`: the hosts of a shared home whose records speak of a server. Nobody can look at a process of another
# host, but Jupyter removes its own file when it ends in order, and a start that takes five minutes has failed.
find_others() {
    others=''
    for other in "${state}"/*/record; do
        other=${other%/record}
        case ${other##*/} in
        "${host}" | '' | [.-]* | *[!A-Za-z0-9._-]*) continue ;;
        *) ;;
        esac
        read_record "${other}/record" || continue
        for other_file in "${other}"/runtime/*server-*.json; do
            if [ -f "${other_file}" ] || {
                [ ! -f "${other}/ready" ] && [ -z "$(command find "${other}/record" -mmin +5)" ]
            }; then
                others="${others}${others:+ }${other##*/}"
            fi
            break
        done
    done
}
