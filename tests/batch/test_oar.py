"""Sessions in jobs of a real OAR: what it says of jobs that wait, end or cannot be."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pexpect
from bed import until
from serving import UP, ended, said
from test_cluster_sessions import add_words, detach, misbehave, page, start, state, way_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

TIME = "--job-option=-lnodes=1,walltime=0:30"


def add(bed: Cluster) -> None:
    bed.nbssh(*add_words(bed, TIME, kind="oar"), timeout=120)
    until(lambda: queue(bed) == [], "the job that tried the ways is gone")
    until(lambda: not [*bed.running("c1"), *bed.running("c2")], "and all that it started")


def queue(bed: Cluster) -> list[str]:
    """Return the states of all jobs that have not ended."""
    return re.findall(r"^ {4}state = (\w+)$", bed.on("login", "oarstat -f").stdout, re.MULTILINE)


def hold_nodes(bed: Cluster) -> None:
    bed.on("login", "oarsub -n other -l nodes=2,walltime=1 'sleep 600'")
    until(lambda: "Running" in queue(bed), "the nodes are taken")


def test_a_job_that_waits_is_told_of_with_what_to_do(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="oar", node_sshd=False)
    done = bed.run("nbssh", *add_words(bed, "--job-option=-lnodes=5", kind="oar"), timeout=60)
    assert done.returncode == 1
    assert "There are not enough resources for your request" in done.stderr
    assert "OAR does not take the job" in done.stderr
    assert queue(bed) == []
    add(bed)
    assert way_of(bed) == "relay"
    hold_nodes(bed)
    # what is given for once takes the place of the profile's, and is no alternative to it
    done = bed.nbssh("job", "gpu", "--option=-lnodes=1,walltime=0:10")
    assert re.fullmatch(r"job \d+ of 'gpu': Waiting\n", done.stdout), done.stdout
    job = (bed.cluster_home / ".local/state/nbssh/gpu/job").read_text().strip()
    until(lambda: "starts in about" in bed.nbssh("job", "gpu").stdout, "its start is expected")
    wanted = bed.on("login", f"oarstat -f -j {job}").stdout
    assert "network_address=1,walltime=0:10:0" in wanted
    assert "walltime=0:30" not in wanted
    bed.on("login", f"oarhold {job}")
    session = bed.ssh("gpu-nb", timeout=30)
    session.expect_exact(f"nbssh: job {job} Hold\r\nnbssh: hint: it is held; on login: oarresume {job}")
    bed.on("login", f"oarresume {job}")
    session.expect(rf"job {job} Waiting \d+ s")
    done = bed.run("ssh", "gpu-node", "true")
    assert f"job {job} of 'gpu' does not run yet (Waiting); try again when it does" in done.stderr
    bed.on("login", f"oardel {job}")
    status, words = ended(session)
    assert status != 0
    assert f"nbssh: error: job {job} was cancelled before it could be used" in words
    # nothing that could run it
    bed.on("login", "oardel --sql \"name = 'other'\"")
    bed.root_on("login", "oarnodesetting -h c1 -s Absent; oarnodesetting -h c2 -s Absent")
    session = bed.ssh("gpu-nb", timeout=30)
    session.expect(r"hint: what the nodes are doing; on login: oarnodes -s")
    assert "No enough matching resources" in said(session)
    # a job whose node fails at its start comes again as another one
    bed.root_on("c1", "kill $(cat /run/oar-sshd.pid)")
    bed.root_on("login", "oarnodesetting -h c1 -s Alive")
    until(lambda: "Suspected" in bed.on("login", "oarnodes -s").stdout, "the node is found out")
    bed.root_on("login", "oarnodesetting -h c2 -s Alive")
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    assert f"started on c2 in job {int(job) + 2}" in said(session)
    # which without cgroups ends nothing of a job that has ended by itself
    session.sendline("k")
    ended(session)
    until(lambda: not bed.running("c2"), "nothing of the job is left")


def test_a_job_that_ends_says_why(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(scheduler="oar")
    add(bed)
    assert way_of(bed) == "node"
    misbehave(bed, crash="fake jupyter will not start\n")
    status, words = ended(bed.ssh("gpu-nb", timeout=60))
    assert status != 0
    assert "fake jupyter will not start" in words
    assert re.search(r"error: (JupyterLab did not start on c\d|job \d+ failed \(exit status 1\))", words), words
    misbehave(bed)
    session = start(bed)
    job = state(bed)["job"]
    assert (job["state"], job["reason"], 1700 < job["left"] <= 1800) == ("Running", "", True)
    assert page(bed)["version"] == "9.8.7"
    assert bed.run("ssh", "gpu-node", "uname -n").stdout.strip() == job["node"]
    # by the node's own sshd a session outlives its job
    bed.on("login", f"oardel {job['id']}")
    status, words = ended(session)
    assert status == 1
    assert f"nbssh: error: job {job['id']} was cancelled" in words
    assert "died" not in words
    detach(bed, start(bed))
    # its server away: asked is the database, and told is the server
    bed.root_on("login", "kill $(cat /run/oar-server.pid)")
    assert "Running on" in bed.nbssh("job", "gpu").stdout
    done = bed.run("ssh", "-S", "none", "gpu-nb-kill")
    assert done.returncode == 1
    assert "Could not connect to the socket login:6666" in done.stderr
    assert "no job of 'gpu'" in bed.nbssh("job", "gpu").stdout
    done = bed.run("nbssh", "job", "gpu", "--option=-lnodes=1")
    assert done.returncode == 1
    assert "Cannot connect to executor login:6666" in done.stderr
    left = json.loads(bed.on("login", "oarstat -f -J --sql \"state = 'Waiting'\"").stdout or "{}")
    assert all(any(event["type"] == "FRAG_JOB_REQUEST" for event in found["events"]) for found in left.values())
    # the database, too
    bed.root_on("login", "kill -INT $(head -n 1 /var/spool/oar/postmaster.pid)")
    done = bed.run("nbssh", "job", "gpu")
    assert (done.returncode, done.stdout) == (1, "")
    assert "gets no answer to whether there is a job of 'gpu'" in done.stderr
