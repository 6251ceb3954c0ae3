# needs: at attach fail forget_server hers hers_pid hers_start hers_sum host is_alive is_hers listens name number_in
# needs: program_id put remote_port run say text_in title
# --- a profile that uses a Jupyter which its user started by hand -----------------------------------------------------
# Its process is found by its runtime file in the folder `hers`, and must listen on the profile's port. The record tells of
# it as of one that launch has started.

# Sets r_pid and the rest, as read_record does. True where it runs.
find_hers() {
    hers_others=''
    for r_file in "${hers}"/nbserver-[0-9]*.json "${hers}"/jpserver-[0-9]*.json; do
        is_hers "${r_file}" || continue
        hers_port=$(number_in "${r_file}" port)
        if [ "${hers_port}" != "${remote_port}" ] || ! listens "${hers_pid}" "${hers_port}"; then
            hers_others="${hers_others}${hers_others:+, }${hers_port:-none} (pid ${hers_pid})"
            continue
        fi
        r_pid=${hers_pid} r_start=${hers_start} r_at=${at}
        r_since=$(command stat -c %Y "${r_file}" 2>/dev/null || command stat -f %m "${r_file}" 2>/dev/null) || r_since=''
        r_began=$(command date -r "${r_file}" '+%Y-%m-%d %H:%M' 2>/dev/null) || r_began=''
        return 0
    done
    r_file=''
    return 1
}

# Makes sure that the record tells of it. True where something runs: one that launch has started is stopped first.
adopt() {
    if is_alive "${run}/record" && { [ -z "${r_file}" ] || [ "${r_at}" = "${at}" ]; }; then return 0; fi
    find_hers || return 1
    command mkdir -p "${run}"
    put "${run}/record.$$" "pid ${r_pid}" "start ${r_start}" "host ${host}" "at ${at}" "since ${r_since}" "began ${r_began}" \
        "program ${program_id}" "file ${r_file}"
    command mv -f "${run}/record.$$" "${run}/record"
}

# Its laptops know the token that it had.
describe_attach() {
    attach_limit=10 attach_how="is already running on ${host}${r_began:+ since ${r_began}}"
    [ -n "${r_file}" ] || return 0
    hers_now=$(printf '%s' "$(text_in "${r_file}" token)" | command cksum 2>/dev/null) || return 0
    if [ -n "${hers_sum}" ] && [ "${hers_now}" != "${hers_sum}" ]; then
        printf 'nbssh: warning: %s\n' "it was started again since, with another token; on your laptop: nbssh apply ${name}" >&2
    fi
}

# In place of what starts one of our own.
start() {
    if adopt && attach; then return 0; fi
    set -- "start it there as you did, then: ssh ${name}-nb" \
        "or let nbssh start one of its own: nbssh edit ${name}, and take out the line 'adopt'"
    [ -z "${hers_others}" ] ||
        set -- "you have others there, on port ${hers_others}; to use one: nbssh edit ${name}: remote_port" "$@"
    fail "your own Jupyter, which '${name}' uses, does not run on ${host}: none listens on 127.0.0.1:${remote_port}" "$@"
}

# It has no log of ours.
explain_server_end() {
    ended_file=${r_file}
    forget_server
    if [ -f "${ended_file}" ]; then
        fail "${title} on ${host} (pid ${r_pid}) died; you started it, so its log is where you sent it" \
            "start it there again as you did, then: ssh ${name}-nb"
    fi
    say "${title} on ${host} was shut down; ssh ${name}-nb uses the next one that you start on port ${remote_port}"
    exit 0
}
