# needs: ask_api attach await_found await_server clear_away end_gate ends_at_logout fail failed_start find_listener
# needs: find_others forward host is_alive know_uid lingers listener lock look name now now_s now_tenth open_gate
# needs: others p_start print_notes program put python r_at read_record refuse_listener refuse_tools remove_socket run
# needs: say server_ended socket start_timeout state stop_server title uid unlock
# --- launch: start Jupyter --------------------------------------------------------------------------------------------

# A started program is a session of its own, so that no terminal's end reaches it, and hears signals: a shell without
# job control makes its background programs ignore SIGINT, and with them every program in every terminal of Jupyter.
# Only a language can undo that, so setsid comes last. It is a child of what we start, which says its process id. Perl takes
# setsid(1) where there is one: its own module for it loads longer than all the rest takes.
# shellcheck disable=SC2016  # Python and Perl
detach_python='
import os, signal, sys
child = os.fork()
if child:
    sys.exit(print(child))
os.setsid()
for name in "HUP INT QUIT PIPE TERM TSTP TTIN TTOU XFSZ".split():
    signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
os.dup2(2, 1)
os.execv(sys.argv[1], sys.argv[1:])
'
# shellcheck disable=SC2016
detach_perl='
if (my $child = fork // die) { print $child; exit }
$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT PIPE TERM TSTP TTIN TTOU);
open STDOUT, ">&STDERR";
exec { "setsid" } "setsid", @ARGV;
require POSIX;
POSIX::setsid() > 0 or die;
exec { $ARGV[0] } @ARGV or die;
'

# Sets started and started_start; mortal: systemd will end it with its user's last session here.
start_server() {
    mortal=''
    set -- /bin/sh "${program}/serve" "${name}"
    if ends_at_logout; then
        if lingers; then
            set -- "$(command -v systemd-run)" --user --scope --quiet "$@"
        else
            mortal=yes
        fi
    fi
    [ ! -f "${run}/log" ] || command mv -f "${run}/log" "${run}/log.1"
    NBSSH_HOST=${host}
    export NBSSH_HOST
    # perl begins sooner; Jupyter's own Python may start in the environment of a login alone, with its LD_LIBRARY_PATH
    started=$(command perl -e "${detach_perl}" "$@" </dev/null 2>"${run}/log") || started=''
    for detacher in "${python:-/}" python3; do
        : "${started:=$(command "${detacher}" -I -S -c "${detach_python}" "$@" </dev/null 2>"${run}/log")}"
    done
    started=${started##*[!0-9]}
    if [ -z "${started}" ]; then
        if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; else trap '' HUP; fi
        command "$@" </dev/null >"${run}/log" 2>&1 &
        started=$!
        trap 'asked=leave' HUP
    fi
    unset NBSSH_HOST
    look "${started}" || :
    started_start=${p_start}
}

# One home, many hosts: what another host's Jupyter uses is not touched.
respect_others() {
    find_others
    for other in ${others}; do
        read_record "${state}/${other}/record" || continue
        case ${r_at} in
        /tmp/nbssh-*) ;;
        "${socket}")
            if [ -S "${socket}" ]; then
                fail "the Jupyter of '${name}' runs on ${other}, this is ${host}; both would use ${socket}" \
                    "on ${other}: sh ${program}/kill ${name}; if that machine is gone: rm -r ${state}/${other}"
            fi
            ;;
        *) ;;
        esac
        say "another Jupyter of '${name}' runs on ${other}, this is ${host}"
    done
}

start() {
    server_pid='' server_start=''
    respect_others
    clear_away "${run}/record" "${run}/ready" "${run}/stopped" "${run}"/record.* "${run}"/ready.*
    for start_old in "${run}"/lock.[0-9]* "${run}"/refused.[0-9]*; do
        if [ "${start_old}" != "${run}/lock.$$" ] && [ -e "${start_old}" ]; then
            # a file that another launch takes away meanwhile makes it fail
            command find "${run}" \( -name 'lock.[0-9]*' -o -name 'refused.[0-9]*' \) -mmin +60 -exec rm -f {} + 2>/dev/null || :
            break
        fi
    done
    end_gate
    if [ "${forward}" = tcp ]; then
        find_listener
        [ "${listener}" = none ] || refuse_listener
    else
        if [ -S "${socket}" ] && ask_api; then
            know_uid
            fail "a Jupyter that nbssh knows nothing of answers on ${socket} on ${host}" "find and end it: ps -fu ${uid}"
        fi
        remove_socket
    fi
    now
    start_s=${now_s} start_tenth=${now_tenth}
    start_server
    await_server "${start_timeout}"
    case ${await_found} in
    answers) ;;
    ended)
        [ ! -f "${run}/stopped" ] || server_ended
        failed_start "${title} did not start on ${host}; the end of its log:"
        ;;
    silent) failed_start "${title} on ${host} did not answer within ${start_timeout} s; the end of its log:" ;;
    *)
        ! is_alive "${run}/record" || stop_server >&2
        [ "${await_found}" = toolless ] || refuse_listener
        refuse_tools
        ;;
    esac
    print_notes
    if [ -n "${mortal}" ]; then
        put "${run}/mortal" "${server_pid} ${server_start}"
    fi
    now
    start_tenth=$(((now_s - start_s) * 10 + now_tenth - start_tenth))
    how="started on ${host} in $((start_tenth / 10)).$((start_tenth % 10)) s"
}

# The wing's: makes sure that Jupyter runs and was verified.
obtain_server() {
    lock "$((start_timeout + 15))"
    if ! is_alive "${run}/record" || ! attach; then
        start
    fi
    open_gate
    mark_ready
    # empty by now
    unlock "${run}"/environment.*
}

mark_ready() {
    put "${run}/ready.$$" "${server_pid} ${server_start}"
    command mv -f "${run}/ready.$$" "${run}/ready"
}
