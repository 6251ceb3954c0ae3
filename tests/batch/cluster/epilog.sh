#!/bin/bash
# What a site's cgroups do at the end of a job: when a user's last job has left the node, so have the user's processes.
squeue --noheader --nodelist="$SLURMD_NODENAME" --user="$SLURM_JOB_USER" --states=RUNNING --format=%i |
    grep --quiet --invert-match --line-regexp "$SLURM_JOB_ID" && exit 0
for process in /proc/[0-9]*; do # those of this node: it has a pid namespace of its own
    [ "$(stat --format=%u "$process" 2>/dev/null)" != "$SLURM_JOB_UID" ] || kill -KILL "${process#/proc/}" 2>/dev/null
done
exit 0
