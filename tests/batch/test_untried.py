"""A way into a job that was not tried, because the queue gave no node: the first session finds it. On a real Slurm."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import ended, said
from test_cluster_sessions import PROFILE, WAYS, add, add_words, detach, fill, is_gone, page, start, way_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster


def test_a_queue_that_gives_no_node_is_said_and_the_first_session_finds_the_way(
    make_cluster: Callable[..., Cluster],
) -> None:
    bed = make_cluster(**WAYS["srun"])
    fill(bed)
    words = add(bed)
    assert "the queue gave no node within a minute, so the way to one is not known: the first session finds it" in words
    assert way_of(bed) == "auto"
    done = bed.run("nbssh", "doctor", "gpu").stdout
    assert "was never tried" in " ".join(done.split())
    assert "nbssh apply --probe gpu" in done
    bed.on("login", "scancel --name=other")
    until(is_gone(bed), "the nodes are free")
    finds(bed, "srun")


def test_an_add_that_is_ended_in_whatever_way_leaves_no_job(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster()
    words = add_words(bed)

    def tried() -> list[str]:
        return [job.state for job in bed.jobs() if job.name == "try-nbssh-gpu"]

    def signals(number: int) -> None:
        for pid, line in bed.running("client").items():
            if "-m nbssh" in line:
                os.kill(pid, number)

    # while the job waits
    fill(bed)
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, "closed"):
        session = bed.spawn("nbssh", *words, timeout=60)
        session.expect("submitted job")
        if isinstance(end, signal.Signals):
            signals(end)
        if end in (signal.SIGINT, signal.SIGTERM):
            session.expect_exact("nbssh: interrupted")
            until(lambda: not bed.on("login", "find .local -path '*nbssh*' -type f").stdout, "its files are gone")
        session.close(force=True)
        until(lambda: tried() == [], f"the job is gone ({end})")
    bed.on("login", "scancel --name=other")
    until(is_gone(bed), "the nodes are free")
    # while it looks at the node
    session = bed.spawn("nbssh", *words, timeout=60)
    until(lambda: tried() == ["RUNNING"], "the job runs")
    signals(signal.SIGKILL)
    until(is_gone(bed), "the job is gone")
    for pid in bed.running("client"):  # the connection of one that could not end it lasts for a minute more
        os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("way", ["relay", "node"])
def test_what_works_is_what_is_taken(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**WAYS["node" if way == "node" else "srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    path = bed.client_home / PROFILE  # as if the queue had given no node
    bed.write(path, re.sub(r'^via = "(srun|node)"', 'via = "auto"', path.read_text(), flags=re.MULTILINE), 0o600)
    bed.nbssh("apply", "gpu", "--yes")
    bed.write(bed.cluster_home / ".bashrc", "export PATH=$HOME/site:$PATH\n")
    bed.write(bed.cluster_home / "site/srun", "#!/bin/sh\nexit 1\n", 0o755)  # one that this site lets nobody use
    if way == "node":  # and the port of job 2 is somebody else's
        bed.on("c1", "setsid python3 -m http.server 20002 </dev/null >/dev/null 2>&1 &")
    finds(bed, way)


def finds(bed: Cluster, way: str) -> None:
    session = start(bed)
    assert f"was not tried before; this session goes by '{way}'" in said(session)
    assert page(bed)["version"] == "9.8.7"
    detach(bed, session)
    again = start(bed)
    assert "was not tried before" not in said(again)
    detach(bed, again)
    found = " ".join(bed.nbssh("doctor", "gpu").stdout.split())
    assert "was never tried" not in found
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


def test_a_session_that_gets_nowhere_ends_in_a_line_and_a_hint(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    # nodes without any sshd
    for node in ("c1", "c2"):
        bed.root_on(node, "mount --bind /dev/null /usr/sbin/sshd")
    done = bed.run("nbssh", *add_words(bed), timeout=120)
    assert done.returncode == 1
    none = "there is no sshd on c1 that a job could start"
    reasons = f"node: c1 port 22: Connection refused; srun: {none}; relay: {none}\n"
    assert f"no session gets to a node: {reasons}nbssh: hint: ask the cluster's administrators" in done.stderr
    for node in ("c1", "c2"):
        bed.root_on(node, "umount /usr/sbin/sshd")
    until(is_gone(bed), "the job that tried the ways is gone")
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    # and one that lost it
    for node in ("c1", "c2"):
        bed.root_on(node, "mount --bind /dev/null /usr/sbin/sshd")
    status, words = ended(bed.ssh("gpu-nb", timeout=60))
    (job,) = bed.jobs()
    lost = f"job {job.id} runs on {job.node}, but no session gets there by 'srun': there is no sshd on {job.node}\r\n"
    assert (status, f"nbssh: error: {lost}" in words) == (255, True), words
    done = bed.run("nbssh", "doctor", "gpu")
    assert f"the job runs on {job.node}, where no sshd answers" in " ".join(done.stdout.split()), done.stdout
    done = bed.run("ssh", "gpu-node", "true")
    lost = f"by 'srun': there is no sshd on {job.node}; on your laptop: "
    assert (done.returncode, lost in done.stderr) == (255, True)
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
    bed.write(bed.cluster_home / ".bashrc", "export PATH=$HOME/site:$PATH\n")
    bed.write(bed.cluster_home / "site/srun", "#!/bin/sh\necho srun: error: no step for you >&2\nexit 1\n", 0o755)
    session = bed.ssh("gpu-nb", timeout=60)
    status, words = ended(session)
    assert status == 255
    lines = [line for line in words.replace("\r", "\n").splitlines() if line.strip()]
    (job,) = bed.jobs()
    lost = f"job {job.id} runs on {job.node}, but no session gets there by 'srun': srun: error: no step"
    assert lines[-2].startswith(f"nbssh: error: {lost}")
    assert lines[-1] == "nbssh: hint: on your laptop: nbssh apply --probe gpu, which tries the ways again"
    assert "UNKNOWN" not in words
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
