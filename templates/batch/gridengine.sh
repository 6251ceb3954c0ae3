# needs: ask fail hand_in job_log job_name job_said name seconds_of set_left trial user
# Grid Engine (SGE, Son of Grid Engine, Univa, Altair): qsub(1), qstat(1), qdel(1), qacct(1)
scheduler_title='Grid Engine'
job_variable=JOB_ID
scheduler_commands='qsub qstat qdel'
scheduler_ways=relay
scheduler_arrays='-t'

submit_job() {
    job_script=$1
    shift
    command rm -f "${job_log}"
    hand_in qsub -terse -cwd -S /bin/sh -j y -o "${job_log}" "$@" ${trial:+-l h_rt=180} -N "${job_name}" "${job_script}" || return 1
    job_id=$(command sed -n 's/^\([0-9][0-9]*\)\(\..*\)*$/\1/p' "${job_said}" | command tail -n 1)
}

find_job() {
    look_for ''
}

look_job() {
    look_for "${job_id}"
}

# look_for NUMBER, or nothing: of the user's, the one of this name. qstat -xml: one element a line after this; look_time is
# when it began.
look_for() {
    job_found=silent job_word='' job_node='' job_reason='' job_left='' job_state=ended
    look_lines=$(ask qstat -u "${user}" -xml 2>/dev/null) || return 1
    job_found=none
    look_line=$(printf '%s\n' "${look_lines}" | command tr '<' '\n' | command awk -F '>' -v job="${job_name}" -v what="$1" '
        $1 ~ /^job_list/ { id = name = state = queue = began = "" }
        $1 == "JB_job_number" { id = $2 }
        $1 == "JB_name" { name = $2 }
        $1 == "state" { state = $2 }
        $1 == "queue_name" { queue = $2 }
        $1 == "JAT_start_time" { began = $2 }
        $1 == "/job_list" && state !~ /d/ && name == job && (what == "" || id == what) {
            rank = state ~ /r|t/ ? 0 : 1
            print rank, id, state, began == "" ? "-" : began, queue
        }' | command sort -n | command head -n 1)
    [ -n "${look_line}" ] || return 1
    read -r look_rank job_id job_word look_time look_queue <<-line
	${look_line}
	line
    case ${job_word} in
    *E*)
        job_state=ended
        job_reason="in error state ${job_word}"
        return 1
        ;;
    r | Rr | t | Rt | hr)
        job_state=running
        job_node=${look_queue#*@}
        [ "${job_word}" != t ] || job_state=queued
        # its limit is in the request, and when it began only in the list
        look_limit=$(seconds_of "$(ask qstat -j "${job_id}" 2>/dev/null | command sed -n 's/^hard resource_list:.*h_rt=\([0-9:]*\).*/\1/p')")
        look_began=$(command date -d "${look_time}" +%s 2>/dev/null || :)
        if [ -n "${look_limit}" ] && [ -n "${look_began}" ]; then
            set_left "$((look_limit + look_began - $(command date +%s)))"
        fi
        ;;
    *) job_state=queued ;;
    esac
    job_found=found
}

cancel_job() {
    ask qdel "${job_id}" >/dev/null
}

# qacct knows a job some seconds after its end, where there is accounting at all.
explain_end() {
    job_word=${job_word:-gone}
    job_end=ended
    # what was asked for stands there, too
    case $(ask qacct -j "${job_id}" 2>/dev/null | command sed -n '/^failed /p; /^deleted_by  *NONE/d; /^deleted_by /p') in
    *h_rt* | *wallclock*) job_end=timeout ;;
    *deleted_by*) job_end=cancelled ;;
    *) [ -z "${job_reason}" ] || job_end=failed ;;
    esac
}

nodes() {
    ask qhost 2>/dev/null | command awk 'NR > 3 { print $1 }'
}

test_job() {
    job_script=$1
    shift
    ask qsub -w v -S /bin/sh "$@" -N "${job_name}" "${job_script}" </dev/null 2>&1
}

# Its ways into a job need no step of their own.
run_step() {
    fail "${scheduler_title} has no srun" "nbssh edit ${name}: scheduler.via"
}
