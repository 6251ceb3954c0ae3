# needs: data fail host job_variable name program state
# --- job: a sshd inside the job, with keys of its own ----------------------------------------------------------------

find_own_sshd() {
    for sshd in "$(command -v sshd || :)" /usr/sbin/sshd /usr/local/sbin/sshd /usr/lib/ssh/sshd /usr/lib/openssh/sshd; do
        if [ -n "${sshd}" ] && [ -x "${sshd}" ]; then return 0; fi
    done
    fail "there is no sshd on ${host}" "without one no session can come into a job on this node"
}

# become_sshd ID OPTION...
become_sshd() {
    sshd_job=$1
    shift
    find_own_sshd
    exec "${sshd}" -f "${program}/batch/sshd_config" -h "${data}/sshd/host_key" \
        -o "AuthorizedKeysFile=${data}/sshd/authorized_keys" -o "SetEnv=${job_variable}=${sshd_job}" \
        -E "${state}/sshd.log" "$@"
}

# listen_on PORT ID: as long as what started this lives. Not every scheduler ends what its jobs leave behind.
listen_on() {
    (become_sshd "$2" -D -p "$1") &
    listener=$!
    while kill -0 "${PPID}" 2>/dev/null && kill -0 "${listener}" 2>/dev/null; do command sleep 5; done
    kill "${listener}" 2>/dev/null || :
}

make_keys() {
    command mkdir -p "${data}/sshd"
    command chmod 700 "${data}/sshd"
    if [ ! -f "${data}/sshd/host_key" ]; then
        command rm -f "${data}/sshd/host_key.new" "${data}/sshd/host_key.new.pub"
        command ssh-keygen -q -t ed25519 -N '' -C "nbssh ${name}" -f "${data}/sshd/host_key.new" </dev/null
        command mv -f "${data}/sshd/host_key.new.pub" "${data}/sshd/host_key.pub"
        command mv -f "${data}/sshd/host_key.new" "${data}/sshd/host_key"
    fi
    if ! command grep -qxF "$1" "${data}/sshd/authorized_keys" 2>/dev/null; then
        {
            command cat "${data}/sshd/authorized_keys" 2>/dev/null || :
            printf '%s\n' "$1"
        } >"${data}/sshd/authorized_keys.new"
        command mv -f "${data}/sshd/authorized_keys.new" "${data}/sshd/authorized_keys"
    fi
    command cat "${data}/sshd/host_key.pub" >&3
}
