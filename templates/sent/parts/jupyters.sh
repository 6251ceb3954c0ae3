# --- probe: Jupyters -------------------------------------------------------------------------------------------------

newline='
'
return=$(printf '\r')
quote="'"

real_path() {
    command readlink -f "$1" 2>/dev/null || command realpath "$1" 2>/dev/null || printf '%s\n' "$1"
}

# Sets `python` to the interpreter in the first lines of a script. Where its path is too long for the kernel, or has
# blanks, pip, conda and uv write `#!/bin/sh` and `'''exec' "/path/python" "$0" "$@"`. Sets `fault` where it cannot start:
# empty, lineends (CR LF: the kernel takes the CR for a part of the name), or interpreter, which `fault_of` names.
find_python() {
    python='' fault='' fault_of=''
    if [ ! -s "$1" ]; then
        fault=empty
        return 0
    fi
    python_lines=$(command head -c 4096 "$1" 2>/dev/null | command tr -d '\000' | command head -n 2)
    case ${python_lines} in
    '#!'*) ;;
    *) return 0 ;;
    esac
    python_first=${python_lines%%"${newline}"*}
    case ${python_first} in
    *"${return}")
        fault=lineends
        python_first=${python_first%"${return}"}
        ;;
    *) ;;
    esac
    python_first=${python_first#'#!'}
    python_first=${python_first#"${python_first%%[! ]*}"}
    python_interpreter=${python_first%% *}
    python_second=${python_lines#*"${newline}"}
    case ${python_first} in
    */env\ *)
        python_first=${python_first#*env }
        python_first=${python_first#-S }
        case ${python_first} in
        *=*) ;;
        *)
            python_interpreter=${python_first%% *}
            case ${python_interpreter##*/} in
            python* | pypy*) python=$(PATH="${1%/*}:${login_path:-${PATH}}" command -v "${python_interpreter}" 2>/dev/null) || : ;;
            *) ;;
            esac
            ;;
        esac
        ;;
    */python* | */pypy*)
        python=${python_first%% -*}
        python_interpreter=${python}
        ;;
    *)
        case ${python_second} in
        "${quote}${quote}${quote}exec${quote} "*)
            python_second=${python_second#*exec"${quote}" }
            case ${python_second} in
            \"\$*) python=$(real_path "$1") && python=${python%/*}/python ;;
            \"*)
                python_second=${python_second#\"}
                python=${python_second%%\"*}
                ;;
            "${quote}"*)
                python_second=${python_second#"${quote}"}
                python=${python_second%%"${quote}"*}
                ;;
            *) python=${python_second%% *} ;;
            esac
            python_interpreter=${python}
            ;;
        *) ;;
        esac
        ;;
    esac
    python=${python%"${python##*[! ]}"}
    if [ ! -x "${python}" ]; then
        python=''
    fi
    if [ -z "${fault}" ] && ! PATH="${1%/*}:${login_path:-${PATH}}" command -v "${python_interpreter}" >/dev/null 2>&1; then
        fault=interpreter fault_of=${python_interpreter}
    fi
}

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

# add_sites PREFIX VERSION, a pattern: adds its package folders to `sites`.
add_sites() {
    # shellcheck disable=SC2231  # the pattern is to be expanded
    # shellcheck disable=SC2231  # a pattern, to be expanded
    for site in "$1"/lib/$2/site-packages "$1"/lib64/$2/site-packages; do
        [ ! -d "${site}" ] || sites="${sites}${site}${newline}"
    done
    if [ "$1" = /usr ]; then
        # shellcheck disable=SC2231  # the same
        for site in /usr/local/lib/$2/dist-packages /usr/lib/python3/dist-packages; do
            [ ! -d "${site}" ] || sites="${sites}${site}${newline}"
        done
    fi
}

# Sets `sites` to the folders where `python` finds packages, in its order.
find_sites() {
    sites=''
    site_version=$(real_path "${python}")
    site_version=${site_version##*/}
    case ${site_version} in
    python3.[0-9]*) ;;
    *) site_version='python3*' ;;
    esac
    site_prefix=${python%/*}
    site_prefix=${site_prefix%/*}
    site_base=${site_prefix}
    if [ -f "${site_prefix}/pyvenv.cfg" ]; then
        add_sites "${site_prefix}" "${site_version}"
        site_base=''
        if [ -n "$(command sed -n '/^include-system-site-packages *= *true/p' "${site_prefix}/pyvenv.cfg")" ]; then
            site_base=$(command sed -n 's/^home *= *//p' "${site_prefix}/pyvenv.cfg" | command head -n 1)
            site_base=${site_base%/*}
        fi
    fi
    if [ -n "${site_base}" ]; then
        add_sites "${HOME}/.local" "${site_version}"
        add_sites "${site_base}" "${site_version}"
    fi
}

# version_of PACKAGE, a pattern, for `-` and `_` are one: read from the name of its metadata, nothing is started.
version_of() {
    version_ifs=${IFS}
    IFS=${newline}
    for version_site in ${sites}; do
        # shellcheck disable=SC2231  # a pattern, to be expanded
        for version_file in "${version_site}"/$1-[0-9]*.dist-info "${version_site}"/$1-[0-9]*.egg-info; do
            if [ -e "${version_file}" ]; then
                version_file=${version_file##*/}
                version_file=${version_file%.*-info}
                version_file=${version_file%-py[0-9]*}
                printf '%s' "${version_file##*-}"
                break 2
            fi
        done
    done
    IFS=${version_ifs}
}

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
