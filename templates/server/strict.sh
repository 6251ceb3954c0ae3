# needs: home know_uid uid
# --- what runs here is nobody else's to write ------------------------------------------------------------------------
# As sshd's StrictModes: whoever can write a folder above a program can put his own in its place. A group of the user's
# name with nobody else in it is she herself (Debian and Red Hat give one to each user, and a umask of 002 with it).

is_own_group() {
    strict_group=$({ command getent group "$1" || command grep ":$1:" /etc/group; } 2>/dev/null) || return 1
    case ${strict_group} in
    "$2":*:"$1": | "$2":*:"$1":"$2") return 0 ;;
    *) return 1 ;;
    esac
}

# Above a folder elsewhere (server_dir) it is the site, or a project, that decides who writes, but not everybody.

# find_open PATH...: sets open_path, open_why and open_repair to the first of them, and of the folders from each up to the
# home, that somebody else may write; true where there is one. A path that is not there is nobody's.
find_open() {
    open_path=''
    strict_seen=' '
    for strict_path in "$@"; do
        while :; do
            case "${strict_seen}" in
            *" ${strict_path} "*) break ;;
            *) strict_seen="${strict_seen}${strict_path} " ;;
            esac
            case ${strict_path} in
            "${home}" | / | '') break ;;
            *) strict_path=${strict_path%/*} ;;
            esac
        done
    done
    know_uid
    strict_user=''
    # shellcheck disable=SC2086,SC2312  # paths without blanks, split on purpose; what is not there is left out
    strict_found=$(command ls -ldnL ${strict_seen} 2>/dev/null) || :
    while read -r strict_mode strict_links strict_owner strict_number strict_rest; do
        open_path=${strict_rest##* }
        case ${open_path}/ in
        "${home}"/* | */nbssh/* | */.nbssh/*) ;;
        *)
            case ${strict_mode} in
            ????????w[tT]*) continue ;;
            ????????w*) ;;
            *) continue ;;
            esac
            ;;
        esac
        case ${strict_owner} in
        '') continue ;;
        0 | "${uid}") ;;
        *)
            open_why="belongs to another user (uid ${strict_owner})" open_repair="chown ${uid} ${open_path}"
            return 0
            ;;
        esac
        case ${strict_mode} in
        ????????w*)
            open_why="may be written by everybody (${strict_mode})" open_repair="chmod go-w ${open_path}"
            return 0
            ;;
        ?????w*)
            strict_user=${strict_user:-$(command id -un)}
            if ! is_own_group "${strict_number}" "${strict_user}"; then
                open_why="may be written by a group (${strict_mode}, gid ${strict_number})" open_repair="chmod g-w ${open_path}"
                return 0
            fi
            ;;
        *) ;;
        esac
    done <<END
${strict_found}
END
    open_path=''
    return 1
}
