# needs: await_running find_or_submit find_patiently job_id job_reason job_state job_word name require_scheduler
# --- job: NAME-node, which joins a job that runs and submits none by itself ------------------------------------------
# An editor, scp or rsync calls it as often without a terminal as with one: then nothing is said but why it failed. ssh
# keeps no stderr of its ProxyCommand where the alias has a ControlPersist, so that is said in SSH's own words.

# The wing's: fail MESSAGE HINT... as a disconnect of SSH (RFC 4253, 4.2, 6 and 11.1; 7 is "service not available").
fail() {
    streams=''
    attach_text=$(printf '%s; ' "$@" | LC_ALL=C command tr -cd ' -~' | command cut -c 1-200)
    attach_text="nbssh: ${attach_text%; }"
    attach_payload=$((13 + ${#attach_text}))
    attach_padding=$((16 - (attach_payload + 5) % 8))
    printf 'SSH-2.0-nbssh\r\n' >&3
    attach_octal 0 0 0 "$((1 + attach_payload + attach_padding))" "${attach_padding}" 1 0 0 0 7 0 0 0 "${#attach_text}" >&3
    printf '%s' "${attach_text}" >&3
    attach_count=$((attach_padding + 4))
    while [ "${attach_count}" -gt 0 ]; do
        attach_octal 0 >&3
        attach_count=$((attach_count - 1))
    done
    # ssh reads it only once what it sends itself is taken
    command cat <&4 >/dev/null
    exit 1
}

# attach_octal NUMBER...: a byte for each
attach_octal() {
    for attach_byte in "$@"; do
        # shellcheck disable=SC2059  # an octal escape is a format
        printf "\\$(printf '%03o' "${attach_byte}")"
    done
}

# attach_job [submits] [terminal]
attach_job() {
    case "$*" in
    *terminal) ;;
    *) exec 2>/dev/null >&2 ;;
    esac
    require_scheduler
    if [ "$*" = 'submits terminal' ]; then
        find_or_submit
        await_running
        return 0
    fi
    find_patiently
    [ -n "${job_id}" ] || fail "no job of '${name}' runs" "start one: ssh ${name}-nb"
    if [ "${job_state}" = running ]; then return 0; fi
    case "$*" in
    *terminal) await_running ;;
    *) fail "job ${job_id} of '${name}' does not run yet (${job_word}${job_reason:+, ${job_reason}})" "try again when it does" ;;
    esac
}
