# needs: run
# --- the end of a log, fit for a terminal ----------------------------------------------------------------------------

# print_plain PREFIX: stdin, without control characters (C1 as UTF-8 among them) and endless lines.
print_plain() {
    command tr -d '\000-\010\013-\037\177' |
        command sed "s/$(printf '\302')[$(printf '\200')-$(printf '\237')]/?/g" | command cut -c 1-400 | command sed "s/^/$1/"
}

# print_log_end FILE
print_log_end() {
    [ ! -s "$1" ] || command tail -n 15 "$1" | print_plain '    '
}

# What serve noted for the user.
print_notes() {
    [ ! -s "${run}/notes" ] || command head -n 20 "${run}/notes" | print_plain 'nbssh: warning: ' >&2
}
