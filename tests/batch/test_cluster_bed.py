"""The cluster bed itself: what the tests of clusters take for granted about it."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import cluster as clusters
import pexpect
import pytest
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

PATIENCE = 30.0  # seconds in which a scheduler must have looked at its queue; it takes 2
SOCKET = "import socket; s = socket.socket(socket.AF_UNIX); "


def has_job(bed: Cluster, state: str, node: str = "") -> Callable[[], bool]:
    """Return the question whether a job in this state is in the queue."""
    return lambda: any(job.state == state and node in job.node for job in bed.jobs())


def test_hosts_are_separate_and_share_a_home_as_nfs_does(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none", login2=True)
    for host in bed.options.hosts:
        assert bed.on(host, "uname -n; pwd; id -un").stdout.split() == [host, "/home/ada", "ada"]
        bed.on(host, f"touch /tmp/of-{host}")
        assert bed.on(host, "ls /tmp/of-*").stdout == f"/tmp/of-{host}\n"
        # the laptop has no scheduler, and here the cluster has none
        assert bed.on(host, "command -v sbatch squeue qsub").stdout == ""
    bed.on("c1", "echo text >file")
    assert bed.on("login2", "cat file").stdout == "text\n"
    listen = f"{SOCKET}s.bind('sock'); s.listen(); import time; time.sleep(600)"
    bed.on("c1", f'nohup python3 -c "{listen}" >/dev/null 2>&1 &')
    connect = f"python3 -c \"{SOCKET}s.connect('sock')\""
    beds.until(lambda: bed.on("c1", connect).returncode == 0, "the host that made the socket connects to it")
    assert bed.on("login", "test -S sock && echo a socket").stdout == "a socket\n"
    assert "ConnectionRefusedError" in bed.on("login", connect).stderr
    assert not (bed.client_home / "file").exists()


def test_the_user_reaches_the_cluster_with_plain_ssh(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none", login2=True)
    assert bed.run("ssh", "login", "cat; uname -n; exit 7", stdin="through\n").stdout == "through\nlogin\n"
    assert bed.run("ssh", "cluster", "uname -n").stdout == "login\n"
    assert (bed.logins("login"), bed.logins("login2")) == (2, 0)
    bed.lead_to("login2")
    assert bed.run("ssh", "cluster", "uname -n").stdout == "login2\n"
    assert bed.run("ssh", "login", "ssh c1 uname -n").stdout == "c1\n"
    assert (bed.logins("login"), bed.logins("login2"), bed.logins("c1")) == (3, 1, 1)
    # nobody's laptop knows the nodes
    assert "Could not resolve" in bed.run("ssh", "-o", "BatchMode=yes", "c1", "true").stderr
    terminal = bed.ssh("-t", "login", "tty; stty size")
    terminal.expect(r"/dev/pts/\d+\r\n40 160\r\n")
    terminal.expect(pexpect.EOF)


def test_programs_of_this_environment_run_on_every_host(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none")
    assert bed.nbssh("--version").stdout.startswith("nbssh ")
    done = bed.on("c2", f"test -x '{bed.jupyter}' && '{beds.BIN}/python' -c 'import jupyter_core; print(1)'")
    assert done.stdout == "1\n", done.stderr
    bed.run("sh", "-c", '"$BROWSER" http://127.0.0.1:1/; xdg-open http://127.0.0.1:2/')
    assert bed.opened == ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]
    port = free_port()  # nobody has it out here
    server = bed.spawn("python3", "-m", "http.server", "--bind", "127.0.0.1", str(port))
    server.expect_exact("Serving HTTP")
    with bed.network():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=10).connect()


def test_slurm_runs_holds_and_refuses_jobs(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    bed.on("login", "sbatch --job-name=one --nodelist=c2 --wrap='uname -n; sleep 100'")
    beds.until(has_job(bed, "RUNNING", "c2"), "the job runs", PATIENCE)
    beds.until(lambda: bed.on("login", "cat slurm-1.out").stdout == "c2\n", "the job has written its log")
    beds.until(lambda: "sleep 100" in bed.running("c2").values(), "the job's processes are seen on its node")
    assert not bed.running("c1")
    assert bed.on("login", "sbatch --partition=later --wrap=true").returncode == 0
    assert [job.reason for job in bed.jobs() if job.partition == "later"] == ["PartitionDown"]
    for partition, word in (("closed", "inactive"), ("no-such", "invalid partition")):
        refused = bed.on("login", f"sbatch --partition={partition} --wrap=true")
        assert (refused.returncode, word in refused.stderr) == (1, True), refused.stderr
    # 24.11 takes it and lets it wait for ever
    others = bed.on("login", "sbatch --partition=others --wrap=true")
    waits = bed.on("login", "squeue --all --noheader --partition=others --format=%r").stdout
    assert "not permitted" in others.stderr or "not in group permitted" in waits or waits == "None\n", others.stderr
    bed.on("login", "scancel --partition=others --user=ada")
    bed.on("login", "scancel --name=one")
    beds.until(lambda: not bed.running("c2"), "nothing of the job stays on the node")
    bed.root_on("login", "scontrol update partitionname=later state=up")
    beds.until(lambda: not bed.jobs(), "the other job runs now, and ends", PATIENCE)


def test_torques_commands_reach_slurm(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    bed.write(bed.cluster_home / "script", "#!/bin/sh\nsleep 100\n")  # these take none from stdin
    assert bed.on("login", "qsub -N one script").stdout == "1\n"
    assert [(job.name, job.partition) for job in bed.jobs()] == [("one", "main")]
    assert "\tJob_Name = one\n" in bed.on("login", "qstat -f 1").stdout
    bed.on("login", "qdel 1")
    beds.until(lambda: not bed.jobs(), "the job is gone")


def test_grid_engine_runs_holds_and_refuses_jobs(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="gridengine")
    assert bed.on("client", "command -v qsub").stdout == ""
    assert bed.on("login", "command -v sbatch").stdout == ""
    script = "uname -n; echo $JOB_ID; sleep 100\n"
    assert bed.on("login", "qsub -terse -N one -cwd -j y -q main.q@c2", stdin=script).stdout == "1\n"
    assert bed.on("login", "qsub -q later.q -b y true").returncode == 0
    assert "unknown queue" in bed.on("login", "qsub -q none.q -b y true").stderr
    beds.until(lambda: bed.on("login", "cat one.o1").stdout == "c2\n1\n", "the job runs and writes its log", PATIENCE)
    listing = bed.on("login", "qstat -xml").stdout
    assert "<queue_name>main.q@c2</queue_name>" in listing
    assert "<state>qw</state>" in listing
    bed.on("login", "qdel 1")
    beds.until(lambda: not bed.running("c2"), "nothing of the job stays on the node")
    assert bed.root_on("login", "qmod -e later.q").returncode == 0
    beds.until(lambda: bed.on("login", "qstat").stdout == "", "the other job runs now, and ends", PATIENCE)


@pytest.mark.parametrize(
    ("scheduler", "submit", "said", "cancel"),
    [("openpbs", "qsub", "1.pbs01\n", "qdel 1"), ("lsf", "bsub", "Job <1> is submitted", "bkill 1")],
)
def test_fakes_run_jobs_on_the_nodes(
    make_cluster: Callable[..., Cluster], scheduler: str, submit: str, said: str, cancel: str
) -> None:
    bed = make_cluster(scheduler=scheduler)
    assert bed.on("login", submit, stdin="uname -n >here\nsleep 987\n").stdout.startswith(said)
    beds.until(lambda: bed.on("login", "cat here").stdout == "c1\n", "the job runs", PATIENCE)
    beds.until(lambda: "sleep 987" in bed.running("c1").values(), "the job's processes are seen on its node")
    bed.on("login", cancel)
    beds.until(lambda: "sleep 987" not in bed.running("c1").values(), "the job is gone")


def test_only_a_job_opens_the_nodes_door(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(adopt=True)
    bed.write(bed.client_home / ".ssh/known_hosts", (bed.client_home / ".ssh/known_hosts").read_text() + bed.node_keys)
    refused = bed.run("ssh", "-J", "login", "c1", "true")
    assert "no active jobs on this node" in refused.stderr
    bed.on("login", "sbatch --nodelist=c1 --wrap='sleep 100'")
    beds.until(has_job(bed, "RUNNING", "c1"), "the job runs", PATIENCE)
    assert bed.run("ssh", "-J", "login", "c1", "uname -n").stdout == "c1\n"
    assert "no active jobs on this node" in bed.run("ssh", "-J", "login", "c2", "true").stderr
    bed.on("login", "scancel --user=ada")
    beds.until(lambda: "no active jobs" in bed.run("ssh", "-J", "login", "c1", "true").stderr, "the door is shut again")


def test_doors_can_be_shut(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none", login_sshd=["AllowTcpForwarding no"], node_sshd=False, password="geheim é")
    assert "Permission denied" in bed.run("ssh", "-o", "BatchMode=yes", "login", "true").stderr
    session = bed.ssh("-M", "-S", "/tmp/master", "login", "echo in; cat")
    session.expect("assword:")
    session.sendline("geheim é")
    session.expect_exact("in\r\n")
    assert bed.logins() == 1
    forward = ("-o", "ExitOnForwardFailure=yes", "-W", "c1:22")
    assert "refused by peer" in bed.run("ssh", "-S", "/tmp/master", *forward, "login").stderr
    assert "refused" in bed.on("login", "ssh -o BatchMode=yes c1 true").stderr
    session.sendcontrol("d")
    session.expect(pexpect.EOF)


def test_homes_can_be_full_and_nodes_can_die(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none", home_size="1m")
    assert "No space left" in bed.on("c1", "head -c 2000000 /dev/zero >big").stderr
    bed.on("c2", "nohup sleep 987 >/dev/null 2>&1 &")
    beds.until(lambda: "sleep 987" in bed.running("c2").values(), "the process is seen on the node")
    bed.power_off("c2")
    beds.until(lambda: not bed.running("c2"), "the node is off")
    assert bed.on("login", "ssh -o ConnectTimeout=1 c2 true").returncode == 255


def test_the_way_to_a_far_cluster_is_long(make_cluster: Callable[..., Cluster]) -> None:
    """No figure of a busy machine: a round trip can take longer than the cable's, never less."""
    bed = make_cluster(scheduler="none", delay_ms=40)
    connect = "import socket, time; a = time.monotonic(); socket.create_connection(('login.bed', 22)); "
    took = float(bed.run("python3", "-c", f"{connect}print(time.monotonic() - a)").stdout)
    assert took >= 0.08
    near = connect.replace("login.bed", "c1")

    def is_near() -> bool:
        return float(bed.on("login", f'python3 -c "{near}print(time.monotonic() - a)"').stdout) < 0.08

    beds.until(is_near, "inside the cluster nothing is delayed")


def test_two_stand_side_by_side_and_leave_nothing(make_cluster: Callable[..., Cluster]) -> None:
    def outside() -> set[str]:
        """Return what a bed mounts and its interfaces, if they were to be seen here; the rest is other people's."""
        links = subprocess.run(["ip", "-oneline", "link"], capture_output=True, text=True, check=True).stdout
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        found = {point for point in mounts if point.startswith(("/mnt", "/home", "/srv", "/etc", "/var/log", "/usr"))}
        return found | set(re.findall(r"\b(?:wan|lan)[\w-]*", links))

    before = outside()
    bed = make_cluster(scheduler="none")
    with clusters.cluster(scheduler="none") as other:
        assert other.run("ssh", "login", "touch mine; uname -n").stdout == "login\n"
        assert not (bed.cluster_home / "mine").exists()
        assert outside() <= before
        spaces = {Path(f"/proc/{pid}/ns/pid").readlink() for pid in other.room.pids.values()}
    assert bed.run("ssh", "login", "uname -n").stdout == "login\n"
    assert not spaces & {Path(entry).readlink() for entry in Path("/proc").glob("[0-9]*/ns/pid") if entry.is_symlink()}
    assert outside() <= before


def test_users_that_come_and_go_on_this_machine_change_nothing(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="none")
    with beds.unix_user("/bin/sh"):
        assert [bed.on(host, "id -un").stdout for host in bed.options.hosts] == ["ada\n"] * len(bed.options.hosts)
    assert bed.run("ssh", "login", "id -un").stdout == "ada\n"


def test_nothing_outlives_a_pytest_that_was_killed() -> None:
    beds.needs_root()
    program = (
        "import sys, time, cluster\n"
        "with cluster.cluster() as bed:\n"
        "    bed.on('login', 'nohup sleep 987 >/dev/null 2>&1 &')\n"
        "    print(*bed.room.pids.values(), bed.room.pid, flush=True)\n"
        "    time.sleep(100)\n"
    )
    command = [sys.executable, "-c", program]
    env = {**os.environ, "PYTHONPATH": f"{beds.REPOSITORY}/tests:{beds.REPOSITORY}/tests/batch"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as pytest_:
        assert pytest_.stdout
        pids = [int(word) for word in pytest_.stdout.readline().split()]
        pytest_.kill()
    assert len(pids) == 5
    beds.until(lambda: not any(beds.is_running(pid) for pid in pids), "all its hosts are gone")


def test_what_the_user_leaves_running_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beds, "GRACE", 0.3)

    def leave() -> None:
        with clusters.cluster(scheduler="none") as bed:
            bed.on("login", "nohup sleep 987 >/dev/null 2>&1 &")
            # while a program is loaded it has no command line
            beds.until(lambda: "sleep 987" in bed.running("login").values(), "it runs")

    with pytest.raises(pytest.fail.Exception, match=r"login: sleep 987"):
        leave()
