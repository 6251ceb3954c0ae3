# needs: host is_process r_host r_pid r_program r_start read_record share
# --- programs that nobody needs any more -----------------------------------------------------------------------------
# A program is needed by every laptop whose aliases name it (ROOT/NAME/laptops/ID), by a Jupyter that it has started
# (record), by a launch that runs (sessions/), and by what waits for its turn to start one (pending). A process of
# another host cannot be looked at, so what it wrote counts.

# need FILE: adds the programs that the first words of its lines name. What cannot be read may name any.
need() {
    if [ -f "$1" ] && [ -r "$1" ]; then
        while read -r need_program need_rest; do
            needed="${needed}${need_program} "
        done <"$1"
    elif [ -e "$1" ]; then
        needed=''
    fi
}

tidy_programs() {
    needed=' '
    for tidy_file in "${share}"/*/laptops/*; do
        need "${tidy_file}"
        [ -n "${needed}" ] || return 0
    done
    case ${share} in
    */.local/share/nbssh) set -- "${share%/share/nbssh}"/state/nbssh/* ;;
    *) set -- "${share}"/.state/* ;;
    esac
    for tidy_state in "$@"; do
        need "${tidy_state}/pending"
        [ -n "${needed}" ] || return 0
        for tidy_run in "${tidy_state}"/*; do
            if read_record "${tidy_run}/record" &&
                { [ "${r_host}" != "${host}" ] || is_process "${r_pid}" "${r_start}"; }; then
                needed="${needed}${r_program} "
            fi
            for tidy_file in "${tidy_run}"/sessions/*; do
                tidy_start='' tidy_program=''
                { IFS='' read -r tidy_start && read -r tidy_program; } 2>/dev/null <"${tidy_file}" || continue
                if [ "${tidy_run##*/}" != "${host}" ] || is_process "${tidy_file##*/}" "${tidy_start}"; then
                    needed="${needed}${tidy_program} "
                fi
            done
        done
    done
    for tidy_folder in "${share}"/program/*; do
        case ${tidy_folder##*/} in
        *[!0-9a-f]*) continue ;;
        *) ;;
        esac
        case ${needed} in
        *" ${tidy_folder##*/} "*) continue ;;
        *) ;;
        esac
        # on NFS a file that is open keeps its folder
        [ -L "${tidy_folder}" ] || command rm -rf "${tidy_folder}" 2>/dev/null || :
    done
    # of an install that was cut off; one that goes on has a younger one
    command find "${share}/program" -name '.new.*' -prune -mmin +30 -exec rm -rf {} + 2>/dev/null || :
    command rmdir "${share}/program" 2>/dev/null || :
}
