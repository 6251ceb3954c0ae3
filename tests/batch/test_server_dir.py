"""nbssh's files on another file system than the home, which the nodes of many a cluster lack; on a real Slurm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import said
from test_cluster_sessions import PROFILE, WAYS, add, add_words, detach, is_gone, page, start, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

WORK = "/srv/wide/ada"


def jupyter_on_work(bed: Cluster) -> str:
    """Put the fake Jupyter where the nodes can read it; return its path."""
    seen = f"sed '/seen.json/s|os.environ\\[.HOME.]|\"{WORK}\"|' ~/bin/jupyter-lab"
    bed.on("login", f"mkdir {WORK}/bin; cd {WORK}/bin; {seen} >jupyter-lab; chmod 755 *; cp ~/fake.json ..")
    return f"{WORK}/bin/jupyter-lab"


@pytest.mark.parametrize("home", ["missing", "readonly"])
def test_a_home_that_the_nodes_lack(make_cluster: Callable[..., Cluster], home: str) -> None:
    bed = make_cluster(**WAYS["srun"], node_home=home)
    refused = bed.run("nbssh", *add_words(bed), timeout=120)
    assert refused.returncode == 1
    assert "if your home is not there on the nodes, or read-only: --server-dir DIR" in refused.stderr
    until(is_gone(bed), "the job that tried the ways is gone")
    assert bed.on("login", "find .local -name nbssh").stdout == ""
    words = add(bed, "--server-dir", WORK, f"--jupyter={jupyter_on_work(bed)}", "--no-browser")
    assert ("the home is not there on c1" if home == "missing" else "the home cannot be written on c1") in words
    assert 'server_dir = "/srv/wide/ada"' in (bed.client_home / PROFILE).read_text()
    assert "/home/ada/.local/share" not in (bed.client_home / ".ssh/nbssh.d/gpu.conf").read_text()
    session = start(bed)
    assert "started on c1 in job" in said(session)
    assert page(bed)["version"] == "9.8.7"
    assert state(bed)["state"] == "running"
    detach(bed, session)
    assert bed.nbssh("doctor", "gpu").returncode == 0
    assert "fake" in bed.nbssh("logs", "gpu").stdout
    assert bed.nbssh("apply", "--check", "gpu").returncode == 0
    assert bed.on("login", "find .local -name nbssh").stdout == ""
    assert bed.run("ssh", "gpu-nb-kill").returncode == 0
    until(is_gone(bed), "the job is gone")
    bed.nbssh("remove", "gpu")
    assert "nbssh" not in bed.on("login", f"ls -A {WORK}").stdout
