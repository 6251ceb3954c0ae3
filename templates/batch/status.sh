# needs: find_job job_found job_id job_left job_node job_reason job_start job_state job_word learn_scheduler look_into
# needs: program r_job read_record scheduler scheduler_commands state
# --- status with a batch job -----------------------------------------------------------------------------------------
. "${program}/batch/jobs.sh"
# shellcheck source=batch/slurm.sh
. "${program}/batch/${scheduler}.sh"
learn_scheduler

# json_text TEXT: what a scheduler says, fit for JSON
json_text() {
    printf '"%s"' "$(printf '%.200s' "$1" | LC_ALL=C command tr -cd ' !#-[]-~')"
}

find_others() {
    others=''
}

# On the login node the job tells where to look, and what its node wrote into the shared home is all that can be seen.
explain_condition() {
    command -v "${scheduler_commands%% *}" >/dev/null 2>&1 || return 0
    find_job || :
    case ${job_found} in
    found) ;;
    none) return 0 ;;
    *)
        [ "${condition}" != stopped ] || condition=unknown
        return 0
        ;;
    esac
    job="{\"id\":$(json_text "${job_id}"),\"state\":$(json_text "${job_word}"),\"reason\":$(json_text "${job_reason}")"
    job="${job},\"node\":$(json_text "${job_node}"),\"left\":${job_left:-null},\"start\":${job_start:-null}}"
    if [ "${condition}" = stopped ]; then
        condition=queued
        [ "${job_state}" != running ] || condition=starting
    fi
    if [ "${condition}" = starting ] && [ "${job_node%%.*}" != "${host%%.*}" ]; then
        # below the name that the node has itself, which may be another one
        for there in "${state}"/*; do
            if [ -f "${there}/ready" ] && read_record "${there}/record" && [ "${r_job}" = "${job_id}" ]; then
                condition=running
                look_into "${there}"
                break
            fi
        done
        host=${job_node}
    fi
}
