"""`nbssh job`, on a real Slurm."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bed import until
from serving import ended, said
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
    assert re.fullmatch(r"nbssh: error: job \d+ of 'gpu' is there already \(PENDING\)\nnbssh: hint: .*\n", again.stderr)
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


def test_an_allocation_that_she_has_is_joined_and_stays(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    refused = bed.run("nbssh", "job", "gpu", "--join", "99")
    assert refused.returncode == 1
    assert "you have no job 99 in Slurm's queue that runs" in refused.stderr
    assert bed.run("nbssh", "job", "gpu", "--join", "9 9").returncode == 1
    bed.on("login", "salloc --no-shell -J mine -w c2 --time=20")
    job = bed.jobs()[0].id
    done = bed.nbssh("job", "gpu", "--join", job)
    assert f"starting it in your allocation {job}" in done.stderr
    assert f"job {job} of 'gpu': RUNNING on c2" in done.stdout
    session = start(bed)
    assert f"started on c2 in job {job}" in said(session)
    detach(bed, session)
    again = start(bed)
    assert "runs on c2 since" in said(again)
    # with the connection of a session, and without one
    assert f"your job {job} stays" in bed.run("ssh", "gpu-nb-kill").stdout
    ended(again)
    until(lambda: not any("jupyter-lab" in line for line in bed.running("c2").values()), "Jupyter has ended")
    bed.nbssh("job", "gpu", "--join", job)
    session = start(bed)
    detach(bed, session)
    assert f"stopped it in your job {job}, which stays" in bed.run("ssh", "-S", "none", "gpu-nb-kill").stdout
    until(lambda: not any("jupyter-lab" in line for line in bed.running("c2").values()), "Jupyter has ended")
    assert [each.state for each in bed.jobs()] == ["RUNNING"]
    # what tries the ways is another job
    bed.nbssh("job", "gpu", "--join", job)
    bed.nbssh("apply", "--probe", "gpu", "--yes", timeout=120)
    assert f"job {job} of 'gpu': RUNNING" in bed.nbssh("job", "gpu").stdout
    bed.on("login", f"scancel {job}")
    until(is_gone(bed), "the allocation is gone")
    # one of the profile's own name is simply found
    bed.on("login", "salloc --no-shell -J nbssh-gpu -w c2 --time=20")
    session = start(bed)
    assert "starting it in your allocation" in said(session)
    detach(bed, session)
    bed.on("login", "scancel --name=nbssh-gpu")
    until(is_gone(bed), "the allocation is gone")


def test_what_the_host_does_not_take_is_told(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    done = bed.run("nbssh", "job", "gpu", "--option=--partition=nowhere")
    assert done.returncode == 1
    assert "Slurm does not take the job" in done.stderr
    assert bed.jobs() == []
