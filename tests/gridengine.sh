#!/bin/sh
# Grid Engine for the tests, unpacked and not installed: its packages and slurm-wlm-torque exclude each other.
# Goes into the folder gridengine of the environment given as $1; done once. The libraries it needs are in
# system-packages.txt. Without network a word at home, where the tests that need it are skipped; in CI a failure.
set -eu
folder=$1/gridengine
packages='gridengine-client gridengine-common gridengine-exec gridengine-master'
[ ! -e "$folder/.made" ] || exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo 'make: this is no Debian; the tests with Grid Engine are skipped' >&2
    exit 0
fi
echo "make: unpacking Grid Engine into $folder" >&2
rm -rf "$folder"
mkdir -p "$folder/packages"
# shellcheck disable=SC2086  # a list of words
if (cd "$folder/packages" && apt-get download --quiet=2 $packages >&2); then
    for package in "$folder"/packages/*.deb; do dpkg-deb --extract "$package" "$folder"; done
    rm -rf "$folder/packages" "$folder/usr/share/doc" "$folder/usr/share/man"
    : >"$folder/.made"
else
    rm -rf "$folder"
    [ "${CI:-}" != true ] || exit 1
    echo 'make: Grid Engine could not be fetched; its tests are skipped' >&2
fi
