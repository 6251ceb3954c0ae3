# needs: doze explain_end fail host is_over job_found job_id job_node job_state look_job name now now_s print_job_log
# needs: print_plain program put python run_python run_step say say_end scheduler_ways state
# --- job: the stream -------------------------------------------------------------------------------------------------

# Joins descriptors 4 and 3 to a sshd at HOST PORT. 0: our side ended; 3: the other did; 4: no connection; 5: no
# sshd has the port, for that speaks first.
# shellcheck disable=SC2016  # Python
relay_python='
import _socket as socket, _thread, os, sys, time
until = time.monotonic() + float(sys.argv[3])
def connect():
    found = socket.getaddrinfo(sys.argv[1].encode(), int(sys.argv[2]), 0, socket.SOCK_STREAM)
    for family, kind, number, name, address in found:
        far = socket.socket(family, kind, number)
        far.settimeout(10)
        try:
            far.connect(address)
            return far
        except OSError as error:
            refused = error
    raise refused
while True:
    try:
        far = connect()
        data = first = b""
        try:
            while b"SSH-".startswith(first) and len(first) < 4:
                data = far.recv(4096)
                if not data:
                    raise OSError("Connection closed")
                first += data
        except socket.timeout:
            first = b"-"
        if not first.startswith(b"SSH-"):
            sys.stderr.write("what listens on %s port %s does not answer as a sshd does\n" % tuple(sys.argv[1:3]))
            sys.exit(5)
        break
    except OSError as error:
        if time.monotonic() > until:
            sys.stderr.write("%s port %s: %s\n" % (sys.argv[1], sys.argv[2], error.strerror or error))
            sys.exit(4)
        time.sleep(0.05)
far.settimeout(None)
far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def send():
    try:
        while True:
            data = os.read(4, 262144)
            if not data:
                break
            far.sendall(data)
    except OSError:
        pass
    os._exit(0)
_thread.start_new_thread(send, ())
status = 3
data = first
try:
    while data:
        try:
            while data:
                data = data[os.write(3, data):]
        except OSError:
            status = 0
            break
        data = far.recv(262144)
except OSError:
    pass
os._exit(status)
'

# relay HOST PORT SECONDS: how long nobody may be listening yet
relay() {
    relay_status=0
    run_python "${relay_python}" "$@" || relay_status=$?
    [ "${relay_status}" -ne 4 ] || return 1
    [ "${relay_status}" -eq 127 ] || return "${relay_status}"
    fail "nothing on ${host} can connect to ${1}" "install python3 there"
}

# greets HOST PORT SECONDS: a sshd is there
# shellcheck disable=SC2016  # Python
greets_python='
import socket, sys, time
until = time.monotonic() + float(sys.argv[3])
while True:
    try:
        far = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
        far.settimeout(5)
        sys.exit(0 if far.recv(4) == b"SSH-" else 4)
    except OSError:
        if time.monotonic() > until:
            sys.exit(4)
        time.sleep(0.1)
'
greets() {
    run_python "${greets_python}" "$@"
}

# has_sshd WAY: a sshd answers on the job's node
has_sshd() {
    case $1 in
    node) greets "${job_node}" 22 5 ;;
    srun)
        step_asked=ask has_status=0
        run_step /bin/sh "${program}/batch/job" "${name}" has-sshd </dev/null >/dev/null 2>&1 || has_status=$?
        step_asked=''
        return "${has_status}"
        ;;
    *) greets "${job_node}" "$(job_port "${job_id}")" 5 ;;
    esac
}

# find_way WAY: sets way. Where none could be tried before, the ways that end in a sshd of ours come first: what they need
# can be tried here and now, and whether the node's own sshd lets the user in only the session itself sees.
find_way() {
    way=$1
    [ "${way}" = auto ] || return 0
    { read -r way; } 2>/dev/null <"${state}/way" || :
    case ${way} in
    node | srun | relay) return 0 ;;
    *) ;;
    esac
    for way in ${scheduler_ways} node; do
        [ "${way}" = node ] || ! has_sshd "${way}" || break
    done
    put "${state}/way" "${way}"
    say "the way to ${job_node} was not tried before; this session goes by '${way}'"
}

# The port of the job's own sshd, where it has one: no two jobs that can run at once share it.
job_port() {
    # one that counts in letters too
    case $1 in f*) set -- "$(printf '%s' "$1" | command cksum)" && set -- "${1%% *}" ;; *) ;; esac
    port_digits=$(printf '%s' "$1" | command sed 's/^[^0-9]*\([0-9]*\).*/\1/; s/^.*\(....\)$/\1/; s/^0*\(.\)/\1/')
    printf '%s' "$((20000 + ${port_digits:-0}))"
}

# The job's sshd begins to listen a moment after the job, and not at all where that ends at once.
join_listener() {
    now
    join_until=$((now_s + 20))
    while :; do
        join_listening=0
        relay "${job_node}" "$(job_port "${job_id}")" 2 2>"${state}/step.log" || join_listening=$?
        now
        if [ "${join_listening}" -ne 1 ] || [ "${now_s}" -ge "${join_until}" ]; then return "${join_listening}"; fi
        look_job || [ "${job_found}" = silent ] || return 1
    done
}

join() {
    join_status=0 join_taken=''
    case $1 in
    node) relay "${job_node}" 22 5 2>"${state}/step.log" || join_status=$? ;;
    relay)
        join_listener || join_status=$?
        [ "${join_status}" -ne 5 ] || join_taken=yes
        ;;
    *) run_step /bin/sh "${program}/batch/job" "${name}" sshd "${job_id}" <&4 >&3 2>"${state}/step.log" || join_status=$? ;;
    esac
    [ "${join_status}" -ne 5 ] || join_status=1
    return "${join_status}"
}

# What waits for a job reads nothing of its stream. Where the ssh that started it is gone, and not what that started in
# turn, it would write on and on to a terminal that is its user's again: this ends it then.
# shellcheck disable=SC2016  # Python
watch_python='
import os, select, sys
waiting = int(sys.argv[1])
poll = select.poll()
poll.register(0, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
while True:
    gone = poll.poll(2000)
    os.kill(waiting, 15 if gone else 0)
    if gone:
        break
'
watching=''
watch_stream() {
    for python_tool in "${python:-python3}" python3; do
        if ! command "${python_tool}" -I -S -c '' >/dev/null 2>&1; then continue; fi
        (exec "${python_tool}" -I -S -c "${watch_python}" "$$" <&4 >/dev/null 2>&1 3>&-) &
        watching=$!
        return 0
    done
    watching=none
}

end_watch() {
    case ${watching} in '' | none) ;; *) kill -KILL "${watching}" 2>/dev/null || : ;; esac
    watching=''
}

# What stands between ssh and the job ends before there was a stream: what there is to say is said, and ssh's own lines of
# it, which it has for a connection that ends before a word (LogLevel), would only hide that.
end_silently() {
    { printf 'SSH-2.0-nbssh\r\n' >&3; } 2>/dev/null || return 0
    # sshd tells of an end only when there is nobody left on stderr either
    exec 3>&- >/dev/null 2>&1
    command cat <&4 >/dev/null
}

refuse_join() {
    command rm -f "${state}/way"
    # srun's own last line is of no help
    refuse_why=$(command sed -n -e 's/^nbssh: error: //p' "${state}/step.log" 2>/dev/null | command tail -n 1 | print_plain '')
    [ -n "${refuse_why}" ] || refuse_why=$(command tail -n 1 "${state}/step.log" 2>/dev/null | print_plain '')
    set -- "on your laptop: nbssh apply --probe ${name}, which tries the ways again"
    [ -z "${join_taken}" ] || set -- "once more: ssh ${name}-nb" "another job has another port: ssh ${name}-nb-kill, then ssh ${name}-nb"
    fail "job ${job_id} runs on ${job_node}, but no session gets there by '${way}'${refuse_why:+: ${refuse_why}}" "$@"
}

# have_left: the sessions in this job have ended, and told their user so. Their connection may last longer than they, and
# the terminal is the user's again.
have_left() {
    told=''
    { read -r told; } 2>/dev/null <"${state}/told" || :
    [ "${told}" = "${job_id}" ] || return 1
    [ -z "$(command find "${state}"/*/sessions -type f -newer "${state}/job" 2>/dev/null)" ]
}

# as_raw: lines for a terminal in which a session is, which ssh has made a raw one
as_raw() {
    while IFS='' read -r raw_line; do
        printf '%s\r\n' "${raw_line}"
    done
}

# Our side still holds stdout open, so ssh is there to show why the job's side has gone. 1: it never was there.
explain_join() {
    [ "$1" -ne 0 ] || return 0
    now
    lost_until=$((now_s + 2)) lost_over=$((now_s + 10))
    while look_job; do
        if [ "${job_state}" = queued ]; then
            job_end=requeued
            say_end ''
            return 0
        fi
        now
        if [ "${now_s}" -ge "${lost_over}" ] || { [ "${now_s}" -ge "${lost_until}" ] && ! is_over; }; then
            [ "$1" -eq 3 ] || refuse_join
            printf 'nbssh: error: %s\nnbssh: hint: %s\n' "the connection to ${job_node} was lost, and job ${job_id} is said to run" \
                "to come back to it: ssh ${name}-nb"
            return 0
        fi
        doze 0.5
    done
    if [ "${job_found}" = none ]; then
        explain_end
        say_end ''
        # launch, on the node, could not show it: the job took it along
        [ "${job_end}" != failed ] || print_job_log
    fi
}
