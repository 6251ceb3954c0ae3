# --- probe: words ----------------------------------------------------------------------------------------------------

encode() {
    case $1 in
    *[!A-Za-z0-9._/:@+,=~-]*) printf '%s' "$1" | command od -An -v -tx1 | command tr -d ' \n' | command sed 's/../%&/g' ;;
    *) printf '%s' "$1" ;;
    esac
}

# emit KIND KEY VALUE …
emit() {
    emit_line=$1
    shift
    while [ "$#" -gt 0 ]; do
        emit_line="${emit_line} $1=$(encode "$2")"
        shift 2
    done
    printf '%s\n' "${emit_line}"
}
