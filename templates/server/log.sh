# needs:
# --- the end of a log, fit for a terminal ----------------------------------------------------------------------------

# print_log_end FILE: no control characters (C1 as UTF-8 among them), no endless lines.
print_log_end() {
    [ -s "$1" ] || return 0
    command tail -n 15 "$1" | command tr -d '\000-\010\013-\037\177' |
        command sed "s/$(printf '\302')[$(printf '\200')-$(printf '\237')]/?/g" | command cut -c 1-400 | command sed 's/^/    /'
}
