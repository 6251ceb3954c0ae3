#!/bin/bash
# Starts OAR on one host of a cluster bed: its database and its server on the login node, on a node the sshd by which
# the server starts jobs. Argument: the host's name.
set -eu
host=$1
case $host in
    login) ;;
    login*) exit 0 ;;
    *)
        /usr/sbin/sshd -f /etc/oar/sshd_config -E /var/log/oar-sshd.log
        exit 0
        ;;
esac

as_oar() { setpriv --reuid=oar --regid=oar --init-groups env HOME=/var/lib/oar "$@"; }
data=/var/spool/oar
mkdir "$data"
touch /var/log/oar.log /var/log/database.log
chown oar: "$data" /var/log/oar.log /var/log/database.log
for tools in /usr/lib/postgresql/*/bin; do :; done
as_oar "$tools/initdb" --pgdata="$data" --username=oar --auth=trust --encoding=UTF8 --locale=C --no-sync >/dev/null
echo 'host all all 10.77.2.0/24 trust' >>"$data/pg_hba.conf"
as_oar "$tools/pg_ctl" --pgdata="$data" --wait --log=/var/log/database.log \
    --options='-c listen_addresses=* -c unix_socket_directories= -c fsync=off' start >/dev/null
as_oar "$tools/psql" --host=127.0.0.1 --quiet --dbname=postgres --command='CREATE ROLE oar_ro LOGIN' \
    --command='CREATE DATABASE oar'
{
    cat /usr/lib/oar/database/{pg_structure,pg_default_admission_rules,default_data}.sql
    echo 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO oar_ro;'
    # what `oarnodesetting -a -h NODE` writes, without the seconds of two starts
    for node in c1 c2; do
        echo "INSERT INTO resources (network_address, state) VALUES ('$node', 'Alive');"
    done
} | as_oar "$tools/psql" --host=127.0.0.1 --quiet --dbname=oar
/usr/sbin/oar-server
until (: <>/dev/tcp/login/6666) 2>/dev/null; do sleep 0.02; done
