"""NAME-node: the node of the running job as a plain ssh host, for shells, editors, copies, git and forwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import ended
from test_cluster_sessions import PROFILE, WAYS, add, add_by, detach, fill, is_gone, logins, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster


def submits(bed: Cluster) -> None:
    """Let `gpu-node` submit the job."""
    path = bed.client_home / PROFILE
    bed.write(path, f"node_submits = true\n{path.read_text()}", 0o600)
    bed.nbssh("apply", "gpu", "--offline")


@pytest.mark.parametrize("way", WAYS)
def test_it_is_a_plain_ssh_host(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**WAYS[way])
    add_by(bed, way, "--persist", "5m")
    until(is_gone(bed), "the job that tried the ways is gone")
    # nothing runs: a clear word, where nobody sees the stderr of a ProxyCommand, too
    for words in (("ssh", "gpu-node", "true"), ("scp", "gpu-node:x", "x")):
        done = bed.run(*words)
        assert done.returncode != 0
        assert "no job of 'gpu' runs; start one: ssh gpu-nb" in done.stderr
        assert "Bad packet" not in done.stderr
    assert bed.jobs() == []
    session = start(bed)
    before = logins(bed)
    done = bed.run("ssh", "gpu-node", "uname -n; echo $SLURM_JOB_ID")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == bed.jobs()[0].node
    assert logins(bed) == before, "it shares the connection of gpu-nb"
    detach(bed, session)
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-nb")
    # on its own, one login serves all that comes within a moment; since OpenSSH 10 scp and sftp make none to share
    assert bed.run("ssh", "gpu-node", "true").returncode == 0
    before = tuple(number + 1 for number in before)
    assert logins(bed) == before
    bed.write(bed.client_home / "here", "line\n" * 9999)
    assert bed.run("scp", "-q", "here", "gpu-node:there").returncode == 0
    assert bed.run("sftp", "-b", "-", "gpu-node", stdin="get there back\n").returncode == 0
    assert (bed.client_home / "back").read_text() == "line\n" * 9999
    assert bed.run("rsync", "-a", "gpu-node:there", "again").returncode == 0
    assert (bed.client_home / "again").read_text() == "line\n" * 9999
    bed.on(
        "login",
        "git init -q repository; cd repository; git -c user.name=a -c user.email=a commit -q --allow-empty -m first",
    )
    done = bed.run("git", "clone", "-q", "gpu-node:repository", "clone")
    assert (done.returncode, done.stderr) == (0, "")
    # as editors do it: a SOCKS proxy, and a long script on stdin
    script = "".join(f": {number}\n" for number in range(20_000)) + "echo end $(uname -n)\n"
    done = bed.run("ssh", "-T", "gpu-node", "sh", stdin=script)
    assert done.stdout.split() == ["end", bed.jobs()[0].node]
    assert logins(bed) == before
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    assert bed.run("scp", "-q", "here", "gpu-node:there").returncode == 0
    assert logins(bed) == tuple(number + 1 for number in before)
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    done = bed.run("ssh", "-f", "-N", "-D", "127.0.0.1:19999", "gpu-node")
    assert (done.returncode, done.stderr) == (0, "")
    bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-node")
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
    assert "no job of 'gpu' runs" in bed.run("ssh", "gpu-node", "true").stderr


def test_it_submits_only_on_a_terminal_and_where_the_profile_says_so(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    session = bed.ssh("gpu-node", "true", timeout=60)
    status, words = ended(session)
    assert (status, "no job of 'gpu' runs" in words) == (255, True)
    submits(bed)
    assert "no job of 'gpu' runs" in bed.run("ssh", "gpu-node", "true").stderr
    assert bed.jobs() == []
    fill(bed)
    session = bed.ssh("gpu-node", "uname -n", timeout=90)
    session.expect(r"job \d+ PENDING")
    done = bed.run("ssh", "gpu-node", "true")
    assert done.returncode == 255
    assert re.search(r"job \d+ of 'gpu' does not run yet \(PENDING", done.stderr)
    bed.on("login", "scancel --name=other")
    session.expect(r"runs on (c[12])")
    node = session.match.group(1) if session.match else ""
    status, words = ended(session)
    assert (status, node in words) == (0, True)
    bed.run("ssh", "gpu-nb-kill")
