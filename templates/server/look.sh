# needs: answers api_version count_sessions find_hers find_others hers is_alive marked others r_file r_pid r_since r_start
# needs: run
# --- how Jupyter is ---------------------------------------------------------------------------------------------------

# The newest of the arguments in seconds since 1970, or nothing: GNU and busybox say it one way, BSD and macOS the other.
newest() {
    # shellcheck disable=SC2012  # the names are Jupyter's and ours
    newest_file=$(command ls -td "$@" 2>/dev/null | command head -n 1)
    [ -n "${newest_file}" ] || return 0
    command stat -c %Y "${newest_file}" 2>/dev/null || command stat -f %m "${newest_file}" 2>/dev/null || :
}

# look_into FOLDER: sets pid, since, kernels and last for the Jupyter of the record that was read there. Jupyter writes a
# log line when a kernel or a page comes or goes, and a file when a kernel starts. What it knows more exactly needs a
# login.
look_into() {
    pid=${r_pid}
    since=${r_since:-null}
    if [ -n "${r_file}" ]; then
        kernels=null # her folder holds those of all her Jupyters
        return 0
    fi
    for kernel in "$1"/runtime/kernel-*.json; do
        [ ! -f "${kernel}" ] || kernels=$((kernels + 1))
    done
    last=$(newest "$1/log" "$1"/runtime/kernel-*.json)
}

# Sets condition and what belongs to it, each as JSON has it.
look_here() {
    condition=stopped pid=null version=null since=null last=null kernels=0 elsewhere='' job=null
    count_sessions
    find_others
    for other in ${others}; do
        condition=elsewhere
        elsewhere="${elsewhere}${elsewhere:+,}\"${other}\""
    done
    is_alive "${run}/record" || { [ -n "${hers}" ] && find_hers; } || return 0
    if answers; then
        condition=running
        [ -z "${api_version}" ] || version="\"${api_version}\""
    elif marked "${run}/ready" "${r_pid}" "${r_start}"; then
        condition=unresponsive
    else
        condition=starting
    fi
    look_into "${run}"
}

# The wing's: what it knows beyond that.
explain_condition() {
    :
}
