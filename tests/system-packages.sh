#!/bin/sh
# usage: system-packages.sh [LIST]
# Installs what tests/system-packages.txt, or LIST, names: through apt where it may, else it says what is missing and goes on,
# for the tests of a missing tool are skipped. In CI (CI=true) a missing package is a failure.
set -eu

list=${1:-$(dirname "$0")/system-packages.txt}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "make: this is no Debian; the tests of tools that are not here are skipped; the tools: $list" >&2
    exit 0
fi

# no package is to start its service here, sshd or Slurm: the tests start their own. What decides that is this program;
# one that is there already is the machine's owner's. Ours forbids nothing once its maker is gone, however that ended.
policy=/usr/sbin/policy-rc.d
mark='# made by the tests of nbssh'

# installed NAME…: a package of one of these names is there
installed() {
    for name; do
        # shellcheck disable=SC2016  # dpkg's own placeholder
        status=$(dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null) || continue
        [ "$status" != installed ] || return 0
    done
    return 1
}

if [ "$(id -u)" -eq 0 ]; then
    echo 'make: the tests of root make users of this machine (nbt...) and remove them; in a container they meet nothing of' \
        'yours: see CONTRIBUTING.md' >&2
    # a run that was killed has left it
    if grep -qs "^$mark" "$policy"; then "$policy" || rm -f "$policy"; fi
fi

missing='' elsewhere=''
while read -r package others; do
    case $package in '' | '#'*) continue ;; *) ;; esac
    # shellcheck disable=SC2086  # a list of words
    if installed "$package" $others; then continue; fi
    case $others in
    -) elsewhere="$elsewhere $package" ;;
    *) missing="$missing $package" ;;
    esac
done <"$list"
# packaged: adds to $missing those of $elsewhere that this Debian has, as far as its lists know
packaged() {
    for package in $elsewhere; do
        if apt-cache show "$package" >/dev/null 2>&1; then missing="$missing $package"; fi
    done
    elsewhere=
}
[ -n "$missing" ] || packaged
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=
elif sudo -n true 2>/dev/null; then
    root='sudo -n'
else
    echo "make: not installed, and this user may not:$missing" >&2
    echo "make: sudo apt-get install$missing" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi

echo "make: this changes the machine: apt-get install$missing" >&2
# shellcheck disable=SC2086  # lists of words
if [ ! -e "$policy" ]; then
    trap '$root rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    # shellcheck disable=SC2016  # $0 is the file's own
    printf '#!/bin/sh\n%s\n[ ! -d /proc/%s ] || exit 101\nrm -f "$0"\n' "$mark" "$$" | $root tee "$policy" >/dev/null
    $root chmod 755 "$policy"
fi
# shellcheck disable=SC2086  # lists of words
install() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $missing </dev/null
}
# shellcheck disable=SC2086
$root apt-get update --quiet=2 </dev/null || echo 'make: apt-get update failed, trying with the old lists' >&2
packaged
if ! install >&2; then
    echo "make: apt-get could not install:$missing" >&2
    [ "${CI:-}" != true ] || exit 1
fi
