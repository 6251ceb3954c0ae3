# needs: fail host is_process list_processes look nap now now_s p_group read_record remove_socket run say title
# --- stopping Jupyter: never anything but the process that the record names -------------------------------------------

# Removes what a Jupyter leaves behind, if it is still about this one.
forget_server() {
    forget_pid=${r_pid} forget_start=${r_start}
    if read_record "${run}/record" && [ "${r_pid} ${r_start}" = "${forget_pid} ${forget_start}" ]; then
        command rm -f "${run}/ready" "${run}/record" "${run}"/environment.*
        remove_socket
    fi
    r_pid=${forget_pid} r_start=${forget_start}
}

# group_lives GROUP: a process of it lives; zombies do not count.
group_lives() {
    list_processes | command awk -v group="$1" '$3 == group && $1 !~ /^[ZX]/ { found = 1 } END { exit !found }'
}

server_lives() {
    is_process "${r_pid}" "${r_start}" || { [ "${stop_target}" != "${r_pid}" ] && group_lives "${r_pid}"; }
}

# await_end SECONDS
await_end() {
    now
    stop_until=$((now_s + $1))
    while server_lives; do
        now
        [ "${now_s}" -lt "${stop_until}" ] || return 1
        nap
    done
}

# The wing's, too: stops the living Jupyter r_pid, r_start and what runs in its group: TERM, 10 s, KILL. The mark tells every launch that
# this was no accident. `kill -TERM -GROUP` is the one spelling that dash, bash, busybox, mksh and ksh share.
stop_server() {
    # on a full disk Jupyter is stopped all the same
    { printf '%s %s\n' "${r_pid}" "${r_start}" >"${run}/stopped"; } 2>/dev/null || :
    stop_target=${r_pid}
    if look "${r_pid}" && [ "${p_group}" = "${r_pid}" ]; then
        stop_target=-${r_pid}
    fi
    stop_how=''
    kill -TERM "${stop_target}" 2>/dev/null || :
    if ! await_end 10; then
        stop_how=', which took a KILL'
        kill -KILL "${stop_target}" 2>/dev/null || :
        await_end 5 || fail "${title} on ${host} (pid ${r_pid}) does not end" "look at it: ps -p ${r_pid} -o pid,stat,wchan,args"
    fi
    forget_server
    say "stopped ${title} on ${host} (pid ${r_pid})${stop_how}"
}
