# needs: fail forward host is_alive is_exposed is_process list_processes look marked name p_start parent r_pid r_start
# needs: run socket socket_folder_is_ours
# --- the guard: closes a tunnel that no longer leads to our Jupyter ---------------------------------------------------
# A page in a browser keeps the tunnel open after launch has ended. Where it leads to a port, somebody else may listen
# there once our Jupyter is gone; so then the connection goes, by ending the process that serves it.

# Sets parent_start if launch is what an ssh session runs, and not something typed into a shell. What /proc hides has
# changed its user, as sshd does (see look); where it is root's, as dropbear's is, it cannot be ended either.
find_sshd() {
    parent_start=''
    [ "${forward}" = tcp ] || is_exposed || return 0
    sshd_name=''
    if [ ! -r /proc/self/stat ]; then
        sshd_name=$(command ps -o comm= -p "${parent}" 2>/dev/null) || return 0
    else
        { IFS='' read -r sshd_name; } 2>/dev/null <"/proc/${parent}/comm" || sshd_name=sshd
    fi
    case ${sshd_name##*/} in
    *sshd* | dropbear* | tailscaled* | lsh*)
        if look "${parent}"; then
            parent_start=${p_start}
        elif is_exposed; then
            fail "what serves this connection cannot be seen on ${host} (/proc is mounted with hidepid): its tunnel could not be closed once Jupyter ends" \
                "use a socket below your home: nbssh edit ${name}: forward = \"socket\""
        fi
        ;;
    *) ;;
    esac
}

# Another launch, or whatever else runs through the connection, is a child of its sshd.
is_in_use() {
    list_processes | command awk -v sshd="${parent}" '$2 == sshd && $1 !~ /^[ZX]/ { found = 1 } END { exit !found }'
}

# Three looks, so that a launch which comes to start a new Jupyter is seen. What does not end (dropbear's process is
# root's) is watched on: as long as the guard is there, the gate lets nobody have its port.
guard() {
    trap - TERM PIPE USR1 EXIT
    trap '' HUP INT QUIT
    unused=0 looked=''
    while is_process "${parent}" "${parent_start}"; do
        unused=$((unused + 1))
        if { is_alive "${run}/record" && marked "${run}/ready" "${r_pid}" "${r_start}"; } || is_in_use; then
            unused=0
        fi
        # a folder of /tmp that was taken away may be anybody's by now; at the first look launch's last words are on their way
        if [ -n "${looked}" ] && [ -n "${socket}" ] && [ -e "${socket%/*}" ]; then socket_folder_is_ours || unused=3; fi
        looked=yes
        [ "${unused}" -lt 3 ] || kill -TERM "${parent}" 2>/dev/null || :
        command sleep 1
    done
    command rm -f "${run}/guard.${parent}" "${run}/tunnel.${parent}"
}

# One for each connection.
start_guard() {
    guard_pid='' guard_start=''
    { read -r guard_pid guard_start; } 2>/dev/null <"${run}/guard.${parent}" || :
    if [ -z "${parent_start}" ] || is_process "${guard_pid}" "${guard_start}"; then
        return 0
    fi
    # exec, because dash keeps what is redirected otherwise, and with it a session without a terminal open
    {
        exec </dev/null >/dev/null 2>&1
        guard
    } &
    look "$!" && { printf '%s\n' "$! ${p_start}" >"${run}/guard.${parent}"; } 2>/dev/null
}
