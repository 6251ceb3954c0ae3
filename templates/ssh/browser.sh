is_wsl() { [ -n "${WSL_DISTRO_NAME:-}" ] || grep -qi microsoft /proc/version 2>/dev/null; }

# The command that shows an address, as words; empty where no browser can be reached.
opener=
find_opener() {
    if [ -n "${BROWSER:-}" ]; then
        opener=browser
    elif [ "$(uname -s)" = Darwin ]; then
        [ -n "${SSH_CONNECTION:-}" ] || opener=open
    elif has wslview && is_wsl; then
        opener=wslview
    elif has cmd.exe && is_wsl; then
        opener=windows
    elif [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && has xdg-open; then
        opener=xdg-open
    fi
}

# A browser in a snap, and one on the Windows side, cannot read a file below a hidden folder of this home.
reads_our_files() {
    case $opener in
    wslview | windows) return 1 ;;
    xdg-open) ;;
    *) return 0 ;;
    esac
    case $(xdg-settings get default-web-browser 2>/dev/null || :) in
    *_*.desktop) return 1 ;;
    *) return 0 ;;
    esac
}

# $BROWSER as others read it: alternatives separated by colons, each with words, %s for the address.
browser() {
    set -f
    old_ifs=$IFS
    IFS=:
    # shellcheck disable=SC2086  # split on purpose, without globbing
    set -- "$1" $BROWSER
    IFS=$old_ifs
    address=$1
    shift
    for choice in "$@"; do
        case $choice in
        *%s*) choice=${choice%%%s*}$address${choice#*%s} ;;
        *) choice="$choice $address" ;;
        esac
        # shellcheck disable=SC2086  # the address holds neither blanks nor glob characters that count
        if $choice; then return 0; fi
    done
}

show() {
    case $opener in
    browser) browser "$1" ;;
    windows) cmd.exe /c start "" "$1" ;;
    *) "$opener" "$1" ;;
    esac
}
