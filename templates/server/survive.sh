# needs: know_uid uid
# --- whether what runs here outlives its user's logout ------------------------------------------------------------------

# logind_kills: it ends the processes of those who log out. logind itself knows what counts now.
logind_kills() {
    kills_said=$(command busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
        org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null) || kills_said=''
    if [ -z "${kills_said}" ] && [ -d /run/systemd/system ]; then
        kills_said=$(command cat /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf 2>/dev/null |
            command sed -n 's/^ *KillUserProcesses *= *//p' | command tail -n 1) || kills_said=''
    fi
    case ${kills_said} in
    *true | yes | 1 | on) return 0 ;;
    *) return 1 ;;
    esac
}

# lingers: what runs in a scope of the user's own manager stays, for that stays (loginctl enable-linger).
lingers() {
    know_uid
    case $(command loginctl show-user "${uid}" --property=Linger 2>/dev/null) in
    *Linger=yes*) ;;
    *) return 1 ;;
    esac
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/${uid}}
    export XDG_RUNTIME_DIR
    command timeout 5 systemd-run --user --scope --quiet true </dev/null >/dev/null 2>&1
}

# ends_at_logout: logind.conf(5) excludes root.
ends_at_logout() {
    know_uid
    [ "${uid}" -ne 0 ] && logind_kills
}
