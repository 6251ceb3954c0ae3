# needs: environment is_in_time note program run
# --- the environment of a login: what the user gets when she logs in and types `jupyter lab` ---------------------------

environment_seconds=10

# Sets environment_file to commands of sh that set it; empty: serve's own environment is to be used. The shell has no
# terminal and reads nothing, so nothing in its rc files can wait for an answer, and it has 10 s.
take_environment() {
    environment_file=''
    case ${environment}:${SHELL-} in
    login:/*) ;;
    *) return 0 ;;
    esac
    case ${SHELL} in
    *nologin | *false) return 0 ;;
    *) ;;
    esac
    environment_file=${run}/environment.$$ environment_told=yes
    # environ writes what is there: who stops Jupyter meanwhile takes it away
    (umask 077 && : >"${environment_file}") 2>/dev/null || :
    # one word list for every shell there is: no quotes, no variables
    environment_command="exec /bin/sh ${program}/environ ${environment_file}"
    case ${SHELL##*/} in
    csh | tcsh)
        # these take -l only where it is alone
        printf '%s\n' "${environment_command}" >"${environment_file}.in"
        is_in_time "${environment_seconds}" "${environment_file}.in" "${SHELL}" -l || environment_told=''
        command rm -f "${environment_file}.in"
        ;;
    *) is_in_time "${environment_seconds}" /dev/null "${SHELL}" -l -i -c "${environment_command}" || environment_told='' ;;
    esac
    if [ -z "${environment_told}" ] || [ ! -s "${environment_file}" ]; then
        command rm -f "${environment_file}"
        environment_file=''
        note "your login shell ${SHELL} did not tell its environment within ${environment_seconds} s; kernels run without it"
    fi
}
