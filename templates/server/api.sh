# needs: asked forward know_uid newline python ready remote_port socket socket_folder_is_ours uid
# --- is it there: the socket or port, and GET ${ready}: /api, which answers without a login in every Jupyter ----------

# Sets `listener`: ours, none, foreign or unknown. On a shared host somebody else can sit on 127.0.0.1:PORT and
# collect passwords, so whose the listening socket is must be proved before anybody is sent there.
find_listener() {
    listener=none
    listener_uid=''
    know_uid
    if [ -r /proc/net/tcp ]; then
        # proc(5): the address is in the byte order of the machine; 0A is LISTEN; the eighth field is the owner
        listener_uid=$(command awk -v port="$(printf '%04X' "${remote_port}")" -v me="${uid}" '
            ($2 == "0100007F:" port || $2 == "7F000001:" port || $2 == "00000000:" port) && $4 == "0A" && (found == "" || $8 != me) { found = $8 }
            END { print found }' /proc/net/tcp)
        case ${listener_uid} in
        '') ;;
        "${uid}") listener=ours ;;
        *) listener=foreign ;;
        esac
    elif command -v lsof >/dev/null 2>&1; then
        # whose comes second: in between, a listener may appear. What a user started by hand may listen on all addresses.
        for listener_at in @127.0.0.1: :; do
            [ -n "$(command lsof -nP -iTCP"${listener_at}${remote_port}" -sTCP:LISTEN -t 2>/dev/null)" ] || continue
            listener=foreign
            if [ -n "$(command lsof -nP -a -u "${uid}" -iTCP"${listener_at}${remote_port}" -sTCP:LISTEN -t 2>/dev/null)" ]; then
                listener=ours
            fi
            break
        done
    else
        listener=unknown
    fi
}

# GET without curl: PROGRAM socket PATH READY, or PROGRAM tcp PORT READY; prints the body and in the last line the status.
# Perl starts in a sixth of the time that curl takes, and without its modules needs to know the numbers: those of Linux.
# Who was killed, or broke, has asked nothing, and the next one is asked. Jupyter was asked, and does not answer, where
# the status is 9, or that of ALRM: 142, and 270 in ksh.
# shellcheck disable=SC2016  # Perl
api_perl='
alarm 5;
$SIG{PIPE} = "IGNORE";
my ($how, $at, $ready) = @ARGV;
my ($family, $to) = $how eq "socket" ? (1, pack "Sa*x", 1, $at) : (2, pack "SnC4x8", 2, $at, 127, 0, 0, 1);
my $s;
socket($s, $family, 1, 0) && connect($s, $to) or exit($! == 111 || $! == 2 ? 9 : 4);
syswrite $s, "GET $ready HTTP/1.0\r\nHost: localhost\r\n\r\n";
my $answer = "";
while (length $answer < 65536 && sysread $s, $answer, 4096, length $answer) {}
my ($head, $body) = split /\r\n\r\n/, $answer, 2;
print $body, "\n", (split " ", $head)[1];
'
# shellcheck disable=SC2016  # Python
api_python='
import signal, socket, sys
signal.alarm(5)
unix = sys.argv[1] == "socket"
s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
answer = b""
try:
    s.connect(sys.argv[2] if unix else ("127.0.0.1", int(sys.argv[2])))
    s.sendall(b"GET " + sys.argv[3].encode() + b" HTTP/1.0\r\nHost: localhost\r\n\r\n")
    while len(answer) < 65536:
        part = s.recv(4096)
        if not part:
            break
        answer += part
except OSError:
    sys.exit(9)
head, _, body = answer.partition(b"\r\n\r\n")
sys.stdout.write(body.decode("ascii", "ignore") + "\n" + (head.decode("ascii", "ignore").split() + ["", ""])[1])
'

# The next one is to ask. Not where this session is to end: the Ctrl-C that says so has killed the one that asked.
pass_on() {
    api_status=127
    [ -z "${asked-}" ] || api_status=130
}

# ask_with PROGRAM...: it speaks as above. Of one that is killed, a shell itself speaks, too: on the group's stderr.
ask_with() {
    if [ "${forward}" = socket ]; then
        set -- "$@" socket "${socket}" "${ready}"
    else
        set -- "$@" tcp "${remote_port}" "${ready}"
    fi
    api_status=0
    { api_answer=$(command "$@" </dev/null) || api_status=$?; } 2>/dev/null
    case ${api_status} in 0 | 9 | 142 | 270) ;; *) pass_on ;; esac
}

# Asks Jupyter within 5 s and sets api_version. 0: it answers; 1: it does not; 2: there is nothing to ask with; 3: Ctrl-C came
# while it was asked.
ask_api() {
    api_version='' api_answer=''
    pass_on
    if [ -r /proc/self/stat ] && command -v perl >/dev/null 2>&1; then
        ask_with perl -e "${api_perl}"
    fi
    if [ "${api_status}" -eq 127 ] && command -v curl >/dev/null 2>&1; then
        if [ "${forward}" = socket ]; then
            set -- --unix-socket "${socket}" "http://localhost${ready}"
        else
            set -- "http://127.0.0.1:${remote_port}${ready}"
        fi
        api_status=0
        # -q: no ~/.curlrc; status 2 and 4: this curl knows no sockets; 63: it answers much; from 126 on: it did not start,
        # or was killed
        { api_answer=$(command curl -q --silent --noproxy '*' --max-time 5 --max-filesize 65536 --write-out '\n%{http_code}' \
            "$@" </dev/null) || api_status=$?; } 2>/dev/null
        case ${api_status} in 2 | 4 | 12[6-9] | 1[3-9]? | 2??) pass_on ;; 63) api_status=0 ;; *) ;; esac
    fi
    for api_tool in "${python}" python3; do
        if [ "${api_status}" -eq 127 ] && command -v "${api_tool:-/}" >/dev/null 2>&1; then
            ask_with "${api_tool}" -I -S -c "${api_python}"
        fi
    done
    case ${api_status} in
    0) ;;
    127) return 2 ;;
    130) return 3 ;;
    *) return 1 ;;
    esac
    if [ "${ready}" != /api ]; then # no Jupyter, but an app that is there
        case ${api_answer##*"${newline}"} in
        [23][0-9][0-9]) return 0 ;;
        *) return 1 ;;
        esac
    fi
    case ${api_answer} in
    *'"version"'*'
200') ;;
    *) return 1 ;;
    esac
    api_version=${api_answer#*\"version\"}
    api_version=${api_version#*\"}
    api_version=${api_version%%\"*}
    case ${api_version} in
    '' | *[!0-9A-Za-z.+-]*)
        api_version=''
        return 1
        ;;
    *) return 0 ;;
    esac
}

# 0: a Jupyter of ours answers; else 1; `listener` and `api_tools` tell what stands in the way.
answers() {
    api_tools=yes
    if [ "${forward}" = socket ]; then
        [ -S "${socket}" ] && socket_folder_is_ours || return 1
    else
        find_listener
        [ "${listener}" = ours ] || return 1
    fi
    answers_status=0
    ask_api || answers_status=$?
    if [ "${answers_status}" -eq 2 ]; then
        api_tools=''
    fi
    return "${answers_status}"
}
