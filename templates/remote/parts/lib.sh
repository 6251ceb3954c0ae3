# --- shared by the server scripts: messages, clock, processes, the server's record -----------------------------------
# No `local` (ksh has none): the variables of a function carry its prefix. `command` goes past functions and aliases.
set -eu
umask 077
unset CDPATH
LC_ALL=C
export LC_ALL

say() {
    printf 'nbssh: %s\n' "$*"
}

# fail MESSAGE HINT…
fail() {
    printf 'nbssh: error: %s\n' "$1" >&2
    shift
    for fail_hint in "$@"; do
        printf 'nbssh: hint: %s\n' "${fail_hint}" >&2
    done
    exit 1
}

# put FILE LINE. Read again, because not every shell notices that a disk is full; by `cat` then, because no shell says
# more of it than "I/O error".
put() {
    put_line=''
    { printf '%s\n' "$2" >"$1" && IFS='' read -r put_line <"$1"; } 2>/dev/null || :
    [ "${put_line}" = "$2" ] || put_said=$({ printf '%s\n' "$2" | command cat >"$1"; } 2>&1) ||
        fail "cannot write $1 on ${host}: ${put_said##*: }" "look at the disk of your home there: df -P"
}

# The host's name is a folder and part of messages and JSON.
host=$(command uname -n)
case ${host} in
'' | [.-]* | *[!A-Za-z0-9._-]*) fail "this host's name cannot be a folder: '$(printf '%s' "${host}" | command tr -cd '[:print:]')'" ;;
*) ;;
esac

run=${state}/${host}

# Sets uid, for which a program is asked: only where it counts.
uid=''
know_uid() {
    uid=${uid:-$(command id -u)}
}

# Not every sleep knows fractions.
nap() {
    command sleep 0.05 2>/dev/null || command sleep 1
}

# Sets now_s and now_tenth. The uptime is finer than date, costs no process and never jumps.
now() {
    if { read -r now_s now_tenth; } 2>/dev/null </proc/uptime; then
        now_tenth=${now_s#*.}
        now_s=${now_s%.*}
        now_tenth=${now_tenth%"${now_tenth#?}"}
    else
        now_s=$(command date +%s)
        now_tenth=0
    fi
}

boot=''
{ read -r boot; } 2>/dev/null </proc/sys/kernel/random/boot_id || boot=unknown

# look PID: sets p_state, p_parent, p_group and p_start; a process id together with its start is never used twice.
# /proc/PID/stat (proc(5)): the name in parentheses may hold blanks and parentheses, so fields count from the last one.
look() {
    p_state='' p_parent='' p_group='' p_start=''
    case $1 in
    '' | 0* | *[!0-9]*) return 1 ;;
    *) ;;
    esac
    if [ -r /proc/self/stat ]; then
        { IFS='' read -r look_line; } 2>/dev/null <"/proc/$1/stat" || return 1
        # shellcheck disable=SC2086  # numbers, split on purpose
        set -- ${look_line##*") "}
        [ "$#" -ge 20 ] || return 1
        p_state=$1 p_parent=$2 p_group=$3 p_start=${boot}/${20}
    else
        # shellcheck disable=SC2046  # words, split on purpose
        set -- $(TZ=UTC0 command ps -o stat= -o ppid= -o pgid= -o lstart= -p "$1" 2>/dev/null)
        [ "$#" -ge 4 ] || return 1
        p_state=$1 p_parent=$2 p_group=$3
        shift 3
        p_start=$*
    fi
}

# Prints state, parent and group of every process, a line each.
list_processes() {
    if [ -r /proc/self/stat ]; then
        command cat /proc/[0-9]*/stat 2>/dev/null | command sed 's/.*) //'
    else
        command ps -A -o stat= -o ppid= -o pgid= 2>/dev/null
    fi
}

# is_process PID START: it lives. A zombie does not: where PID 1 reaps lazily, it keeps its number and start.
is_process() {
    look "$1" && [ "${p_start}" = "$2" ] && case ${p_state} in [ZX]*) false ;; *) true ;; esac
}

# read_record FILE: sets r_pid and the rest. Never sourced: it is data, and on a shared home another host's.
read_record() {
    r_pid='' r_start='' r_host='' r_at='' r_since='' r_began='' r_job=''
    [ -f "$1" ] || return 1
    while read -r record_key record_value; do
        case ${record_key} in
        pid) r_pid=${record_value} ;;
        start) r_start=${record_value} ;;
        host) r_host=${record_value} ;;
        at) r_at=${record_value} ;;
        since) r_since=${record_value} ;;
        began) r_began=${record_value} ;;
        job) r_job=${record_value} ;;
        *) ;;
        esac
    done 2>/dev/null <"$1" || return 1
    case ${r_since} in *[!0-9]*) r_since='' ;; *) ;; esac
    case ${r_began} in *[!0-9:\ -]*) r_began='' ;; *) ;; esac
    case ${r_pid} in
    '' | 0* | *[!0-9]* | ???????????*) return 1 ;;
    *) return 0 ;;
    esac
}

# is_alive RECORD: the process it names runs, on this host.
is_alive() {
    read_record "$1" && [ "${r_host}" = "${host}" ] && is_process "${r_pid}" "${r_start}"
}

# marked FILE PID START: "ready" and "stopped" name the very process that they speak of.
marked() {
    mark_pid='' mark_start=''
    { read -r mark_pid mark_start; } 2>/dev/null <"$1" || :
    [ "${mark_pid}" = "$2" ] && [ "${mark_start}" = "$3" ]
}

# owned FILE: it is there and this user's; sets file_mode. A symbolic link is looked at itself, not followed.
owned() {
    know_uid
    # shellcheck disable=SC2046  # words, split on purpose; mode, links and owner come first
    set -- $(command ls -ldn "$1" 2>/dev/null) '' '' ''
    file_mode=$1 file_owner=$3
    [ "${file_owner}" = "${uid}" ]
}

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

# Sets `others`: the hosts of a shared home whose records speak of a server. Nobody can look at a process of another
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
