# needs: fail go_on is_process local_port name nap now now_s parent run say start_guard
# --- launch: a tunnel that is opened after its word ------------------------------------------------------------------
# Where somebody else could listen at the tunnel's end, ssh does not open it with the connection: the opener on the laptop
# adds it once launch has verified Jupyter, and says so by `tunnel`. What launch says of it is true when it is read.

# Before Jupyter is looked for: from then on the end of this connection is watched.
expect_tunnel() {
    now
    tunnel_began=${now_s}
    start_guard
}

await_tunnel() {
    tunnel_start=''
    { IFS='' read -r tunnel_start; } 2>/dev/null <"${run}/tunnel.${parent}" || :
    # a session that joins another one finds its tunnel open
    if [ -n "${tunnel_start}" ] && is_process "${parent}" "${tunnel_start}"; then return 0; fi
    now
    tunnel_until=$((now_s + 15))
    while [ "${now_s}" -lt "${tunnel_until}" ]; do
        tunnel_word='' tunnel_said=0
        { read -r tunnel_word tunnel_said; } 2>/dev/null <"${run}/tunnel" || :
        if [ "${tunnel_said:-0}" -ge "${tunnel_began}" ]; then
            case ${tunnel_word} in
            opened) return 0 ;;
            *) fail "the tunnel could not be opened: port ${local_port} of your laptop is taken" \
                "by what: nbssh doctor ${name}" ;;
            esac
        fi
        go_on
        nap
        now
    done
    say "no tunnel was opened from your laptop within 15 s; its ssh runs no LocalCommand, or has no master"
}
