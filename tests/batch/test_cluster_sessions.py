"""Sessions in batch jobs, on a real Slurm: the ways to a node, the queue, the end of a job, and who gets in."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
from bed import REPOSITORY, until
from serving import UP, ended, fake_program, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

CLUSTERS = (REPOSITORY / "docs/clusters.md").read_text(encoding="utf-8")
PROFILE = ".config/nbssh/profiles/gpu.toml"


def misbehave(bed: Cluster, **how: Any) -> None:  # noqa: ANN401  anything JSON knows
    """Tell the next fake Jupyter what to do wrong; at its end it has a kernel to stop, as one that was used has."""
    bed.write(bed.cluster_home / "fake.json", json.dumps({"ends": 0.3} | how))


def add_words(bed: Cluster, *words: str, kind: str = "slurm") -> tuple[str, ...]:
    """Return the command that adds the profile `gpu` with a fake Jupyter, which this puts on the cluster."""
    program = bed.write(bed.cluster_home / "bin/jupyter-lab", fake_program("/usr/bin/python3"), 0o755)
    misbehave(bed)
    name = f"/home/ada/{program.relative_to(bed.cluster_home)}"
    return ("add", "gpu", "cluster", "--scheduler", kind, "--token", "--yes", "--jupyter", name, *words)


def add(bed: Cluster, *words: str) -> str:
    """Add the profile `gpu`; return what was said."""
    return bed.nbssh(*add_words(bed, *words), timeout=120).stderr


def add_by(bed: Cluster, way: str, *words: str) -> str:
    """Add the profile with its way declared; return what was said."""
    add(bed, "--offline", *words)
    path = bed.client_home / PROFILE
    bed.write(path, path.read_text().replace("[scheduler]\n", f'[scheduler]\nvia = "{way}"\n'), 0o600)
    return bed.nbssh("apply", "gpu", "--yes", timeout=120).stderr


def way_of(bed: Cluster) -> str:
    """Return the way that was found."""
    found = re.search(r'\[server\](?:.|\n)*^via = "(\w+)"', (bed.client_home / PROFILE).read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def start(bed: Cluster, *options: str) -> pexpect.spawn[str]:
    """Run `ssh gpu-nb` in a terminal until it says that all is ready."""
    session = bed.ssh(*options, "gpu-nb", timeout=90)
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    return session


def detach(bed: Cluster, session: pexpect.spawn[str]) -> None:
    session.sendintr()
    status, words = ended(session)
    assert (status, "the server keeps running" in words) == (0, True), words
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-nb")


def serve_board(bed: Cluster, port: int) -> None:
    """Let a page listen on a port of the node's own loopback."""
    program = f"python3 -m http.server {port} --bind 127.0.0.1"
    bed.on("c1", f"mkdir -p w; cd w; echo '{{}}' >api; setsid {program} </dev/null >/dev/null 2>&1 &")


def page(bed: Cluster, port: int = 0) -> dict[str, Any]:
    """Return what the server answers through the tunnel, or what another port here leads to."""
    port = port or tomllib.loads((bed.client_home / PROFILE).read_text())["port"]
    with bed.network():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.connect()
    connection.request("GET", "/api")
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def state(bed: Cluster) -> dict[str, Any]:
    """Return `nbssh status --json` of the profile."""
    row: dict[str, Any] = json.loads(bed.nbssh("status", "gpu", "--json").stdout)["profiles"][0]
    return row


def logins(bed: Cluster) -> tuple[int, int]:
    """Return how many authentications the login node has accepted, and how many a node's own sshd or a job's has."""
    jobs = bed.cluster_home / ".local/state/nbssh/gpu/sshd.log"
    inside = jobs.read_text().count("Accepted publickey for ada ") if jobs.exists() else 0
    return bed.logins(), inside + sum(bed.logins(node) for node in ("c1", "c2"))


def is_gone(bed: Cluster) -> Callable[[], bool]:
    return lambda: not bed.jobs()


def fill(bed: Cluster) -> None:
    """Let another job hold both nodes."""
    bed.on("login", "sbatch --nodes=2 --exclusive --job-name=other --output=/dev/null --wrap='sleep 600'")
    until(lambda: [job.state for job in bed.jobs()] == ["RUNNING"], "the nodes are taken")


def figures(line: str) -> str:
    """Return a line without what differs from run to run: numbers, times, versions, which of two nodes it is."""
    return re.sub(r"\d+(\.\d+)*", "N", line.strip())


WAYS = {
    # ssh into a node only while a job runs there, and a login node that forwards nothing
    "node": {"adopt": True, "login_sshd": ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"]},
    # nobody gets into a node but through Slurm
    "srun": {"node_sshd": False, "login_sshd": ["DisableForwarding yes"]},
    # neither
    "relay": {"node_sshd": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_job_is_submitted_found_again_and_cancelled(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**WAYS[way])
    options = ("--job-option=--time=0:30:00", "--job-option=--comment=x y", "--also", "6006")
    words = add_by(bed, way, "--also", "6006") if way == "relay" else add(bed, *options)
    serve_board(bed, 6006)
    assert f'(via = "{way}")' in words
    assert way_of(bed) == way
    assert logins(bed) == (1, 1)
    until(is_gone(bed), "the job that tried the ways is gone")
    first = start(bed)
    assert "submitted job 2; Ctrl-C leaves it there" in said(first)
    assert "JupyterLab (server 9.8.7) started on c1 in job 2" in said(first)
    assert re.search(r"job 2 runs on c[12], (30 min|10 min) left", said(first))
    assert page(bed)["version"] == "9.8.7"
    assert "also http://127.0.0.1:6006/" in said(first)
    assert page(bed, 6006) == {}
    seen = json.loads((bed.cluster_home / "seen.json").read_text())
    own = bed.on("login", "umask; echo ${LC_ALL-none}").stdout.split()
    assert (f"{seen['umask']:04o}", seen["env"].get("LC_ALL", "none")) == tuple(own)
    assert not {name for name in seen["env"] if name.startswith(("SSH_", "NBSSH_"))}
    assert [(job.name, job.state) for job in bed.jobs()] == [("nbssh-gpu", "RUNNING")]
    until(lambda: bed.opened, "the browser is called")
    assert (state(bed)["state"], state(bed)["host"]) == ("running", bed.jobs()[0].node)
    assert logins(bed) == (2, 2)
    bed.on("login", 'cd .local/state/nbssh/gpu; echo "2 $(($(date +%s) + 90))" >job.until')
    first.expect_exact("\033]0;gpu: JupyterLab on c1\007")
    first.expect_exact("\007")
    first.expect(r"job 2 ends in [12] min, and JupyterLab with it: save your work")
    detach(bed, first)
    row = state(bed)
    assert (row["state"], row["host"], row["job"]["id"], row["job"]["state"]) == ("running", "c1", "2", "RUNNING")
    assert bed.run("nbssh", "doctor", "gpu").returncode == 0
    assert logins(bed) == (4, 2)
    again = start(bed)
    assert logins(bed) == (5, 3)
    assert "submitted" not in said(again)
    assert "JupyterLab (server 9.8.7) runs on c1 since 2" in said(again)
    assert page(bed)["version"] == "9.8.7"
    again.sendline("k")
    status, last = ended(again)
    assert (status, "stopping JupyterLab on c1" in last) == (0, True), last
    until(is_gone(bed), "the job has ended with its server")
    detach(bed, start(bed))
    # some Slurms give the doctor's question whether they would take the job a number, too
    job, done = bed.jobs()[0], bed.run("ssh", "gpu-nb-kill")
    assert (done.returncode, done.stdout) == (0, f"nbssh: cancelled job {job.id}, which was RUNNING on c1\n")
    assert logins(bed) == (7, 4)
    assert state(bed)["state"] == "stopped"
    assert bed.run("ssh", "gpu-nb-kill").stdout == "nbssh: not running\n"
    bed.nbssh("remove", "gpu")
    assert bed.on("login", "find ~/.local -path '*nbssh*'").stdout == ""
    assert not list(bed.client_home.glob(".ssh/nbssh.d/gpu*"))


def test_while_a_session_is_open_kill_needs_no_login(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(adopt=True)
    add(bed)
    session = start(bed)
    logins = bed.logins()
    done = bed.run("ssh", "gpu-nb-kill")
    assert (done.returncode, "stopping JupyterLab on c1" in done.stdout) == (0, True), done
    assert bed.logins() == logins
    ended(session)
    until(is_gone(bed), "the job is gone")


def test_the_queue_is_shown_and_left_and_cancelled(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    fill(bed)
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect(r"job 3 PENDING \((Resources|Priority)\) \d+ s")
    row = state(bed)
    assert (row["state"], row["job"]["state"], row["job"]["node"]) == ("queued", "PENDING", "")
    table = bed.nbssh("status").stdout
    assert re.search(r"gpu +- +queued \((Resources|Priority)\) +- ", table), table
    session.sendintr()
    ended(session)
    waiting = [job for job in bed.jobs() if job.name == "nbssh-gpu"]
    assert [(job.id, job.state) for job in waiting] == [("3", "PENDING")]
    until(lambda: not [line for line in bed.running("login").values() if "/job " in line], "nothing waits any more")
    # the ssh that waits ends, and not what it started
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect(r"job 3 PENDING[^\r]* 4 s")
    for pid in [pid for pid, line in bed.running("client").items() if line.startswith("ssh gpu-nb")]:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not [line for line in bed.running("login").values() if "/job " in line], "nothing waits any more")
    # found again, and cancelled under its hands
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect_exact("nbssh: job 3 waits already; Ctrl-C leaves it there, ssh gpu-nb-kill cancels it")
    session.expect("job 3 PENDING")
    bed.on("login", "scancel 3")
    status, last = ended(session)
    assert status != 0
    assert "nbssh: error: job 3 was cancelled before it could be used" in last
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect("job 4 PENDING")
    done = bed.run("ssh", "-S", "none", "gpu-nb-kill")
    assert done.stdout == "nbssh: cancelled job 4, which was PENDING\n"
    assert ended(session)[0] != 0


def test_the_session_in_the_docs_is_what_happens(make_cluster: Callable[..., Cluster]) -> None:
    block = CLUSTERS.split("$ ssh gpu-nb\n")[1].split("```")[0]
    bed = make_cluster()
    add(bed, "--job-option=--time=8:00:00")
    until(is_gone(bed), "the job that tried the ways is gone")
    fill(bed)
    session = bed.ssh("gpu-nb", timeout=90)
    session.expect(r"PENDING \(Resources\) \d+ s")
    shown = said(session)
    bed.on("login", "scancel --name=other")
    session.expect(r"so does: ssh gpu-nb-kill\)\r\n")
    shown += said(session)
    seen = [figures(line) for line in re.split(r"[\r\n]+", shown) if line.strip()]
    # a line that is written over and over
    seen = [line for line, after in itertools.pairwise([*seen, ""]) if "PENDING" not in after or "PENDING" not in line]
    assert seen == [figures(line) for line in block.splitlines()]
    assert bed.run("ssh", "gpu-nb-kill").returncode == 0
    ended(session)
    until(is_gone(bed), "the job is gone")


def test_a_job_that_fails_says_why(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    misbehave(bed, crash="fake jupyter will not start\n")
    session = bed.ssh("gpu-nb", timeout=60)
    status, last = ended(session)
    assert status != 0
    assert "fake jupyter will not start" in last, last
    assert re.search(r"nbssh: error: (JupyterLab did not start on c1|job 2 failed)", last), last
    until(is_gone(bed), "the job is gone")


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_takes_its_session_along_shows_its_log(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**WAYS[way])
    add_by(bed, way)
    session = start(bed)
    bed.on("login", "echo 'Out of memory: killed' >>~/.local/state/nbssh/gpu/c1/log")
    on_node = bed.running("c1")
    # launch says nothing any more, as where it is killed with the job
    for pid in [pid for pid, line in on_node.items() if "/launch gpu" in line]:
        os.kill(pid, signal.SIGSTOP)
    for pid in [pid for pid, line in on_node.items() if "jupyter-lab" in line]:
        os.kill(pid, signal.SIGKILL)
    status, last = ended(session)
    assert status != 0
    assert "job 2 failed" in last, last
    assert "Out of memory: killed" in last, last


def test_the_end_of_the_time_ends_the_session_with_that_word(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    session = start(bed)
    bed.root_on("login", "scontrol update jobid=2 timelimit=0")
    status, last = ended(session)
    assert status != 0
    assert "nbssh: error: job 2 has reached its time limit" in last, last
    assert not re.search(r"[^\r]\n", last), "a raw terminal's lines begin at its left"
    # who has left has her terminal for something else when the connection ends with the job
    until(is_gone(bed), "the job is gone")
    shell = bed.spawn("sh", "-c", "ssh gpu-nb; echo left; read word", timeout=60)
    shell.expect(UP)
    shell.send("k\r")
    shell.expect("stopping[^\r]*\r\n\x1b\\]0;\x07\x1b\\[23;0tleft\r\n")  # her title is there again
    until(lambda: not any(line.startswith("ssh") for line in bed.running("client").values()), "it ends")
    shell.sendline()
    assert ended(shell) == (0, "\r\n")


def test_a_job_that_is_put_back_is_told_by_a_session_that_outlives_it(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    for node in ("c1", "c2"):  # which would end the user's processes with her job
        bed.root_on(node, "mount --bind /bin/true /etc/slurm/epilog.sh")
    session = start(bed)
    bed.root_on("login", f"scontrol requeue {bed.jobs()[0].id}")
    status, last = ended(session)
    assert status == 1
    assert "nbssh: error: job 2 was put back into the queue\r\nnbssh: hint: wait for it again: ssh gpu-nb" in last, last
    assert "shut down" not in last
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


def test_what_is_away_is_told(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    session = start(bed)
    node = bed.jobs()[0].node
    bed.power_off(node)
    status, last = ended(session)
    assert status != 0
    assert f"nbssh: error: the connection to {node} was lost, and job 2 is said to run\r\nnbssh: hint" in last, last
    bed.root_on("login", "kill $(cat /run/slurmctld.pid)")
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect_exact("nbssh: Slurm does not answer yet")
    status, last = ended(session)
    assert status != 0
    assert "nbssh: error: Slurm does not answer on login\r\nnbssh: hint: try again in a minute: ssh gpu-nb" in last


def test_two_sessions_at_once_from_two_login_nodes_submit_one_job(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(login2=True)
    add(bed)
    alone = ("-S", "none", "-o", "ClearAllForwardings=yes", "gpu-nb")
    first = bed.ssh(*alone, timeout=60)
    until(lambda: bed.logins() == 2, "the first is on its login node")
    bed.lead_to("login2")
    second = bed.ssh(*alone, timeout=60)
    for session in (first, second):
        session.expect(UP)
    assert [job.name for job in bed.jobs() if job.state == "RUNNING"] == ["nbssh-gpu"]
    assert sum("submitted" in said(session) for session in (first, second)) == 1
    assert bed.logins("login2") == 1
    assert bed.run("ssh", "gpu-nb-kill").stdout.startswith("nbssh: cancelled job")
    for session in (first, second):
        ended(session)


def test_a_password_is_asked_for_once(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(password="correct horse", node_lines=["PubkeyAuthentication no"])
    adding = bed.spawn("nbssh", *add_words(bed), timeout=120)
    adding.expect("[Pp]assword: ")
    adding.sendline("correct horse")
    adding.expect("now type")
    assert ended(adding)[0] == 0
    assert (bed.logins(), way_of(bed)) == (1, "srun")
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect("[Pp]assword: ")
    session.sendline("correct horse")
    session.expect(UP)
    assert bed.logins() == 2
    assert page(bed)["version"] == "9.8.7"
    session.sendline("k")
    ended(session)


def test_a_node_with_another_key_is_refused(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    add(bed)
    known = bed.client_home / ".ssh/nbssh.d/gpu.known_hosts"
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4eq2FQ3m1uGR8cSs4bSRXJmCSwmMhWvSkcHSQSk0Va"
    bed.write(known, f"nbssh-gpu {key}\n", 0o600)
    config = bed.client_home / ".ssh/config"
    bed.write(config, config.read_text() + "Host *\n    StrictHostKeyChecking no\n", 0o600)
    session = bed.ssh("gpu-nb", timeout=60)
    status, last = ended(session)
    assert (status, "Host key verification failed" in last) == (255, True), last
    bed.run("ssh", "gpu-nb-kill")


def test_a_refused_job_is_seen_by_add_and_by_doctor(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(home_size="8m")
    done = bed.run("nbssh", *add_words(bed, "--job-option=--partition=nowhere"), timeout=60)
    assert done.returncode == 1
    assert "invalid partition" in done.stderr
    assert "Slurm does not take the job" in done.stderr
    assert bed.on("login", "find ~/.local -path '*nbssh/gpu*'").stdout == ""
    assert not (bed.client_home / PROFILE).exists()
    add(bed)
    bed.root_on("login", "scontrol update partition=main allowgroups=root")
    done = bed.run("nbssh", "doctor", "gpu")
    assert re.search(r"error +gpu +scheduler: Slurm would not take the job", done.stdout), done.stdout
    bed.root_on("login", "mount --bind /dev/null /usr/bin/sbatch")
    bed.on("login", "head -c 20000000 /dev/zero >full")
    done = bed.run("nbssh", "doctor", "gpu")
    assert re.search(r"error +gpu +scheduler: Slurm's sbatch was not found on login", done.stdout), done.stdout
    assert re.search(r"(error|warning) +gpu +disk:", done.stdout), done.stdout
    assert done.returncode == 1


def test_a_job_that_can_never_run_is_seen_by_add_and_by_doctor(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    bed.root_on("login", "scontrol update partition=main maxtime=1")
    done = bed.run("nbssh", *add_words(bed), timeout=60)
    assert done.returncode == 1, done.stderr
    assert re.search(r"error: job 1 would wait for ever \(Partition\w+\)", done.stderr), done.stderr
    done = bed.run("nbssh", *add_words(bed, "--job-option=--partition=nosuch"), timeout=60)
    refused = (
        "nbssh: error: Slurm does not take the job\nnbssh: hint: take other options: --job-option; once it is added: "
    )
    assert done.stderr.endswith(f"{refused}nbssh edit gpu: scheduler.options\n"), done.stderr
    until(lambda: not bed.jobs(), "the job that was tried is gone")
    bed.root_on("login", "scontrol update partition=main maxtime=10")
    add(bed)
    until(lambda: not bed.jobs(), "the job that was tried is gone")
    bed.root_on("login", "scontrol update partition=main maxtime=5")
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect(r"its partition (does not give what it asks for|gives); on login: ")
    session.expect_exact("it would wait for ever: ssh gpu-nb-kill, then nbssh edit gpu: scheduler.options")
    session.expect(r"job \d+ PENDING \(Partition\w+\)")
    done = bed.run("nbssh", "doctor", "gpu")
    said = " ".join(done.stdout.split())
    assert re.search(r"error gpu scheduler: the job in Slurm's queue would wait for ever: Partition\w+", said), said
    assert done.returncode == 1
    bed.nbssh("kill", "gpu")
    ended(session)


OTHERS = {
    # kind, whether ssh gets into the nodes, an option that ends the job after some seconds
    "gridengine": ("gridengine", True, ["--job-option=-l", "--job-option=h_rt=9"]),
    "slurm": ("pbs", True, []),  # through Torque's commands
    "openpbs": ("pbs", False, ["--job-option=-lwalltime=00:00:09"]),
    "lsf": ("lsf", False, []),
    "flux": ("flux", True, []),
    "oar": ("oar", False, []),
    "pjm": ("pjm", False, []),
}


@pytest.mark.parametrize("scheduler", OTHERS)
def test_other_schedulers(make_cluster: Callable[..., Cluster], scheduler: str) -> None:
    kind, node_sshd, limit = OTHERS[scheduler]
    bed = make_cluster(scheduler=scheduler, node_sshd=node_sshd)
    done = bed.run("nbssh", *add_words(bed, *limit, kind=kind), timeout=120)
    if scheduler == "slurm" and "but not on which node" in done.stderr:  # the qstat of Slurm 24.11 breaks off there
        assert done.returncode == 1
        assert "nbssh: hint: its commands are Slurm's here: take --scheduler slurm" in done.stderr
        until(lambda: not bed.jobs(), "the job that was tried is gone")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert way_of(bed) == ("node" if node_sshd else "relay")
    assert "ok" in re.findall(r"(\w+) +gpu +scheduler:", bed.run("nbssh", "doctor", "gpu").stdout)
    session = start(bed)
    assert re.search(r"submitted job \S+; Ctrl-C", said(session))
    assert page(bed)["version"] == "9.8.7"
    row = state(bed)
    assert (row["state"], row["host"] in {"c1", "c2"}) == ("running", True)
    if limit:
        status, last = ended(session)
        assert status != 0
        assert "has reached its time limit" in last, last
    else:
        detach(bed, session)
        assert state(bed)["host"] == row["host"]
        again = start(bed, "-S", "none")
        assert "submitted" not in said(again)
        done = bed.run("ssh", "gpu-nb-kill")
        assert re.fullmatch(rf"nbssh: cancelled job \S+, which was \S+ on {row['host']}\n", done.stdout), done.stdout
        ended(again)
    # a scheduler shows a job for a while whose processes have ended
    until(lambda: state(bed)["state"] == "stopped", "the job is gone")


def test_what_openpbs_says_of_jobs_that_end_or_wait(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="openpbs", node_sshd=False)
    behave = bed.queue / "behaviour.json"
    bed.write(behave, '{"pending": "Can Never Run: Insufficient amount of resource: ncpus (R: 64 A: 4 T: 4)"}')
    done = bed.run("nbssh", *add_words(bed, kind="pbs"), timeout=120)
    assert done.returncode == 1
    never = "job 1.pbs01 would wait for ever (Can Never Run: Insufficient amount of resource: ncpus (R: 64 A: 4 T: 4))"
    assert f"nbssh: error: {never}\nnbssh: hint: take other options: --job-option" in done.stderr
    # its execution daemon looks every few seconds whether a job has ended, and until then it runs
    bed.write(behave, '{"linger": 4}')
    bed.nbssh(*add_words(bed, kind="pbs"), timeout=120)
    until(lambda: not bed.on("login", "qselect").stdout, "the job that tried the ways is gone")
    session = start(bed)
    assert (bed.queue / "held").read_text() == "", "no daemon of a scheduler's holds the session's stream"
    assert "job 3.pbs01 of 'gpu': R on c" in bed.nbssh("job", "gpu").stdout
    assert "Job run at" not in bed.nbssh("job", "gpu").stdout
    session.sendline("k")
    ended(session)
    session = start(bed)
    assert "job 3.pbs01 is ending" in said(session)
    assert "in job 4.pbs01" in said(session)
    detach(bed, session)
    bed.run("ssh", "gpu-nb-kill")
    # what does not come by waiting alone
    bed.write(behave, '{"pending": "Queue not started."}')
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect_exact("nbssh: hint: its queue is closed at the moment; on login: qstat -Q")
    session.expect(r"job 5.pbs01 Q \(Queue not started.\) \d s \r")
    soon = json.dumps({"pending": "Not enough free nodes available", "expected": int(time.time()) + 1195})
    bed.write(behave, soon)
    session.expect(r"job 5.pbs01 Q \(Not enough free nodes available\) \d+ s, starts in about (19|20) min")
    bed.write(behave, '{"pending": "Not enough free nodes available", "expected": 1000000000}')
    session.expect(r"job 5.pbs01 Q \(Not enough free nodes available\) \d+ s \r")
    bed.write(behave, '{"down": true}')
    done = bed.run("nbssh", "job", "gpu")
    assert (done.returncode, done.stdout) == (1, "")
    assert "gets no answer to whether there is a job of 'gpu'" in done.stderr
    done = bed.run("nbssh", "doctor", "gpu")
    assert re.search(r"error +gpu +scheduler: PBS does not answer on login\n", done.stdout), done.stdout
    status, last = ended(bed.ssh("gpu-nb", timeout=60))
    assert (status, "nbssh: error: PBS does not answer on login" in last) == (255, True), last
    bed.write(behave, "{}")
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    detach(bed, session)
    bed.run("ssh", "gpu-nb-kill")
    # what is said where no stream comes ends the session, too
    bed.write(behave, '{"pending": "Not enough free nodes available"}')
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect(r"job 6.pbs01 Q")
    bed.on("login", "qdel 6")
    session.timeout = 20  # after 30 ssh itself would give up
    status, last = ended(session)
    assert status != 0
    assert "job 6.pbs01 was cancelled before it could be used" in last


def test_files_that_were_carried_over_by_hand_make_a_job(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(node_sshd=False)
    words = add_words(bed)[1:]
    bed.nbssh("render", *(word for word in words if word != "--yes"), "--to", "carried")
    assert bed.logins() == 0
    scp = "scp -r carried/server/.local cluster:"
    include = "{ echo 'Include nbssh.d/*.conf'; cat .ssh/config; } >config && cat config >.ssh/config"
    done = bed.run("sh", "-c", f"umask 022; cp -R carried/laptop/. . && {scp} && {include}")
    assert done.returncode == 0, done.stderr
    session = start(bed)
    assert "in job 1" in said(session)
    assert page(bed)["version"] == "9.8.7"
    session.sendline("k")
    ended(session)
    until(is_gone(bed), "the job has ended with its server")
