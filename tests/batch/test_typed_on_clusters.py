"""The lines that docs/clusters.md tells a reader to type, typed: on a real Slurm, on fakes of others, on no host."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest
from bed import until
from dotfiles import Laptop
from serving import environment
from test_cluster_sessions import detach, is_gone, start
from typed import CENTRES, SLURM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster import Cluster


def at_home(bed: Cluster, *names: str) -> None:
    """Give the user of the cluster a Jupyter and what her centre has, and her laptop the names of the papers."""
    bed.on("login", f"ln -s {environment('new').parent} .venv")
    bed.write(bed.cluster_home / ".bash_profile", "module() { :; }; conda() { :; }\n")
    config = bed.client_home / ".ssh/config"
    bed.write(config, f"{config.read_text()}Host {' '.join(names)}\n    HostName cluster.bed\n    User ada\n", 0o600)


def types(bed: Cluster, line: str, status: int = 0) -> str:
    """Type a line of the papers on the laptop; return what it said."""
    done = bed.run("sh", "-c", re.sub(r"\balice\b", "ada", line), timeout=150)
    assert done.returncode == status, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_the_lines_for_slurm(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(adopt=True)
    at_home(bed, "mine")
    left = set(SLURM)

    def she(line: str, behind: str = "", status: int = 0) -> str:
        left.remove(line)
        if "4711" in line:
            line = line.replace("4711", bed.jobs()[0].id)
        return types(bed, line.replace("--gres=gpu:1", "--mem=1G") + behind, status)  # there is no GPU

    she(
        "nbssh add gpu cluster --scheduler slurm --job-option=--gres=gpu:1 --job-option=--time=8:00:00",
        " --token --yes",
    )
    until(is_gone(bed), "the job that tried the ways is gone")
    assert "submits one" in she("nbssh job gpu")
    she("nbssh doctor gpu")
    left.remove("nbssh edit gpu: scheduler.options")
    types(bed, "EDITOR=true nbssh edit gpu: scheduler.options")
    left.remove("ssh gpu-nb")
    session = start(bed)
    assert bed.jobs()[0].node in she("ssh gpu-node", " uname -n")
    assert "nvidia-smi" in she("ssh gpu-node nvidia-smi", status=127)  # the node has no GPU: its shell says so
    bed.write(bed.cluster_home / "results/first", "1")
    she("rsync -a gpu-node:results/ results/")
    assert (bed.client_home / "results/first").read_text() == "1"
    assert "is running at" in she("nbssh logs gpu")
    detach(bed, session)
    assert "cancelled job" in she("ssh gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
    assert "submitted job" in she("nbssh job gpu --option=--time=2:00:00")
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")
    left.remove("salloc -J nbssh-gpu")
    bed.on("login", "salloc -J nbssh-gpu --no-shell")
    assert "RUNNING" in she("nbssh job gpu --join 4711")
    bed.on("login", "scancel --name=nbssh-gpu")
    until(is_gone(bed), "the job is gone")
    she("nbssh apply --probe gpu", " --yes")
    until(is_gone(bed), "the job that tried the ways is gone")
    assert left == set()
    # centres' lines: what sbatch says of an option that it does not know is said before it looks for partitions
    for line in CENTRES.values():
        if "--scheduler slurm" not in line:
            continue
        words = [word.removeprefix("--job-option=") for word in shlex.split(line) if word.startswith("--job-option=")]
        done = bed.on("login", f"sbatch --test-only {shlex.join(words)} --wrap true")
        assert "option" not in done.stderr, done.stderr


@pytest.mark.parametrize(("scheduler", "name"), [("openpbs", "polaris"), ("oar", "g5k")])
def test_a_line_of_a_centre_on_what_answers_as_its_scheduler(
    make_cluster: Callable[..., Cluster], scheduler: str, name: str
) -> None:
    bed = make_cluster(scheduler=scheduler, node_sshd=False)
    destination = CENTRES[name].split()[3]
    at_home(bed, destination.partition("@")[2] or destination)
    # a queue and a resource that only the centre has
    line = re.sub(r"--job-option=-(qdebug|lfilesystems=\S+) ", "", CENTRES[name])
    types(bed, f"{line} --token --yes")
    profile = tomllib.loads((bed.client_home / f".config/nbssh/profiles/{name}.toml").read_text())
    assert profile["server"]["via"] == "relay"


@pytest.mark.parametrize("name", sorted(CENTRES))
def test_the_lines_of_centres_make_their_files(tmp_path: Path, name: str) -> None:
    laptop = Laptop(tmp_path)
    laptop.write(b"Host *\n    StrictHostKeyChecking yes\n")
    line = CENTRES[name]
    words = [word for word in shlex.split(line)[1:] if word != "--offline"]
    laptop.done(*words, "--offline", "--token", "--yes")
    assert f"hostname {name}-nb\n" not in laptop.ssh_g(f"{name}-nb")
    profile = tomllib.loads((laptop.profiles / f"{name}.toml").read_text())
    options = [word.removeprefix("--job-option=") for word in words if word.startswith("--job-option=")]
    assert profile["scheduler"]["options"] == options
