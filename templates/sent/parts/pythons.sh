# --- probe: the Python of a program, and what is installed for it -----------------------------------------------------

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
