"""`nbssh job`, on a real Slurm."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bed import until
from test_cluster_sessions import WAYS, add, detach, fill, is_gone, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster


def test_it_shows_the_job_and_submits_one_with_other_options_for_once(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed, "--job-option=--time=0:30:00")
    until(is_gone(bed), "the job that tried the ways is gone")
    assert bed.nbssh("job", "gpu").stdout == "no job of 'gpu'; ssh gpu-nb submits one\n"
    none = json.loads(bed.nbssh("job", "gpu", "--json").stdout)
    assert none == {"errors": [], "job": None, "name": "gpu", "nbssh": 1}
    fill(bed)
    done = bed.nbssh("job", "gpu", "--option=--time=0:05:00", "--option=--comment=a b")
    assert "submitted job" in done.stderr
    assert re.fullmatch(r"job \d+ of 'gpu': PENDING( \(\w+\))?(, starts in about .*)?\n", done.stdout)
    again = bed.run("nbssh", "job", "gpu", "--option=--time=0:05:00")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert "ssh gpu-nb-kill" in again.stderr
    bed.on("login", "scancel --name=other")
    session = start(bed)
    detach(bed, session)
    found = json.loads(bed.nbssh("job", "gpu", "--json").stdout)["job"]
    assert (found["state"], found["node"] in {"c1", "c2"}) == ("RUNNING", True)
    assert 0 < found["left"] <= 300, "the option for once counts"
    assert bed.on("login", f"squeue -h -j {found['id']} -o %k").stdout.strip() == "a b"
    assert f"job {found['id']} of 'gpu': RUNNING on {found['node']}, " in bed.nbssh("job", "gpu").stdout
    bed.run("ssh", "gpu-nb-kill")


def test_what_the_host_does_not_take_is_told(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    done = bed.run("nbssh", "job", "gpu", "--option=--partition=nowhere")
    assert done.returncode == 1
    assert "Slurm does not take the job" in done.stderr
    assert bed.jobs() == []
