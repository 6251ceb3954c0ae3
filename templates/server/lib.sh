# Protocol 1. What the program on a host concludes it says to nbssh in these words, which are no text for people:
#   status        one line of JSON; "state" is running, starting, queued, stopped, elsewhere, unresponsive or unknown
#   wait          nbssh-NONCE-port PORT: where a tunnel to a port ends; nbssh-NONCE-told: launch knows that it is open
#                 nbssh-NONCE-verified: launch has verified Jupyter; nbssh-NONCE-refused: the launch of this connection
#                 has refused. Whatever else comes, and whatever its status is, says neither
# needs:
# --- shared by all scripts: messages, clock, processes, the record of Jupyter's process ------------------------------
# No `local` (ksh has none): the variables of a function carry its prefix. `command` goes past functions and aliases.
# The scripts that nbssh sends over ssh hold the text of these parts, those of the program read them at run time.
# SC2310, SC2311, SC2312: functions say by their status what they found; `set -e` is only the net below them.
# SC2034, SC2317: the parts are shared, and no script uses all of them.
# shellcheck shell=sh disable=SC2310,SC2311,SC2312,SC2034,SC2317
set -eu
umask 077
IFS=' 	
'
LC_ALL=C
export LC_ALL
# An rc file may lose the system's folders: PATH=~/bin.
command -v cat >/dev/null 2>&1 || PATH=${PATH-}${PATH:+:}/usr/bin:/bin

# What steers the programs that the scripts start is laid aside; what is started for the user gets it back.
steering='PERL5OPT PERL5LIB PERLLIB PERL_UNICODE PERL5DB PERL_SIGNALS PERLIO BASH_ENV ENV GREP_OPTIONS TAR_OPTIONS TAPE
PS_FORMAT PS_PERSONALITY I_WANT_A_BROKEN_PS CMD_ENV UNIX95 COMMAND_MODE QUOTING_STYLE TIME_STYLE BLOCKSIZE BLOCK_SIZE
DF_BLOCK_SIZE LS_BLOCK_SIZE AWKPATH AWKLIBPATH GAWK_READ_TIMEOUT MAWK_LONG_OPTIONS CDPATH'

steer_set=''
for steer in ${steering}; do
    eval "steer_value=\${${steer}-} steer_set=\${${steer}+yes}"
    if [ -n "${steer_set}" ]; then
        eval "NBSSH_KEPT_${steer}=\${steer_value}"
        export "NBSSH_KEPT_${steer}"
        unset "${steer}"
    fi
done

give_back() {
    for steer in ${steering}; do
        eval "steer_set=\${NBSSH_KEPT_${steer}+yes}"
        if [ -n "${steer_set}" ]; then
            eval "${steer}=\${NBSSH_KEPT_${steer}} && export ${steer}"
            unset "NBSSH_KEPT_${steer}"
        fi
    done
}

say() {
    printf 'nbssh: %s\n' "$*"
}

# The wing's, too: fail MESSAGE HINT...
fail() {
    printf 'nbssh: error: %s\n' "$1" >&2
    shift
    for fail_hint in "$@"; do
        printf 'nbssh: hint: %s\n' "${fail_hint}" >&2
    done
    exit 1
}

newline='
'

# fail_write PATH SAID: it cannot be written, as a program said; why is looked for above it, and only then in the disk.
fail_write() {
    write_at=$1
    while [ ! -e "${write_at}" ] && [ ! -L "${write_at}" ] && [ "${write_at%/*}" != "${write_at}" ]; do
        write_at=${write_at%/*}
    done
    [ ! -d "$1" ] && [ -e "$1" ] && write_at=${1%/*}
    if [ -L "${write_at}" ] && [ ! -e "${write_at}" ]; then
        fail "cannot write $1 on ${host}: ${write_at} is a link that leads nowhere" "look at it there: ls -l ${write_at}"
    elif [ ! -d "${write_at}" ]; then
        fail "cannot write $1 on ${host}: ${write_at} is no folder" "give it another name there: mv ${write_at} ${write_at}.old"
    elif [ ! -w "${write_at}" ] || [ ! -x "${write_at}" ]; then
        # shellcheck disable=SC2012  # its third word is the owner
        write_owner=$(command ls -ld "${write_at}" 2>/dev/null | command awk '{ print $3 }')
        fail "cannot write $1 on ${host}: ${write_at} is not yours to write; it belongs to ${write_owner}, or is read-only" \
            "look at it there: ls -ld ${write_at}"
    fi
    fail "cannot write $1 on ${host}: ${2##*: }" "look at the disk of your home there: df -P"
}

# put FILE LINE... The first line is read again, because not every shell notices that a disk is full; by `cat` then,
# because no shell says more of it than "I/O error".
put() {
    put_file=$1 put_line=''
    shift
    { printf '%s\n' "$@" >"${put_file}" && IFS='' read -r put_line <"${put_file}"; } 2>/dev/null || :
    [ "${put_line}" = "$1" ] || put_said=$({ printf '%s\n' "$@" | command cat >"${put_file}"; } 2>&1) ||
        fail_write "${put_file}" "${put_said}"
}

# clear_away FILE...: removes those that are there; where none is, no program is started for it.
clear_away() {
    for clear_file in "$@"; do
        if [ -e "${clear_file}" ] || [ -L "${clear_file}" ]; then
            command rm -f "$@"
            return
        fi
    done
}

# The host's name is a folder and part of messages and JSON. launch has asked for it, and tells serve.
host=${NBSSH_HOST-}
unset NBSSH_HOST
[ -n "${host}" ] || host=$(command uname -n)
case ${host} in
'' | [.-]* | *[!A-Za-z0-9._-]*) fail "this host's name cannot be a folder: '$(printf '%s' "${host}" | command tr -cd '[:print:]')'" ;;
*) ;;
esac

# Sets uid, the effective one.
uid=''
know_uid() {
    [ -z "${uid}" ] || return 0
    while read -r uid_key uid_real uid uid_rest; do
        [ "${uid_key}" != Uid: ] || return 0
    done 2>/dev/null </proc/self/status || :
    uid=$(command id -u)
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
# /proc may hide sshd's process, which has changed its user (hidepid); it is the user's all the same, so it hears signals.
# What tells it from others is then the connection that it serves.
look() {
    p_state='' p_parent='' p_group='' p_start=''
    case $1 in
    '' | 0* | *[!0-9]*) return 1 ;;
    *) ;;
    esac
    if [ -r /proc/self/stat ]; then
        { IFS='' read -r look_line; } 2>/dev/null <"/proc/$1/stat" || {
            kill -0 "$1" 2>/dev/null || return 1
            p_start=${boot}/hidden/${SSH_CONNECTION-}
            return 0
        }
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
    r_pid='' r_start='' r_host='' r_at='' r_since='' r_began='' r_job='' r_program='' r_file=''
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
        program) r_program=${record_value} ;;
        file) r_file=${record_value} ;;
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

# is_alive RECORD: the process it names runs, on this host: where its start says the start of this very machine, the
# host's name, which may have changed since, says nothing more. One that the user started by hand, whose runtime file
# is named, counts for a profile that uses it.
hers=''
is_alive() {
    read_record "$1" && { [ "${r_host}" = "${host}" ] || [ "${boot}" != unknown ]; } && is_process "${r_pid}" "${r_start}" &&
        { [ -z "${r_file}" ] || [ -n "${hers}" ]; }
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
