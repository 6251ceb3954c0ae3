# needs: is_process look nap now now_s p_start
# --- a program that may take too long ---------------------------------------------------------------------------------

# is_in_time SECONDS INPUT PROGRAM...: runs it without output and kills it when its time is over. An interactive shell
# hears no TERM.
is_in_time() {
    limit_seconds=$1 limit_input=$2
    shift 2
    { command timeout -s KILL "${limit_seconds}" "$@" <"${limit_input}" >/dev/null; } 2>/dev/null && return
    # 125 to 127: there is none, or one that wants its words in another order
    case $? in 12[567]) ;; *) return 1 ;; esac
    command "$@" <"${limit_input}" >/dev/null 2>&1 &
    limit_child=$!
    now
    limit_until=$((now_s + limit_seconds))
    limit_start=''
    ! look "${limit_child}" || limit_start=${p_start}
    while is_process "${limit_child}" "${limit_start}"; do
        now
        [ "${now_s}" -lt "${limit_until}" ] || kill -KILL "${limit_child}" 2>/dev/null || :
        nap
    done
    wait "${limit_child}" 2>/dev/null
}
