"""The experiments with a batch job: a cluster of namespaces, 50 ms away, with a real Slurm.

What runs in the job is a stand-in that starts at once: the time until Jupyter itself answers is not ours to compare.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pexpect
from bed import until
from cluster import cluster
from measure import Comparison, Experiment
from serving import UP, fake_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster import Cluster

LIMIT = 120  # seconds after which a contender has failed
NODE = "ssh -J cluster c1 true"
# A node has a host key that only the cluster's own files, and those of the profile, know.
_KNOWN = ("-oUserKnownHostsFile=~/.ssh/nbssh.d/gpu.known_hosts", "-oHostKeyAlias=nbssh-gpu")
_SUBMIT = """\
job=$(sbatch --parsable --output=/dev/null --wrap='sleep 60')
until [ "$(squeue --noheader --job="$job" --format=%T)" = RUNNING ]; do sleep 0.02; done
"""


class Batch:
    """A laptop with the profile `gpu`, and a cluster."""

    def __init__(self, bed: Cluster) -> None:
        self.bed = bed
        self._sessions: list[pexpect.spawn[str]] = []

    def session(self) -> float:
        """Type `ssh gpu-nb`; return the seconds after which it says that all is ready."""
        began = time.monotonic()
        made = self.bed.ssh("gpu-nb", timeout=LIMIT)
        self._sessions.append(made)
        if made.expect([UP, pexpect.EOF]):
            raise RuntimeError(f"ssh gpu-nb said: {made.before}")
        return time.monotonic() - began

    def no_sessions(self) -> None:
        """Leave every session and close the tunnel; the job goes on."""
        while self._sessions:
            session = self._sessions.pop()
            session.sendintr()
            session.expect(pexpect.EOF)
            session.close()
        self.bed.run("ssh", "-o", "ProxyCommand=false", "-O", "exit", "gpu-nb")

    def nothing_runs(self) -> None:
        """Leave every session and end every job."""
        self.no_sessions()
        self.bed.on("login", "scancel --user=$(id -un)")
        # one that is still ending would be waited for
        until(lambda: not self.bed.on("login", "squeue --noheader").stdout.strip(), "all jobs are gone", LIMIT)


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that `run` takes."""
    began = time.monotonic()
    run()
    return time.monotonic() - began


def attach(stage: Batch) -> dict[str, float]:
    """`ssh gpu-nb` with a running job and no connection open."""
    stage.no_sessions()
    seconds = stage.session()
    stage.no_sessions()
    return {"prints": seconds}


def login(stage: Batch) -> dict[str, float]:
    """Do nothing on the node, by way of the login node."""

    def run() -> None:
        done = stage.bed.run("ssh", *_KNOWN, "-J", "cluster", "c1", "true", timeout=LIMIT)
        if done.returncode:
            raise RuntimeError(f"{NODE}: {done.returncode}: {done.stderr}")

    return {"return": timed(run)}


def submit(stage: Batch) -> dict[str, float]:
    """`ssh gpu-nb` with no job."""
    stage.nothing_runs()
    return {"prints": stage.session()}


def sbatch(stage: Batch) -> dict[str, float]:
    """Submit a job on the login node itself, and ask for it until it runs."""
    stage.nothing_runs()
    return {"runs": timed(lambda: stage.bed.on("login", _SUBMIT, timeout=LIMIT))}


def experiments() -> Iterator[Experiment]:
    """Return what there is to measure with a batch job."""
    yield Experiment(
        "job",
        {"nbssh": attach, NODE: login},
        (Comparison("attach to a job", ("nbssh", "prints"), (NODE, "return"), 1.15),),
        before=Batch.session,
    )
    yield Experiment(
        "submit",
        {"nbssh": submit, "sbatch": sbatch},
        (Comparison("submit a job", ("nbssh", "prints"), ("sbatch", "runs"), 2000, 1, against="sbatch to RUNNING"),),
    )


@contextmanager
def stage(round_trip: float) -> Iterator[Batch]:
    """Set the stage with the cluster `round_trip` seconds away, and clear it."""
    with cluster(delay_ms=round_trip * 500) as bed:
        program = bed.write(bed.cluster_home / "bin/jupyter-lab", fake_program("/usr/bin/python3"), 0o755)
        bed.write(bed.cluster_home / "fake.json", "{}")
        name = f"/home/ada/{program.relative_to(bed.cluster_home)}"
        bed.nbssh("add", "gpu", "cluster", "--scheduler", "slurm", "--token", "--yes", "--jupyter", name, timeout=LIMIT)
        made = Batch(bed)
        try:
            yield made
        finally:
            made.nothing_runs()
