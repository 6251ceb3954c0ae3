# --- probe: other people's shells, which may print, hang and replace themselves --------------------------------------

# bounded SECONDS COMMAND…: its output goes into a file, for a pipe would wait for whatever it leaves running; what prints
# without end is stopped at some 100 MB, before the disk is full.
bounded() {
    bounded_limit=$1
    shift
    if command -v setsid >/dev/null 2>&1; then
        set -- setsid "$@"
    fi
    {
        give_back
        ulimit -f 200000 2>/dev/null || :
        exec "$@"
    } </dev/null >"${scratch}/out" 2>/dev/null &
    bounded_child=$! bounded_late=''
    now
    bounded_until=$((now_s + bounded_limit))
    while look "${bounded_child}" && [ "${p_state}" != Z ]; do
        now
        if [ "${now_s}" -ge "${bounded_until}" ]; then
            bounded_late=yes
            if [ "${p_group}" = "${bounded_child}" ]; then
                kill -KILL "-${bounded_child}" 2>/dev/null || :
            fi
            kill -KILL "${bounded_child}" 2>/dev/null || :
        fi
        nap
    done
    wait "${bounded_child}" 2>/dev/null || :
}

# One word list for every shell there is, csh and fish too: no variable of theirs, no escape.
# shellcheck disable=SC2016  # expanded by the inner shell
path_command="/bin/sh -c 'printf \"%s:%s\\n\" nbssh-${nonce}-path \"\$PATH\"'"

# Sets `path` to what the last bounded shell said.
read_path() {
    path=$(command head -c 262144 "${scratch}/out" | command sed -n "s/^.*nbssh-${nonce}-path://p" | command tail -n 1)
}

# Sets `login_told` too: no, where there is a shell that did not tell.
ask_login_shell() {
    login_told=yes
    case ${SHELL:-} in
    '' | *nologin | *false)
        path=''
        return 0
        ;;
    *csh) bounded 10 "${SHELL}" -c "${path_command}" ;;
    *) bounded 10 "${SHELL}" -l -c "${path_command}" ;;
    esac
    read_path
    [ -n "${path}" ] || login_told=no
}

# What people put into .bashrc or .zshrc is seen by interactive shells only.
ask_interactive_shell() {
    case ${SHELL##*/} in
    bash | zsh | fish)
        bounded 10 "${SHELL}" -l -i -c "${path_command}"
        read_path
        [ -z "${path}" ] || login_told=yes
        ;;
    *) path='' ;;
    esac
}
