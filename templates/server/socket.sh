# needs: fail file_mode file_owner host name owned socket
# --- the socket and its folder ---------------------------------------------------------------------------------------

# /tmp is everybody's: a folder there may be squatted. One that is really ours cannot be replaced (sticky bit).
socket_folder_is_ours() {
    case ${socket} in
    /tmp/nbssh-*) owned "${socket%/*}" || return 1 ;;
    *) return 0 ;;
    esac
    case ${file_mode} in
    drwx------ | drwx------[.@]) return 0 ;;
    *) return 1 ;;
    esac
}

require_socket_folder() {
    socket_folder_is_ours ||
        fail "${socket%/*} on ${host} is not a private folder of this user (${file_mode:-missing}${file_owner:+, uid ${file_owner}})" \
            "look at it and remove it, with the administrator's help if it is not yours, or use a port: nbssh edit ${name}: forward = \"tcp\""
}

make_socket_folder() {
    case ${socket} in
    /tmp/nbssh-*) [ -e "${socket%/*}" ] || command mkdir -m 700 "${socket%/*}" 2>/dev/null || : ;;
    *) ;;
    esac
    require_socket_folder
}

# Removes a socket that nobody serves any more; anything else at its place stays.
remove_socket() {
    if [ ! -e "${socket}" ] && [ ! -L "${socket}" ]; then
        return 0
    fi
    require_socket_folder
    if [ -S "${socket}" ] && [ ! -L "${socket}" ] && owned "${socket}"; then
        command rm -f "${socket}"
    else
        fail "${socket} on ${host} is in the way and no socket of ours" "look at it and remove it"
    fi
}
