# needs: doze explain_end fail host job_end job_found job_id job_node look_job name now now_s print_job_log program
# needs: python run_step say_end
# --- job: the stream -------------------------------------------------------------------------------------------------

# Joins descriptors 4 and 3 to HOST PORT. 0: our side ended; 3: the other did; 1: no connection.
# shellcheck disable=SC2016  # Python
relay_python='
import _thread, os, socket, sys, time
until = time.monotonic() + float(sys.argv[3])
while True:
    try:
        far = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
        break
    except OSError as error:
        if time.monotonic() > until:
            sys.stderr.write("nbssh: error: %s port %s: %s\n" % (sys.argv[1], sys.argv[2], error))
            sys.exit(1)
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
try:
    while True:
        data = far.recv(262144)
        if not data:
            break
        try:
            while data:
                data = data[os.write(3, data):]
        except OSError:
            status = 0
            break
except OSError:
    pass
os._exit(status)
'

# relay HOST PORT SECONDS: how long nobody may be listening yet
relay() {
    for relay_tool in "${python:-/}" python3; do
        if command -v "${relay_tool}" >/dev/null 2>&1; then
            relay_status=0
            command "${relay_tool}" -I -S -c "${relay_python}" "$@" || relay_status=$?
            return "${relay_status}"
        fi
    done
    fail "nothing on ${host} can connect to ${1}" "install python3 there"
}

# The port of the job's own sshd, where it has one: no two jobs that can run at once share it.
job_port() {
    port_digits=$(printf '%s' "$1" | command sed 's/^[^0-9]*\([0-9]*\).*/\1/; s/^.*\(....\)$/\1/; s/^0*\(.\)/\1/')
    printf '%s' "$((20000 + ${port_digits:-0}))"
}

join() {
    join_status=0
    case $1 in
    node) relay "${job_node}" 22 5 || join_status=$? ;;
    relay) relay "${job_node}" "$(job_port "${job_id}")" 20 || join_status=$? ;;
    *) run_step /bin/sh "${program}/batch/job" "${name}" sshd "${job_id}" <&4 >&3 || join_status=$? ;;
    esac
    return "${join_status}"
}

# Our side still holds stdout open, so ssh is there to show why the job's side has gone.
explain_join() {
    [ "$1" -ne 0 ] || return 0
    now
    explain_until=$((now_s + 2))
    while :; do
        look_job || break
        now
        [ "${now_s}" -lt "${explain_until}" ] || return 0
        doze 0.5
    done
    [ "${job_found}" = none ] || return 0
    explain_end
    say_end ''
    # launch, on the node, could not show it: the job took it along
    [ "${job_end}" != failed ] || print_job_log
}
