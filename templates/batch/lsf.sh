# needs: ask fail hand_in job_log job_name job_said name recorded_job seconds_of trial
# LSF: bsub(1), bjobs(1), bkill(1)
scheduler_title=LSF
job_variable=LSB_JOBID
scheduler_commands='bsub bjobs bkill'
scheduler_ways=relay
scheduler_arrays=''

submit_job() {
    job_script=$1
    shift
    command rm -f "${job_log}"
    hand_in bsub -o "${job_log}" "$@" ${trial:+-W 3} -J "${job_name}" /bin/sh "${job_script}" || return 1
    job_id=$(command sed -n 's/^Job <\([0-9][0-9]*\)> is submitted.*/\1/p' "${job_said}" | command tail -n 1)
}

find_job() {
    job_found=none
    if recorded_job && look_job; then return 0; fi
    [ "${job_found}" = none ] && find_named
}

find_named() {
    job_id=$(ask bjobs -noheader -o jobid -J "${job_name}" 2>/dev/null | command sed -n '/^[0-9][0-9]*$/p' | command head -n 1)
    job_found=none
    [ -n "${job_id}" ] && look_job
}

look_job() {
    job_found=none job_word='' job_node='' job_reason='' job_left='' job_state=ended
    look_text=$(ask bjobs -a -noheader -o "job_name stat exec_host time_left pend_reason delimiter='|'" "${job_id}" 2>&1) || :
    case ${look_text} in
    "${job_name}|"*'|'*'|'*'|'*) ;;
    # a cluster that was set up again counts from the beginning
    *'|'*) return 1 ;;
    *'is not found'*) return 1 ;;
    *)
        job_found=silent
        return 1
        ;;
    esac
    IFS='|' read -r look_name job_word job_node job_left job_reason <<-line
	${look_text}
	line
    job_reason=${job_reason%;}
    job_node=${job_node%%:*}
    job_node=${job_node#*"*"}
    case ${job_word} in
    RUN) job_state=running ;;
    PEND | PSUSP | WAIT | USUSP | SSUSP | PROV | UNKWN) job_state=queued job_node='' ;;
    *) return 1 ;;
    esac
    job_found=found
    case ${job_left} in
    [0-9]*:[0-9]*) job_left=$(seconds_of "${job_left%% *}:00") ;;
    *) job_left='' ;;
    esac
}

cancel_job() {
    ask bkill "${job_id}" >/dev/null
}

explain_end() {
    job_end=ended
    case $(ask bjobs -a -l "${job_id}" 2>/dev/null) in
    *TERM_RUNLIMIT*) job_end=timeout ;;
    *TERM_OWNER* | *TERM_ADMIN* | *TERM_FORCE_OWNER*) job_end=cancelled ;;
    *) [ "${job_word}" != EXIT ] || job_end=failed ;;
    esac
}

nodes() {
    ask bhosts -w 2>/dev/null | command awk 'NR > 1 { print $1 }'
}

# LSF knows no trial run.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
