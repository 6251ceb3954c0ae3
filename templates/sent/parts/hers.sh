# --- probe: what the user has of her own -----------------------------------------------------------------------------

# is_open PORT: a program of this user's listens there on all addresses.
is_open() {
    command cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | command awk -v port=":$(printf '%04X' "$1")" -v me="${uid}" '
        $2 ~ "^0+" port "$" && $4 == "0A" && $8 == me { found = 1 }
        END { exit !found }'
}

# has FILE KEY: it says true.
has() {
    if command grep -q "^ *\"$2\": *true" "$1" 2>/dev/null; then printf 'yes'; else printf 'no'; fi
}

# tell_running FILE: the Jupyter that wrote it, if that lives and is this user's. nbssh's own write elsewhere.
tell_running() {
    is_hers "$1" || return 0
    running_port=$(number_in "$1" port)
    running_kind=${1##*/}
    case ${hers_words} in
    *jupyter-lab* | *'jupyter lab'* | *jupyterlab*) running_app=lab ;;
    *jupyter-server* | *'jupyter server'*) running_app=server ;;
    *notebook*) running_app=notebook ;;
    *) running_app=lab ;;
    esac
    running_open=no
    if [ -n "${running_port}" ] && is_open "${running_port}"; then
        running_open=yes
    fi
    set -- "$1" pid "${hers_pid}" kind "${running_kind%%-*}" app "${running_app}" port "${running_port}" open "${running_open}" \
        since "$(command stat -c %Y "$1" 2>/dev/null || command stat -f %m "$1" 2>/dev/null || :)"
    if [ -n "${adopt}" ]; then
        running_reached=no
        if [ -n "${running_port}" ] && listens "${hers_pid}" "${running_port}"; then
            running_reached=yes
        fi
        running_token=$(text_in "$1" token)
        if [ -z "${running_token}" ] && command grep -q '^ *"token": *"[^"]' "$1" 2>/dev/null; then
            running_token='with a backslash'
        fi
        set -- "$@" folder "${1%/*}" reached "${running_reached}" secure "$(has "$1" secure)" base "$(text_in "$1" base_url)" \
            token "${running_token}" password "$(has "$1" password)" \
            python "$(command readlink "/proc/${hers_pid}/exe" 2>/dev/null)"
    fi
    shift
    emit running "$@"
}

# first_that_says PATTERN: the first file of her configuration with a line, not commented out, that matches (awk).
first_that_says() {
    for own_name in config server_config notebook_config lab_config; do
        for own_file in "${own_folder}/jupyter_${own_name}.py" "${own_folder}/jupyter_${own_name}.json"; do
            if [ -f "${own_file}" ] &&
                command awk -v said="$1" '!/^ *#/ && $0 ~ said { found = 1 } END { exit !found }' "${own_file}" 2>/dev/null; then
                printf '%s' "${own_file}"
                return 0
            fi
        done
    done
}

# tell_in FOLDER: the running ones of which no file was seen yet.
tell_in() {
    for running_file in "$1"/nbserver-[0-9]*.json "$1"/jpserver-[0-9]*.json; do
        case ${running_file} in
        *-open.html | *\**) continue ;;
        *) ;;
        esac
        case ${running_seen} in
        *" ${running_file##*/} "*) continue ;;
        *) running_seen="${running_seen}${running_file##*/} " ;;
        esac
        tell_running "${running_file}"
    done
}

# said_folders: where those that run were told to write, by rc files that no command of ours reads.
said_folders() {
    # shellcheck disable=SC2013  # names without blanks
    for said_process in $(command grep -ls -e jupyter -e notebook /proc/[0-9]*/cmdline 2>/dev/null || :); do
        { command tr '\000' '\n' <"${said_process%cmdline}environ"; } 2>/dev/null | command awk '
            $0 == "HOME=" ENVIRON["HOME"] { mine = 1 }
            sub(/^JUPYTER_RUNTIME_DIR=/, "") { said = said $0 "\n" }
            sub(/^JUPYTER_DATA_DIR=/, "") { said = said $0 "/runtime\n" }
            sub(/^XDG_DATA_HOME=/, "") { said = said $0 "/jupyter/runtime\n" }
            END { if (mine) printf "%s", said }'
    done
}

tell_hers() {
    running_seen=' '
    for running_folder in "${JUPYTER_RUNTIME_DIR:-/}" "${XDG_DATA_HOME:-${HOME}/.local/share}/jupyter/runtime" \
        "${XDG_RUNTIME_DIR:-/}/jupyter" "/run/user/${uid}/jupyter" "${HOME}/Library/Jupyter/runtime"; do
        tell_in "${running_folder}"
    done
    said_folders >"${scratch}/folders"
    while IFS= read -r running_folder; do
        # one of nbssh's has its sessions beside it
        [ -d "${running_folder%/*}/sessions" ] || tell_in "${running_folder}"
    done <"${scratch}/folders"
    own_folder=${JUPYTER_CONFIG_DIR:-${HOME}/.jupyter}
    emit own folder "$(first_that_says '(root_dir|notebook_dir)[]"'\'']* *[:=]')" \
        network "$(first_that_says '[."'\'']ip[]"'\'']* *[:=] *["'\''](\\*|0[.]0[.]0[.]0|::)["'\'']')"
}
