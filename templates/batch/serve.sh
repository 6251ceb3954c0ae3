# needs: job name program remove_socket run socket state via write_where
# --- serve in a batch job --------------------------------------------------------------------------------------------
. "${program}/batch/jobid.sh"

prepare_serving() {
    write_where
    command rm -f "${state}/over" # one that was put back into the queue begins again
    # There is one job: what speaks of a Jupyter on another node is what an ended job left.
    for other in "${state}"/*/record; do
        other=${other%/record}
        [ "${other}" = "${run}" ] || command rm -f "${other}/record" "${other}/ready" "${other}"/runtime/*server-*.json
    done
    [ -z "${socket}" ] || remove_socket
    # not only where it is known to be needed: which way works the first session may have to find
    if [ "${via}" = relay ] || [ "${via}" = auto ]; then
        command /bin/sh "${program}/batch/job" "${name}" listen "${job}" </dev/null >>"${state}/sshd.log" 2>&1 &
    fi
}
