# needs: ask fail first_node hand_in job_log job_name job_said name seconds_of trial
# Flux: flux-batch(1), flux-jobs(1), flux-cancel(1)
scheduler_title=Flux
job_variable=FLUX_ENCLOSING_ID
scheduler_commands=flux
scheduler_ways=relay
scheduler_arrays=''

# Job ids are written in ASCII here, with an `f` in place of Flux's own letter (RFC 19, F58).
job_mark=$(printf '\306\222')

# The script is Flux's own copy, and the first program of an instance of Flux. It has to be told how much to allocate.
submit_job() {
    job_script=$1
    shift
    [ "$#" -gt 0 ] || set -- --nslots=1
    command rm -f "${job_log}"
    hand_in flux batch "$@" ${trial:+--time-limit=3m} --job-name="${job_name}" --output="${job_log}" "${job_script}" || return 1
    job_id=$(command sed -n "s/^${job_mark}/f/; /^f[1-9A-Za-z]*\$/p" "${job_said}" | command tail -n 1)
}

find_job() {
    list_jobs ''
}

look_job() {
    list_jobs "${job_id}"
}

# list_jobs NUMBER, or nothing: the one of this name. Without a filter only jobs that wait or run are listed; the oldest counts.
list_jobs() {
    job_found=silent job_word='' job_node='' job_reason='' job_left='' job_start='' job_state=ended
    list_lines=$(ask flux jobs --no-header \
        --format='{status}|{id.f58plain}|{nodelist}|{t_remaining}|{annotations.sched.t_estimate}|{name}' 2>/dev/null) || return 1
    job_found=none
    list_line=$(printf '%s\n' "${list_lines}" | command awk -F '|' -v job="${job_name}" -v what="$1" '
        $6 == job && (what == "" || $2 == what)' | command tail -n 1)
    [ -n "${list_line}" ] || return 1
    IFS='|' read -r job_word job_id job_node job_left job_start list_name <<-line
	${list_line}
	line
    job_left=$(seconds_of "${job_left%%.*}")
    job_start=$(seconds_of "${job_start%%.*}")
    case ${job_word} in
    RUN)
        job_state=running job_start=''
        job_node=$(first_node "${job_node}")
        ;;
    DEPEND | PRIORITY | SCHED) job_state=queued job_node='' job_left='' ;;
    *) return 1 ;;
    esac
    job_found=found
}

cancel_job() {
    ask flux cancel "${job_id}"
}

explain_end() {
    job_word=$(ask flux jobs --no-header --format='{status}' "${job_id}" 2>/dev/null || :)
    case ${job_word} in
    TIMEOUT) job_end=timeout ;;
    CANCELED) job_end=cancelled ;;
    FAILED) job_end=failed ;;
    *) job_end=ended ;;
    esac
}

# It writes them as sets, so whatever host the login node knows may be one.
nodes() {
    :
}

# Its trial run looks at the words alone.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
