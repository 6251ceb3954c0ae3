# needs: fail go_on local_port look name nap now now_s p_start parent run say
# --- launch: a tunnel that is opened after its word ------------------------------------------------------------------
# Where somebody else could listen at the tunnel's end, ssh does not open it with the connection: the opener on the laptop
# adds it once launch has verified Jupyter, and says so by `wait`. What launch says of it is true when it is read.

# A session that joins another one finds its tunnel open.
await_tunnel() {
    look "${parent}" || :
    tunnel_start=${p_start}
    now
    tunnel_until=$((now_s + 15))
    while [ "${now_s}" -lt "${tunnel_until}" ]; do
        tunnel_word=''
        { IFS='' read -r tunnel_word; } 2>/dev/null <"${run}/tunnel.${parent}" || :
        case ${tunnel_word} in
        "yes ${tunnel_start}") return 0 ;;
        "no ${tunnel_start}")
            command rm -f "${run}/tunnel.${parent}"
            fail "the tunnel could not be opened: port ${local_port} of your laptop is taken" "by what: nbssh doctor ${name}"
            ;;
        *) ;;
        esac
        go_on
        nap
        now
    done
    say "no tunnel was opened from your laptop within 15 s; its ssh runs no LocalCommand, or has no master"
}
