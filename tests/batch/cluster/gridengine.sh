#!/bin/bash
# Starts Grid Engine on one host of a cluster bed and, on the login node, tells it what the cluster is like.
# Argument: the host's name. SGE_ROOT is shared by the hosts, as sites do it.
set -eu
host=$1
export SGE_ROOT=/var/lib/gridengine SGE_CELL=default

as_admin() { setpriv --reuid=sgeadmin --regid=sgeadmin --clear-groups "$@"; }

case $host in
    login) ;;
    login*) exit 0 ;;
    *)
        # one that comes too early tries again seconds later
        until [ -e "$SGE_ROOT/ready" ]; do sleep 0.02; done
        sge_execd
        exit 0
        ;;
esac

as_admin /usr/share/gridengine/scripts/init_cluster "$SGE_ROOT" "$SGE_CELL" /var/spool/gridengine/spooldb sgeadmin
sge_qmaster
until as_admin qconf -sh >/dev/null 2>&1; do sleep 0.02; done

# what qconf takes it takes from files
files=$(as_admin mktemp -d)
# declare OPTION NAME: hand what is on stdin to qconf
declare_as() {
    as_admin tee "$files/$2" >/dev/null
    as_admin qconf "$1" "$files/$2"
}
as_admin qconf -as login,login2 || as_admin qconf -as login
as_admin qconf -ah c1,c2
for node in c1 c2; do
    declare_as -Ae "$node" <<END
hostname $node
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
END
done
declare_as -Ahgrp group <<END
group_name @allhosts
hostlist c1 c2
END
# jobs of `later` wait until `qmod -e later.q`; an unknown queue is refused
for name in main later; do
    as_admin qconf -sq | sed -e "s/^qname .*/qname $name.q/" -e 's/^hostlist .*/hostlist @allhosts/' \
        -e 's/^slots .*/slots 2/' -e 's/^pe_list .*/pe_list NONE/' -e 's#^shell .*#shell /bin/bash#' \
        -e 's/^load_thresholds.*/load_thresholds NONE/' -e 's/^notify .*/notify 00:00:02/' |
        declare_as -Aq "$name"
done
as_admin qmod -d later.q
# a job that can run runs as soon as it is there
as_admin qconf -ssconf | sed -e 's/^schedule_interval.*/schedule_interval 0:0:1/' \
    -e 's/^flush_submit_sec.*/flush_submit_sec 1/' -e 's/^flush_finish_sec.*/flush_finish_sec 1/' |
    declare_as -Msconf scheduler
touch "$SGE_ROOT/ready"
