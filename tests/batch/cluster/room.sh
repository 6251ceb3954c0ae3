#!/bin/bash
# PID 1 of one cluster bed: the machine room in which its hosts stand, each in namespaces of its own.
# Lives in fresh pid, mount, network, ipc and uts namespaces and ends when its stdin does; then the kernel ends all
# that runs in it. Nothing of the bed has a name outside, its files lie in a memory file system that only it sees.
# Options come as BED_… in the environment, the files of the hosts from tests/batch/cluster.py between "made" and "go".
set -eu
here=$(cd "$(dirname "$0")" && pwd)

mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /mnt
echo made
read -r _ # the files are there

mkfifo -m 600 /mnt/events /mnt/never
exec 7<>/mnt/events 8<>/mnt/never
ip link set lo up
for network in wan lan; do
    ip link add "$network" type bridge
    ip link set "$network" up
done

# What a host does not have is a whiteout in a layer above /usr; what only the bed has is in others.
mkdir -p /mnt/without/bin /mnt/with/bin /mnt/rights
for name in sbatch squeue srun salloc scancel sinfo scontrol sacct qsub qstat qdel qalter qhold qrls qrerun pbsnodes; do
    mknod "/mnt/without/bin/$name" c 0 0
done
case $BED_SCHEDULER in
    gridengine) mount --bind "$BED_GRIDENGINE/usr" /mnt/with ;;
    oar)
        mount --bind "$BED_OAR/usr" /mnt/with
        # these have rights that no file outside of the bed is to have
        cd /mnt/with
        cp --parents bin/oar{sub,stat,del,nodes,hold,resume,sh} lib/oar/oardodo/oardodo sbin/{Almighty,oarnodesetting} \
            lib/oar/Almighty /mnt/rights
        cd /mnt/rights
        chown --recursive 0:7299 bin lib/oar/oardodo/oardodo sbin
        chmod 6755 bin/*
        chmod 6750 lib/oar/oardodo/oardodo sbin/*
        # it looks after its queue every second, not every ten
        sed -i '/^my .read_commands_timeout/s/10/1/' lib/oar/Almighty
        cd /
        ;;
    openpbs | lsf | flux | pjm)
        for command in "$BED_FAKES/$BED_SCHEDULER"/*; do
            printf '#!/bin/sh\nFAKE_QUEUE=/home/.queue exec %q "$@"\n' "$command" >"/mnt/with/bin/${command##*/}"
        done
        chmod 755 /mnt/with/bin/*
        ;;
    *) ;;
esac

# await WORD: every host says it once, in any order
await() {
    local left=$BED_HOSTS word host
    while [ -n "${left// /}" ]; do
        read -r word host <&7
        if [ "$word" != "$1" ]; then
            echo "$word $host"
            read -r _ || exit # keep what there is to look at
        fi
        left=" $left "
        left=${left/ $host / }
    done
}

# child PID: the process that an unshare has started, which is in all the new namespaces
child() {
    local pid=
    until [ -n "$pid" ]; do
        sleep 0.005
        read -r pid _ <"/proc/$1/task/$1/children" || : # the line has no end
    done
    echo "$pid"
}

# plug HOST PID NETWORK: give the host a cable to the network
plug() {
    local outside=$3-$1
    if [ "$1" = client ] && [ "$BED_DELAY" != 0 ]; then
        # a file of /dev/net/tun belongs to the network namespace in which it was opened
        exec 5<>/dev/net/tun 6>/mnt/delay.log
        nsenter --target "$2" --net bash -c 'exec 4<>/dev/net/tun "$@"' - \
            "$BED_PYTHON" "$here/delay.py" "$outside" "$3" "$BED_DELAY" </dev/null >&6 2>&1 7>&- 8>&- &
        until ip link show dev "$outside" >/dev/null 2>&1; do sleep 0.005; done
        exec 5>&- 6>&-
        until nsenter --target "$2" --net ip link show dev "$3" >/dev/null 2>&1; do sleep 0.005; done
    else
        ip link add name "$outside" type veth peer name "$3" netns "$2"
    fi
    ip link set "$outside" master "$3" up
}

for host in $BED_HOSTS; do
    mkfifo -m 600 "/mnt/hosts/$host/go"
    unshare --net --uts --ipc --pid --mount --fork --kill-child \
        bash "$here/host.sh" "$host" </dev/null >"/mnt/hosts/$host/console.log" 2>&1 5>&- 7>&- 8>&- &
    pids[$!]=$host
done
for parent in "${!pids[@]}"; do
    host=${pids[$parent]}
    pid=$(child "$parent")
    case $host in
        client) networks=wan ;;
        login*) networks='wan lan' ;;
        *) networks=lan ;;
    esac
    for network in $networks; do plug "$host" "$pid" "$network"; done
    echo go >"/mnt/hosts/$host/go"
done
await ready
echo ready
read -r _ || exit 0
