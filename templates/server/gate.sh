# needs: fail forward gate go_on host is_process later look name nap p_start p_state program put python remote_port run server_pid
# --- the gate: where the tunnel to a port ends -----------------------------------------------------------------------
# A port is everybody's, before Jupyter listens there and after. So sshd forwards to a socket that only this user can
# open, and behind it is a program that lets in nobody but her Jupyter. It is there only while that is.
# Where that cannot be, the tunnel is opened after launch's word, and ends at a port that the gate keeps from everybody
# else until the last connection with a tunnel to it has gone (guard.sh).

# Sets gate_pid, gate_start, gate_server; true where it is there.
find_gate() {
    gate_pid='' gate_start='' gate_server=''
    { read -r gate_pid && IFS='' read -r gate_start && read -r gate_server; } 2>/dev/null <"${run}/gate" || :
    is_process "${gate_pid}" "${gate_start}"
}

# One that leads to a Jupyter which her user started by hand, and which the profile used before, outlives that.
end_gate() {
    if ! find_gate; then return 0; fi
    kill -TERM "${gate_pid}" 2>/dev/null || :
    while is_process "${gate_pid}" "${gate_start}"; do
        go_on
        nap
    done
}

# Makes sure that it is there for the Jupyter that was just verified.
open_gate() {
    if [ -z "${gate}" ] && { [ -z "${later}" ] || [ "${forward}" != tcp ]; }; then return 0; fi
    if find_gate && [ "${gate_server}" = "${server_pid}" ] && { [ -z "${gate}" ] || [ -S "${gate}" ]; }; then
        return 0
    fi
    gate_said='nothing there can run it' gate_port='nothing there can run it'
    # where nobody looked, and there is none on PATH, Jupyter's own is one (Linux)
    for gate_tool in ${python:+"${python}"} python3 "/proc/${server_pid}/exe"; do
        command -v "${gate_tool}" >/dev/null 2>&1 || continue
        command rm -f "${run}/gate.$$"
        command "${gate_tool}" -I -S "${program}/gate.py" "${gate:-${run}}" "${remote_port}" "${server_pid}" \
            </dev/null >"${run}/gate.$$" 2>&1 &
        gate_pid=$!
        gate_said=''
        until { IFS='' read -r gate_said; } 2>/dev/null <"${run}/gate.$$"; do
            if ! look "${gate_pid}" || [ "${p_state}" = Z ]; then break; fi
            nap
        done
        gate_port=${gate_said#ready }
        [ "${gate_said}" = "${gate_port}" ] || break
        gate_said=$(command tail -n 1 "${run}/gate.$$")
    done
    command rm -f "${run}/gate.$$"
    if [ "${gate_said}" = "${gate_port}" ] || ! look "${gate_pid}"; then
        fail "the end of the tunnel on ${host}${gate:+, ${gate},} could not be made: ${gate_said}" \
            "nbssh doctor ${name}; python3 must be there"
    fi
    put "${run}/gate" "${gate_pid}" "${p_start}" "${server_pid}" "${gate_port}"
}
