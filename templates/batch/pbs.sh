# needs: ask fail hand_in job_log job_name job_said name recorded_job seconds_of set_left trial user
# PBS (OpenPBS, PBS Professional, Torque): qsub(1), qstat(1), qdel(1)
scheduler_title=PBS
job_variable=PBS_JOBID
scheduler_commands='qsub qstat qdel'
scheduler_ways=relay
scheduler_arrays='-J -t'

# older ones take 15 characters
short_name() {
    printf '%.15s' "${job_name}"
}

submit_job() {
    job_script=$1
    shift
    command rm -f "${job_log}"
    hand_in qsub -S /bin/sh -j oe -o "${job_log}" "$@" ${trial:+-l walltime=00:03:00} -N "$(short_name)" "${job_script}" || return 1
    job_id=$(command sed -n 's/^\([0-9][0-9]*\(\[\]\)*[.A-Za-z0-9_-]*\)$/\1/p' "${job_said}" | command tail -n 1)
}

find_job() {
    job_found=none
    if recorded_job && look_job; then return 0; fi
    [ "${job_found}" = none ] && find_named
}

# Of the jobs of this short name, the one with our log is ours.
find_named() {
    job_found=none
    for job_id in $(ask qselect -u "${user}" -N "$(short_name)" 2>/dev/null || :); do
        if look_job; then
            case $(look_value Output_Path) in *:"${job_log}") return 0 ;; *) ;; esac
        fi
    done
    [ "${job_found}" = silent ] || job_found=none
    return 1
}

look_job() {
    job_found=none job_word='' job_node='' job_reason='' job_left='' job_start='' job_never='' job_advice='' job_state=ended
    look_status=0
    look_text=$(ask qstat -f "${job_id}" 2>&1) || look_status=$?
    case ${look_text} in
    *'job_state = '*) ;;
    *'Unknown Job'* | *'has finished'* | *'not found'* | *'nvalid '*) return 1 ;;
    *)
        job_found=silent
        return 1
        ;;
    esac
    # a long value goes on in lines that begin with a tab; Slurm's qstat begins all of them with one
    look_text=$(printf '%s\n' "${look_text}" | command awk '
        !/^[ \t]*[A-Za-z_][A-Za-z_.]* = / { sub(/^\t/, ""); line = line $0; next }
        { print line; line = $0 }
        END { print line }')
    # a server that was set up again counts from the beginning
    case $(look_value Job_Owner)/$(look_value Job_Name) in
    "${user}@"*/"$(short_name)") ;;
    *) return 1 ;;
    esac
    job_word=$(look_value job_state)
    job_reason=$(look_value comment)
    case ${job_word} in
    R | B)
        job_state=running job_reason='' # it only tells where
        job_node=$(look_value exec_host)
        job_node=${job_node%%[/+*]*}
        look_limit=$(seconds_of "$(look_value Resource_List.walltime)")
        look_used=$(seconds_of "$(look_value resources_used.walltime)")
        [ -z "${look_limit}" ] || set_left "$((look_limit - ${look_used:-0}))"
        ;;
    Q | H | W | T | S | U)
        job_state=queued
        # of the first ones of the queue, where the site has it told
        job_start=$(look_value estimated.start_time)
        [ -z "${job_start}" ] || job_start=$(command date -d "${job_start}" +%s 2>/dev/null) || job_start=''
        case ${job_reason} in 'Can Never Run: '*) job_never=yes ;; *) ;; esac
        job_reason=${job_reason#"Not Running: "}
        advise
        ;;
    *) return 1 ;;
    esac
    job_found=found
}

# Sets job_advice for what does not come by waiting alone; its comment is the scheduler's sentence.
advise() {
    case ${job_reason} in
    'Can Never Run: '*) job_advice="what its queue gives: qstat -Qf; what the nodes have: pbsnodes -aSj" ;;
    'Queue not started'*) job_advice='its queue is closed at the moment: qstat -Q' ;;
    *limit*) job_advice="a limit of yours is reached; what you have: qstat -u ${user}" ;;
    *)
        if [ "${job_word}" = H ]; then job_start='' job_advice="it is held: qrls ${job_id}"; fi
        ;;
    esac
}

look_value() {
    printf '%s\n' "${look_text}" | command sed -n "s/^[[:blank:]]*$1 = //p" | command head -n 1
}

cancel_job() {
    ask qdel "${job_id}"
}

# The history is for administrators to switch on; the job's own log says what the execution daemon did.
explain_end() {
    job_end=ended
    job_word=${job_word:-gone}
    look_text=$(ask qstat -x -f "${job_id}" 2>/dev/null || :)
    # of the log only what the scheduler writes into it, in one line
    case ${look_text}$(command tail -n 20 "${job_log}" 2>/dev/null |
        command sed -n -e '/walltime.*exceed/s/.*/over the limit/p' -e '/exceed.*walltime/s/.*/over the limit/p' -e '/terminated by/p' || :) in
    *'Exit_status = -29'* | *'over the limit'*) job_end=timeout ;;
    *'substate = 91'* | *'Exit_status = 271'* | *'Exit_status = -'* | *'terminated by'*) job_end=cancelled ;;
    *'Exit_status = 0'*) ;;
    *'Exit_status = '*) job_end=failed ;;
    *) ;;
    esac
}

nodes() {
    ask pbsnodes -a 2>/dev/null | command sed -n 's/^\([^ ][^ ]*\)$/\1/p'
}

# PBS knows no trial run.
test_job() {
    :
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
