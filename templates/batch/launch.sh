# needs: announce_stop asked attach doze explain_end fail failed_start find_missing go_on host is_alive job_found
# needs: job_state learn_scheduler look_job mark_ready marked missing name nap note_over now now_s open_gate program
# needs: r_began r_host r_job r_pid r_start run say say_end scheduler session_lasts start_timeout state title via
# --- launch in a batch job: what it does in another way --------------------------------------------------------------
. "${program}/batch/stop.sh"

ending='' titled=''

# Jupyter is the batch job itself: launch waits for it and never starts one.
obtain_server() {
    now
    job_began=${now_s}
    job=''
    { read -r job; } 2>/dev/null <"${state}/job" || :
    until is_alive "${run}/record"; do
        # an older record is another job's
        if [ -n "${job}" ] && [ "${r_job}" = "${job}" ] && [ "${r_host}" = "${host}" ]; then
            failed_start "${title} did not start on ${host}; the end of its log:"
        fi
        now
        if [ "$((now_s - job_began))" -ge "${start_timeout}" ]; then
            failed_start "the job's ${title} did not start on ${host} within ${start_timeout} s; the end of its log:"
        fi
        go_on
        nap
    done
    attach || failed_start "${title} did not start on ${host}; the end of its log:"
    open_gate
    mark_ready
}

describe_attach() {
    attach_limit=${start_timeout} attach_how="started on ${host} in job ${r_job}"
    if marked "${run}/ready" "${r_pid}" "${r_start}"; then
        attach_limit=10 attach_how="runs on ${host} since ${r_began}"
    fi
}

# Who waited for a job looks at something else by now: a title, and at its start the bell, or a notification where the
# terminal has them (OSC 9 or 777). The title that was there is put aside (XTWINOPS 22), for the end.
greet() {
    [ ! -e "${state}/told" ] || command rm -f "${state}/told"
    [ -t 1 ] || return 0
    case ${TERM:-} in
    xterm* | screen* | tmux* | rxvt* | foot* | alacritty* | wezterm* | konsole* | st-*)
        titled=yes
        printf '\033[22;0t\033]0;%s\007' "${name}: ${title} on ${host}"
        ;;
    *) ;;
    esac
    [ -n "${job_began:-}" ] || return 0
    case ${TERM:-}/${LC_TERMINAL:-} in
    xterm-kitty/* | xterm-ghostty/* | wezterm/* | */iTerm2) printf '\033]9;%s\007' "${title} runs on ${host}" ;;
    rxvt-unicode*/* | foot*/*) printf '\033]777;notify;%s;%s\007' "${name}" "${title} runs on ${host}" ;;
    *) printf '\007' ;;
    esac
}

# Sets limit_left to the seconds that the job has, as its submission was told, or to nothing.
look_limit() {
    limit_job='' limit_until='' limit_left=''
    { read -r limit_job limit_until; } 2>/dev/null <"${state}/job.until" || :
    case ${limit_until} in
    '' | *[!0-9]*) return 0 ;;
    *) ;;
    esac
    # Ctrl-C reaches every program of the terminal, and this one may say nothing then
    limit_now=$(command date +%s) || :
    if [ "${limit_job}" = "${r_job}" ] && [ -n "${r_job}" ] && [ -n "${limit_now}" ]; then
        limit_left=$((limit_until - limit_now))
    fi
}

# At 10 and at 2 minutes before the limit a line; what is nearer when the session begins, that has just been said.
limit_look=0 limit_said=''
remind() {
    now
    [ "${now_s}" -ge "${limit_look}" ] || return 0
    limit_look=$((now_s + 10))
    look_limit
    [ -n "${limit_left}" ] || return 0
    limit_mark=0
    [ "${limit_left}" -gt 600 ] || limit_mark=600
    [ "${limit_left}" -gt 120 ] || limit_mark=120
    if [ "${limit_mark}" != "${limit_said:-${limit_mark}}" ] && [ "${limit_mark}" -ne 0 ]; then
        say "job ${r_job} ends in $(((limit_left + 59) / 60)) min, and ${title} with it: save your work"
    fi
    limit_said=${limit_mark}
}

# The job takes this session along, whose status is to arrive before.
stop_from_session() {
    announce_stop
    ending=${r_pid}
}

last_act() {
    # a terminal that has put nothing aside has none
    [ -z "${titled}" ] || printf '\033]0;\007\033[23;0t' 2>/dev/null
    # else it was ended from outside, most likely with its job, and `job` on the login node says so
    if [ "${asked}" != leave ] && session_lasts; then { printf '%s\n' "${r_job}" >"${state}/told"; } 2>/dev/null || :; fi
    [ -z "${ending}" ] || kill -TERM "${ending}" 2>/dev/null
}

# By the node's own sshd a session outlives its job. Where the scheduler can be asked from the node, it tells why that
# ended; of a Jupyter that ended by itself there is more to say here. It does not return where it was told.
tell_job_end() {
    tell_way=${via}
    [ "${tell_way}" != auto ] || { read -r tell_way; } 2>/dev/null <"${state}/way" || :
    if [ "${tell_way}" != node ] || [ ! -s "${state}/over" ]; then return 0; fi
    . "${program}/batch/jobs.sh"
    # shellcheck source=batch/slurm.sh
    . "${program}/batch/${scheduler}.sh"
    learn_scheduler
    find_missing
    [ -z "${missing}" ] || return 0
    job_id=${r_job}
    now
    tell_until=$((now_s + 5))
    while :; do
        look_job || :
        tell_over=''
        { read -r tell_over; } 2>/dev/null <"${state}/over" || :
        # one that has begun again already took that note away
        if [ "${job_found}/${job_state}" = found/queued ] || [ "${tell_over}" != "${r_job}" ]; then
            job_end=requeued
            break
        fi
        job_end=ended
        [ "${job_found}" != none ] || explain_end
        # one that ends may be back in the queue in a moment
        [ "${job_end}" = ended ] || break
        [ "${job_found}" != silent ] || return 0
        now
        if [ "${now_s}" -ge "${tell_until}" ]; then
            tell_waited=yes
            return 0
        fi
        doze 0.5
    done
    case ${job_end} in
    requeued | timeout | cancelled) ;;
    *) return 0 ;;
    esac
    say_end '' >&2
    exit 1
}

explain_server_end() {
    [ -f "${state}/joined" ] || note_over
    look_limit
    # the clocks of two hosts and the scheduler's own round
    if [ "${limit_left:-21}" -le 20 ]; then
        fail "job ${r_job} has reached its time limit, and with it ${title} on ${host} has ended" "start it again: ssh ${name}-nb"
    fi
    # a limit that was moved since, or another end of the job: that takes this session along, in a moment
    tell_waited=''
    [ -f "${state}/joined" ] || tell_job_end
    [ -n "${tell_waited}" ] || command sleep 3
    go_on
}
