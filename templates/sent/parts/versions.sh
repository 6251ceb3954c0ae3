# --- probe: whether a Jupyter runs ------------------------------------------------------------------------------------

# Puts what serve's quicker start is made of into a folder of the probe's.
make_fast() {
    fast_folder=${scratch}/fast
    command mkdir "${fast_folder}"
    printf '%s\n' "${fast_core}" >"${fast_folder}/jupyter_core.py"
    printf '%s\n' "${fast_clean}" >"${fast_folder}/nbssh_clean.py"
}

# ask_version PATH FAST: what it says to --version goes into a file. As serve does it: the PATH of a login, behind the
# program's own folder, FAST before the others of PYTHONPATH, and through the setup lines.
ask_version() {
    # shellcheck disable=SC2016  # expanded by the inner shells
    set -- /bin/sh -c '
PATH=$1:$PATH && export PATH
[ -z "$2" ] || { PYTHONPATH=$2${PYTHONPATH:+:${PYTHONPATH}} && export PYTHONPATH; }
shift 2
exec "$@" 2>&1' sh "${1%/*}" "$2" "$1" --version
    if [ -n "${setup_program}" ]; then
        # shellcheck disable=SC2016
        setup_shell -c "${setup_program}"'exec "$@"' nbssh "$@"
    else
        bounded 20 env "PATH=${login_path:-${PATH}}" "$@"
    fi
}

# try_jupyter PATH: sets `answered` to the version that it says, or `fault`: silent, with its last words in `fault_of`, or
# slow. A wrapper may know no --version, so this is no proof that it is no Jupyter.
try_jupyter() {
    answered=''
    if [ -n "${fault}" ] || [ -n "${found_running}" ] || [ "${tries}" -ge 4 ]; then
        return 0
    fi
    tries=$((tries + 1))
    if [ -n "${fast_core}" ] && [ -z "${fast_folder}" ]; then make_fast; fi
    ask_version "$1" "${fast_folder}"
    read_version
    # what the quicker start breaks is no fault of hers
    if [ "${fault}" = silent ] && [ -n "${fast_folder}" ]; then
        fault='' fault_of=''
        ask_version "$1" ''
        read_version
    fi
}

# Sets what try_jupyter sets, from the answer.
read_version() {
    answered=$(command head -c 65536 "${scratch}/out" | command tr -d '\r' |
        command sed -n -e 's/^\([0-9][0-9]*\.[0-9][0-9A-Za-z.+-]*\)$/\1/p' \
            -e 's/^\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9A-Za-z.+-]*\) .*$/\1/p' | command tail -n 1)
    if [ "$(command wc -c <"${scratch}/out")" -gt 65536 ]; then
        answered=''
    fi
    if [ -n "${bounded_late}" ]; then
        answered='' fault=slow
    elif [ -n "${answered}" ]; then
        found_running=yes
    else
        fault=silent
        fault_of=$(command head -c 65536 "${scratch}/out" | command tr -cd '[:print:]\n' |
            command sed -n -e '/^nbssh-[0-9a-f]*-line /d' -e '/[^ ]/p' |
            command tail -n 1 | command cut -c 1-200)
    fi
}
