#!/bin/sh
# Schedulers for the tests, unpacked and not installed: the packages of Grid Engine exclude Slurm's, those of OAR make
# users and start daemons. Each goes into a folder of the environment given as $1; done once. What they need of other
# packages is in system-packages.txt. Without network a word at home, where the tests that need them are skipped; in CI
# a failure. One that this Debian lacks leaves .lacking, and its tests are not applicable.
set -eu
environment=$1

# unpack FOLDER TITLE PACKAGE...
unpack() {
    folder=$environment/$1 title=$2
    shift 2
    [ ! -e "$folder/.made" ] || return 0
    echo "make: unpacking $title into $folder" >&2
    rm -rf "$folder"
    mkdir -p "$folder/packages"
    if (cd "$folder/packages" && apt-get download --quiet=2 "$@" >&2); then
        for package in "$folder"/packages/*.deb; do dpkg-deb --extract "$package" "$folder"; done
        rm -rf "$folder/packages" "$folder/usr/share/doc" "$folder/usr/share/man"
        : >"$folder/.made"
    elif apt-cache show "$1" >/dev/null 2>&1; then
        rm -rf "$folder"
        [ "${CI:-}" != true ] || exit 1
        echo "make: $title could not be fetched; its tests are skipped" >&2
    else
        : >"$folder/.lacking"
        echo "make: this Debian has no $title; its tests are not applicable" >&2
    fi
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    echo 'make: this is no Debian; the tests with Grid Engine and OAR are skipped' >&2
    exit 0
fi
unpack gridengine 'Grid Engine' gridengine-master gridengine-client gridengine-common gridengine-exec
unpack oar OAR oar-server oar-common oar-node oar-user liboar-perl libdbd-pg-perl libdbi-perl libpq5 libsort-versions-perl
