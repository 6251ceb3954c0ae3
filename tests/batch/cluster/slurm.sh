#!/bin/bash
# Starts Slurm on one host of a cluster bed. Argument: the host's name.
set -eu
host=$1
munged --key-file=/etc/munge/munge.key --log-file=/var/log/munged.log --pid-file=/run/munge/munged.pid \
    --seed-file=/run/munge/seed
case $host in
    login) slurmctld ;;
    login*) ;;
    *)
        # one that registers before the controller is there tries again a second later
        until (: <>/dev/tcp/login/6817) 2>/dev/null; do sleep 0.01; done
        slurmd -N "$host"
        # the controller takes jobs at once; they run as soon as a node has registered
        until [ "$(sinfo --noheader --nodes="$host" --format=%t | head -n 1)" = idle ]; do sleep 0.02; done
        ;;
esac
