# --- probe: Jupyters -------------------------------------------------------------------------------------------------

# offer PATH FOUND: a candidate, unless it is another name of one, or a shim, whose target comes by itself.
offer() {
    if [ ! -x "$1" ] || [ -d "$1" ] || [ "${offered}" -ge 40 ]; then
        return 0
    fi
    case $1 in
    */shims/*) return 0 ;;
    *) ;;
    esac
    offer_real=$(real_path "$1")
    case "${newline}${seen}${newline}" in
    *"${newline}${offer_real}${newline}"*) return 0 ;;
    *) ;;
    esac
    seen="${seen}${newline}${offer_real}"
    offered=$((offered + 1))
    find_python "${offer_real}"
    try_jupyter "$1"
    sites=''
    [ -z "${python}" ] || find_sites
    : "${any_python:=${python}}"
    emit jupyter path "$1" program "${1##*/}" asked "${asked}" python "${python}" found "$2" \
        jupyterlab "$(version_of jupyterlab)" notebook "$(version_of notebook)" \
        jupyter_server "$(version_of jupyter_server)" argon2 "$(version_of 'argon2[_-]cffi')" \
        nbmodel "$(version_of 'jupyter[_-]server[_-]nbmodel')" \
        answered "${answered}" fault "${fault}" fault_of "${fault_of}"
}

# offer_folder FOLDER FOUND: the first wanted program in it.
offer_folder() {
    for program in ${programs}; do
        if [ -x "$1/${program}" ] && [ ! -d "$1/${program}" ]; then
            offer "$1/${program}" "$2"
            return 0
        fi
    done
}

# offer_path PATH FOUND
offer_path() {
    offer_ifs=${IFS}
    IFS=:
    set -f
    # shellcheck disable=SC2086  # folders, split on purpose
    set -- "$2" $1
    set +f
    IFS=${offer_ifs}
    offer_found=$1
    shift
    for folder in "$@"; do
        case ${folder} in
        /*) offer_folder "${folder%/}" "${offer_found}" ;;
        *) ;;
        esac
    done
}

offer_known_places() {
    for base in "${HOME}/anaconda3" "${HOME}/miniconda3" "${HOME}/miniforge3" "${HOME}/mambaforge" "${HOME}/micromamba" /opt/conda; do
        [ -d "${base}" ] || continue
        offer_folder "${base}/bin" conda
        for folder in "${base}"/envs/*/bin; do
            offer_folder "${folder}" conda
        done
    done
    if [ -f "${HOME}/.conda/environments.txt" ]; then
        while IFS='' read -r base; do
            offer_folder "${base}/bin" conda
        done <"${HOME}/.conda/environments.txt"
    fi
    offer_folder "${HOME}/.local/bin" local
    for folder in "${HOME}"/.local/share/uv/tools/*/bin; do
        offer_folder "${folder}" uv
    done
    for folder in "${HOME}"/.pixi/bin "${HOME}"/.pixi/envs/*/bin; do
        offer_folder "${folder}" pixi
    done
    for folder in "${HOME}"/.venv/bin "${HOME}"/venv/bin; do
        offer_folder "${folder}" venv
    done
    for folder in "${HOME}"/.pyenv/versions/*/bin "${HOME}"/.asdf/installs/python/*/bin "${HOME}"/.local/share/mise/installs/python/*/bin; do
        offer_folder "${folder}" python
    done
}

# Looks for `programs` everywhere; what the setup lines lead to comes first.
search() {
    offer_path "${setup_path}" setup
    offer_path "${login_path}" PATH
    offer_path "${PATH}" PATH
    offer_known_places
}

# What the setup lines lead into may be another world, as a container is: then nothing but they can tell of its Jupyter.
# shellcheck disable=SC2016  # expanded by the inner shells
behind_setup='
found=$(command -v "$1") && printf "%s:%s %s\n" "$2" "$found" "$("$1" --version 2>/dev/null | head -n 1)"
'
offer_behind_setup() {
    [ -n "${setup_program}" ] || return 0
    for program in ${programs}; do
        behind_word=${program}
        case ${jupyter} in
        */*) behind_word=$(below_home "${jupyter}") asked=${jupyter} ;;
        ?*) behind_word=${jupyter} asked=${jupyter} ;;
        *) ;;
        esac
        setup_shell -c "${setup_program}"'exec "$@"' nbssh /bin/sh -c "${behind_setup}" sh "${behind_word}" "nbssh-${nonce}-behind"
        behind=$(command head -c 65536 "${scratch}/out" | command sed -n "s/^nbssh-${nonce}-behind://p" | command head -n 1)
        behind_version=${behind#* }
        case ${behind} in
        "/"*"/${program} "[0-9]*)
            offered=$((offered + 1))
            behind_lab=''
            [ "${program}" != jupyter-lab ] || behind_lab=${behind_version}
            emit jupyter path "${behind%% *}" program "${program}" asked "${asked}" python "$(command -v python3 || :)" found setup \
                jupyterlab "${behind_lab}" argon2 unseen nbmodel unseen answered "${behind_version}"
            asked=''
            return 0
            ;;
        *) asked='' ;;
        esac
    done
}

below_home() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    [~]/*) printf '%s\n' "${HOME}/${1#??}" ;;
    *) printf '%s\n' "${HOME}/$1" ;;
    esac
}

find_jupyters() {
    seen='' offered=0 asked='' tries=0 found_running=''
    ask_login_shell
    login_path=${path}
    setup_path=''
    if [ -n "${setup_program}" ]; then
        # as serve does it: a line may be `exec conda run -n x "$@"`
        # shellcheck disable=SC2016  # expanded by the inner shells
        setup_shell -c "${setup_program}"'exec "$@"' nbssh /bin/sh -c 'printf "%s:%s\n" "$1" "$PATH"' sh "nbssh-${nonce}-path"
        note_setup
        read_path
        setup_path=${path}
    fi
    case ${jupyter} in
    */*)
        asked=${jupyter}
        asked_path=$(below_home "${jupyter}")
        offer "${asked_path}" asked
        # an environment's folder
        [ "${offered}" -ne 0 ] || offer_folder "${asked_path%/}/bin" asked
        [ "${offered}" -ne 0 ] || offer_behind_setup
        [ "${offered}" -eq 0 ] || return 0
        asked=''
        ;;
    *) ;;
    esac
    case ${jupyter} in
    '' | */*) ;;
    *)
        programs_wanted=${programs} programs=${jupyter} asked=${jupyter}
        search
        programs=${programs_wanted} asked=''
        [ "${offered}" -eq 0 ] || return 0
        ;;
    esac
    search
    if [ "${offered}" -eq 0 ]; then
        ask_interactive_shell
        login_path=${path}
        search
    fi
    [ "${offered}" -ne 0 ] || offer_behind_setup
    emit login told "${login_told}"
    # nothing: what else is there helps to say what can be done
    if [ "${offered}" -eq 0 ]; then
        programs='jupyter-lab jupyter-notebook jupyter-server'
        search
    fi
}
