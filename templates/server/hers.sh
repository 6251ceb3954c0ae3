# needs: know_uid look owned p_start p_state uid
# --- a Jupyter that the user started by hand --------------------------------------------------------------------------
# Jupyter writes a runtime file for as long as it lives: nbserver-PID.json, since jupyter_server jpserver-PID.json.

# number_in FILE KEY: it has a key a line.
number_in() {
    command sed -n "s/^ *\"$2\": *\\([0-9][0-9]*\\),*\$/\\1/p" "$1" 2>/dev/null | command head -n 1
}

# text_in FILE KEY: nothing where it is written with a backslash.
text_in() {
    command sed -n "s/^ *\"$2\": *\"\([^\"\\\\]*\)\",*\$/\1/p" "$1" 2>/dev/null | command head -n 1
}

# is_hers FILE: the Jupyter that wrote it lives and is this user's. Sets hers_pid, hers_start and hers_words.
is_hers() {
    hers_pid=${1##*server-}
    hers_pid=${hers_pid%.json}
    [ -f "$1" ] && look "${hers_pid}" && [ "${p_state}" != Z ] || return 1
    hers_start=${p_start}
    know_uid
    if [ -d "/proc/${hers_pid}" ]; then
        owned "/proc/${hers_pid}" || return 1
        hers_words=$(command tr '\000' ' ' <"/proc/${hers_pid}/cmdline" 2>/dev/null) || return 1
    else
        [ "$(command ps -o uid= -p "${hers_pid}" 2>/dev/null | command tr -d ' ')" = "${uid}" ] || return 1
        hers_words=$(command ps -o args= -p "${hers_pid}" 2>/dev/null) || return 1
    fi
    case ${hers_words} in
    *jupyter* | *notebook*) ;;
    *) return 1 ;;
    esac
}

# listens PID PORT: this very process does, where 127.0.0.1:PORT leads to.
listens() {
    if [ -r /proc/net/tcp ]; then
        listens_inode=$(command awk -v port="$(printf '%04X' "$2")" '
            $2 ~ "^(0100007F|7F000001|00000000):" port "$" && $4 == "0A" { print $10; exit }' /proc/net/tcp)
        [ -n "${listens_inode}" ] || return 1
        # shellcheck disable=SC2012  # where the links lead
        command ls -l "/proc/$1/fd" 2>/dev/null | command grep -q "socket:\\[${listens_inode}\\]"
    else
        [ -n "$(command lsof -nP -a -p "$1" -iTCP:"$2" -sTCP:LISTEN -t 2>/dev/null)" ]
    fi
}
