#!/bin/bash
# PID 1 of one host of a cluster bed. Argument: the host's name. Lives in fresh net, uts, ipc, pid and mount namespaces;
# what the room has for it lies below /mnt, which is taken away before the first daemon starts.
set -eu
host=$1
own=/mnt/hosts/$host
exec 8>/mnt/events 9<>/mnt/never
trap 'echo "failed $host" >&8' EXIT

hostname "$host"
mount -t proc proc /proc
# A mount on the machine's own /etc/passwd would go when useradd or userdel puts a new file in its place.
mount -t overlay -o lowerdir=/mnt/etc:/etc overlay /etc
scheduler=$BED_SCHEDULER
[ "$host" != client ] || scheduler=none
case $scheduler in
    slurm)
        mount --bind /mnt/etc/slurm /etc/slurm
        mount --bind /mnt/etc/munge /etc/munge
        ;;
    none) mount -t overlay -o lowerdir=/mnt/without:/usr overlay /usr ;;
    *) mount -t overlay -o lowerdir=/mnt/rights:/mnt/with:/mnt/without:/usr overlay /usr ;;
esac
if [ "$scheduler" = gridengine ]; then
    mount -t overlay -o lowerdir=/mnt/var-lib:/var/lib overlay /var/lib
    mount --bind /mnt/gridengine /var/lib/gridengine
fi
if [ "$scheduler" = oar ]; then
    mount -t overlay -o lowerdir=/mnt/var-lib:/var/lib overlay /var/lib
    mount --bind "$own/oar" /var/lib/oar
fi
[ "$host" != client ] || mount --bind /mnt/etc/hosts-client /etc/hosts
mount --bind "$own/ssh" /etc/ssh
mount --bind "$own/log" /var/log
mount --bind "$own/spool" /var/spool
mount --bind "$own/srv" /srv
[ ! -e "$own/pam" ] || mount --bind "$own/pam" /etc/pam.d/sshd
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd /run/munge /run/lock /run/user
for folder in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "$folder"; done

if [ "$host" = client ]; then
    mount --bind /mnt/home-client /home
else
    # As NFS shares it: every host sees a socket in it, and only the host that made it can connect to it.
    # Through a plain bind mount each could. direct_io: who reads a file while another host puts a new one in its place
    # reads the old or the new one, not the new one up to the old one's length.
    case $host:$BED_NODE_HOME in
        c*:missing) mount -t tmpfs -o mode=755 tmpfs /home ;;
        c*:readonly) bindfs -o allow_other,nonempty,direct_io,ro /mnt/home-cluster /home ;;
        *) bindfs -o allow_other,nonempty,direct_io /mnt/home-cluster /home ;;
    esac
    # a work file system, which the nodes can write in any case
    mkdir -p /mnt/wide/ada /srv/wide
    chown ada: /mnt/wide/ada
    bindfs -o allow_other,nonempty,direct_io /mnt/wide /srv/wide
    # as every distribution mounts it: without group tty only root's sshd could give a terminal
    mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
    [ "$(readlink /dev/ptmx)" = pts/ptmx ] || mount --bind /dev/pts/ptmx /dev/ptmx
fi

# what every user must be able to read: the repository and its environments, at the paths they know themselves by
while read -r what path; do
    case $what in
        open) [ ! -d "$path" ] || mount -t tmpfs -o mode=755 tmpfs "$path" ;;
        *)
            mkdir -p "$path"
            mount --bind "/mnt/visible/$what" "$path"
            mount -o remount,bind,ro "$path"
            ;;
    esac
done </mnt/visible/list

read -r _ <"$own/go" # the cables are plugged in
cd /
umount --lazy /mnt
ip link set lo up
number=$(awk -v name="$host" '$2 == name { split($1, part, "."); print part[4] }' /etc/hosts)
for network in wan:10.77.1 lan:10.77.2; do
    device=${network%:*}
    [ -e "/proc/sys/net/ipv4/conf/$device" ] || continue
    ip address add "${network#*:}.$number/24" dev "$device"
    ip link set "$device" up
done
echo 0 >/proc/sys/net/ipv4/ip_forward

# reaches HOST PORT: something listens there
reaches() { (: 2>/dev/null <>"/dev/tcp/$1/$2") 2>/dev/null; }

case $host in
    client)
        # the first packet of a connection would pay for finding the neighbour, too
        until reaches "$BED_LOGIN" 22; do sleep 0.01; done
        ;;
    login*) /usr/sbin/sshd -E /var/log/sshd.log ;;
    *) [ "$BED_NODE_SSHD" = 0 ] || /usr/sbin/sshd -E /var/log/sshd.log ;;
esac
case $scheduler in
    slurm) bash "$BED_PARTS/slurm.sh" "$host" ;;
    gridengine) bash "$BED_PARTS/gridengine.sh" "$host" ;;
    oar) bash "$BED_PARTS/oar.sh" "$host" ;;
    openpbs | lsf | flux | pjm)
        case $host in
            c*)
                setpriv --reuid=ada --regid=ada --init-groups env --chdir=/ HOME=/home/ada \
                    python3 "$BED_FAKES/batch.py" node /home/.queue </dev/null &
                ;;
            *) ;;
        esac
        ;;
    *) ;;
esac
trap - EXIT
echo "ready $host" >&8
exec 8>&-
read -r _ <&9 || : # for ever; whatever ends on this host is reaped here
