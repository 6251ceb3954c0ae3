# needs: forward is_alive is_exposed is_process list_processes look marked p_start parent r_pid r_start run
# --- the guard: closes a tunnel that no longer leads to our server ---------------------------------------------------
# A page in a browser keeps the tunnel open after launch has ended. Where it leads to a port, somebody else may listen
# there once our server is gone; so then the connection goes, by ending the sshd process that serves it, this user's own.

# Sets parent_start if launch is what an ssh session runs, and not something typed into a shell.
find_sshd() {
    parent_start=''
    [ "${forward}" = tcp ] || is_exposed || return 0
    sshd_name=''
    if [ -r /proc/self/stat ]; then
        { IFS='' read -r sshd_name; } 2>/dev/null <"/proc/${parent}/comm" || return 0
    else
        sshd_name=$(command ps -o comm= -p "${parent}" 2>/dev/null) || return 0
    fi
    case ${sshd_name} in
    *sshd*) ! look "${parent}" || parent_start=${p_start} ;;
    *) ;;
    esac
}

# Another launch, or whatever else runs through the connection, is a child of its sshd.
is_in_use() {
    list_processes | command awk -v sshd="${parent}" '$2 == sshd && $1 !~ /^[ZX]/ { found = 1 } END { exit !found }'
}

# Three looks, so that a launch which comes to start a new server is seen.
guard() {
    trap - TERM PIPE USR1 EXIT
    trap '' HUP INT QUIT
    unused=0
    while [ "${unused}" -lt 3 ] && is_process "${parent}" "${parent_start}"; do
        unused=$((unused + 1))
        if { is_alive "${run}/record" && marked "${run}/ready" "${r_pid}" "${r_start}"; } || is_in_use; then
            unused=0
        fi
        command sleep 1
    done
    command rm -f "${run}/guard.${parent}"
    if is_process "${parent}" "${parent_start}"; then
        kill -TERM "${parent}"
    fi
}

# One for each connection.
start_guard() {
    guard_pid='' guard_start=''
    { read -r guard_pid guard_start; } 2>/dev/null <"${run}/guard.${parent}" || :
    if [ -z "${parent_start}" ] || is_process "${guard_pid}" "${guard_start}"; then
        return 0
    fi
    guard </dev/null >/dev/null 2>&1 &
    look "$!" && { printf '%s\n' "$! ${p_start}" >"${run}/guard.${parent}"; } 2>/dev/null
}
