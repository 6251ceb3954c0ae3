# needs: config newline run setup setup_shell
# --- the setup lines: a program for the profile's own shell ----------------------------------------------------------

# quote TEXT: sets quoted to one word of sh
quote() {
    quoted='' quote_rest=$1
    while :; do
        case ${quote_rest} in
        *"'"*)
            quoted="${quoted}${quote_rest%%"'"*}'\\''"
            quote_rest=${quote_rest#*"'"}
            ;;
        *) break ;;
        esac
    done
    quoted="'${quoted}${quote_rest}'"
}

# Each line on its own: one that is no shell does not take the others along. After them our configuration must hold, for
# a module may have set Jupyter's variables, and without it there would be no password.
# shellcheck disable=SC2016  # a program for another shell
setup_end='
trap - EXIT
unset nbssh_status nbssh_line JUPYTER_NO_CONFIG
case $1 in
/*)
    case $PATH in
    "${1%/*}" | "${1%/*}:"*) ;;
    *) PATH=${1%/*}:$PATH ;;
    esac
    ;;
esac
case ${JUPYTER_CONFIG_PATH-} in
"$nbssh_config" | "$nbssh_config:"*) ;;
*) JUPYTER_CONFIG_PATH=$nbssh_config${JUPYTER_CONFIG_PATH:+:$JUPYTER_CONFIG_PATH} ;;
esac
JUPYTER_RUNTIME_DIR=$nbssh_runtime
export JUPYTER_CONFIG_PATH JUPYTER_RUNTIME_DIR
if ! command -v "$1" >/dev/null 2>&1; then
    printf '\''nbssh: %s: not found after the setup lines; PATH is %s\n'\'' "$1" "$PATH" >&2
    exit 127
fi
exec "$@"
'

# become_setup_shell WORD...: WORD... is what starts a program in the user's environment.
become_setup_shell() {
    quote "${config}"
    setup_program="nbssh_config=${quoted}"
    quote "${run}/runtime"
    setup_program="${setup_program} nbssh_runtime=${quoted}"
    quote "${run}/notes"
    setup_program="${setup_program} nbssh_notes=${quoted}${newline}"
    setup_program="${setup_program}trap 'printf \"nbssh: setup line %s ended its shell with status %s\\n\" \"\$nbssh_line\" \"\$?\" >&2' EXIT${newline}"
    setup_number=0
    setup_rest=${setup}
    while [ -n "${setup_rest}" ]; do
        setup_number=$((setup_number + 1))
        quote "${setup_rest%%"${newline}"*}"
        setup_rest=${setup_rest#*"${newline}"}
        setup_program="${setup_program}nbssh_line=${setup_number}${newline}eval ${quoted}${newline}nbssh_status=\$?${newline}[ \"\$nbssh_status\" -eq 0 ] || {
    printf \"nbssh: setup line %s ('%s') ended with status %s\\n\" ${setup_number} ${quoted} \"\$nbssh_status\" >&2
    printf \"setup line %s ('%s') ended with status %s\\n\" ${setup_number} ${quoted} \"\$nbssh_status\" >>\"\$nbssh_notes\"
}${newline}"
    done
    set -f
    IFS=${newline}
    # shellcheck disable=SC2086  # words, a line each
    set -- "$@" ${setup_shell:-/bin/sh}
    set +f
    unset IFS
    exec "$@" -c "${setup_program}${setup_end}" nbssh
}
