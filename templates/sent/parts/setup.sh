# --- probe: what serve needs -----------------------------------------------------------------------------------------

# Sets setup_lines to what the last bounded shell said of the setup lines: `NUMBER STATUS`; setup_path is the PATH behind
# them, empty where they lead nowhere.
note_setup() {
    setup_ran=yes
    setup_late=${bounded_late}
    setup_lines=$(command head -c 262144 "${scratch}/out" | command sed -n "s/^.*nbssh-${nonce}-line //p")
}

# A setup shell that is not there, lines that failed or did not come to their end, a folder that cannot be entered.
tell_needs() {
    if [ -n "${setup_ran}" ]; then
        needs_words=${setup_shell_word}
        if [ -n "${needs_words}" ] && ! PATH=${login_path:-${PATH}} command -v "${needs_words}" >/dev/null 2>&1; then
            emit shell missing "${needs_words}"
        else
            while read -r needs_line needs_status; do
                case ${needs_line} in
                '') ;;
                *) [ "${needs_status}" = 0 ] || emit setup line "${needs_line}" status "${needs_status}" ;;
                esac
            done <<END
${setup_lines}
END
            needs_came=yes
            [ -n "${setup_path}" ] || needs_came=no
            emit setupend came "${needs_came}" late "${setup_late:-no}"
        fi
    fi
    case ${dir} in
    '') return 0 ;;
    [~]) needs_folder=${HOME} ;;
    *) needs_folder=$(below_home "${dir}") ;;
    esac
    (cd "${needs_folder}") 2>/dev/null || emit folder missing "${needs_folder}"
}
