# --- folders above nbssh's own: which of them it made is noted, so that they go with it ------------------------------

made=''

# make_folders PATH: with what is missing above it.
make_folders() {
    case $1 in
    /*) [ ! -d "$1" ] || return 0 ;;
    *) return 0 ;;
    esac
    make_folders "${1%/*}"
    command mkdir "$1" 2>/dev/null || return 0
    made="$1
${made}"
}

# Where there is our folder now: what it lies in was made right before.
note_made() {
    # by cat, which says of a full disk what it is
    [ -z "${made}" ] || [ ! -d "${share}" ] || printf '%s' "${made}" | command cat >>"${share}/.made"
    made=''
}

# Takes away those that are empty; before them the note and its folder, where nothing else of nbssh's is left. Where a
# laptop shares this home, its own files may still lie in them: it hears of them, by laptop_note, once this note is gone,
# and goes last.
laptop_note=''
leave_made() {
    made="${made}$(command cat "${share}/.made" 2>/dev/null)" || :
    case $(command ls -A "${share}" 2>/dev/null) in
    .made) command rm -f "${share}/.made" ;;
    *) ;;
    esac
    command rmdir "${share}" 2>/dev/null || :
    printf '%s\n' "${made}" | LC_ALL=C command sort -r | while IFS='' read -r made_folder; do
        [ -n "${made_folder}" ] || continue
        command rmdir "${made_folder}" || [ ! -d "${made_folder}" ] || [ ! -f "${laptop_note}" ] || [ -f "${share}/.made" ] ||
            printf '%s\000' "${made_folder}" >>"${laptop_note}" || :
    done 2>/dev/null
    made=''
}
