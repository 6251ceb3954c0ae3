"""What other clusters do in another way, on a real Slurm: nodes and tasks, settings, wrappers, the queue's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import until
from serving import UP, ended, said
from test_cluster_sessions import WAYS, add, add_by, detach, is_gone, page, start, state, way_of

from nbssh.batch.trial import DESCRIBED

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

# Set for her own lists; it would hide the job from us.
HER_OWN = "export SQUEUE_PARTITION=later SQUEUE_STATES=COMPLETED SBATCH_WAIT=1 SQUEUE_FORMAT=%i PATH=$HOME/site:$PATH\n"
OTHER_TMP = "mount -t tmpfs -o mode=1777 tmpfs /tmp; exec /usr/sbin/sshd -E /var/log/sshd.log"
# A site's own sbatch: no short jobs, and nothing of --parsable.
WRAPPER = """#!/bin/sh
for word; do
    shift
    case $word in
    --time=3) echo 'sbatch: error: the shortest job here takes 5 minutes' >&2; exit 1 ;;
    --parsable) ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec /usr/bin/sbatch "$@"
"""


# A site with several clusters behind one login (`-M`): its commands know no job unless they are told where it is.
SEVERAL = """#!/bin/sh
name=${0##*/}
for word; do
    shift
    case $last$word in
    -M) last=-M; continue ;;
    -Mbed2) told=yes; last=; continue ;;
    -Mbed1) [ $name = squeue ] && exit 0 ;;
    --clusters=bed1,bed2) told=yes; continue ;;
    esac
    set -- "$@" "$word"
done
[ -n "$told" ] || { echo "$name: error: which cluster?" >&2; exit 1; }
/usr/bin/$name "$@" || exit
"""


def test_clusters_of_which_each_command_has_to_be_told(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    bed.write(bed.cluster_home / ".bashrc", "export PATH=$HOME/site:$PATH\n")
    for name in ("squeue", "scancel", "scontrol", "srun", "sinfo"):
        bed.write(bed.cluster_home / f"site/{name}", SEVERAL, 0o755)
    several = SEVERAL.replace('"$@" || exit', '"$@" | sed "s/$/;bed2/"')
    bed.write(bed.cluster_home / "site/sbatch", several, 0o755)
    add(bed, "--job-option=--clusters=bed1,bed2", "--job-option=--nodes=2")
    until(is_gone(bed), "the job that tried the ways is gone")
    session = start(bed)
    assert page(bed)["version"] == "9.8.7"
    detach(bed, session)
    again = start(bed)
    assert "runs on c1 since" in said(again)
    detach(bed, again)
    assert '"RUNNING"' in bed.nbssh("job", "gpu", "--json").stdout
    assert "cancelled job" in bed.run("ssh", "-S", "none", "gpu-nb-kill").stdout
    until(is_gone(bed), "the job is gone")


def test_several_nodes_and_tasks_behind_a_sites_own_wrapper(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    bed.write(bed.cluster_home / ".bashrc", HER_OWN)
    bed.write(bed.cluster_home / "site/sbatch", WRAPPER, 0o755)
    words = add(bed, "--job-option=--nodes=2", "--job-option=--ntasks=4")
    assert 'a job there ran on c1; the way to it: a sshd that srun starts inside the job (via = "srun")' in words
    until(is_gone(bed), "the job that tried the ways is gone")
    session = start(bed)
    assert "JupyterLab (server 9.8.7) started on c1 in job 2" in said(session)
    assert page(bed)["version"] == "9.8.7"
    detach(bed, session)
    again = start(bed)
    assert "runs on c1 since" in said(again)
    # back in the queue is no failure, and the next session waits for the same job
    bed.root_on("login", "scontrol requeue 2")
    _, words = ended(again)
    assert "was put back into the queue" in words
    assert "failed" not in words
    # Slurm would let it wait for two minutes; a node takes none in the second of its kill
    until(lambda: [job.state for job in bed.jobs()] == ["PENDING"], "it waits")
    until(lambda: not any("jupyter-lab" in line for line in bed.running("c1").values()), "the first start has ended")
    bed.root_on("login", "scontrol update jobid=2 starttime=now+2seconds")
    third = start(bed)
    assert "in job 2" in said(third)
    detach(bed, third)
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


@pytest.mark.parametrize("way", WAYS)
def test_a_node_whose_own_name_is_not_the_schedulers(make_cluster: Callable[..., Cluster], way: str) -> None:
    bed = make_cluster(**(WAYS[way] if way != "node" else {}))  # pam_slurm_adopt would look for itself by this name
    for node in ("c1", "c2"):
        bed.root_on(node, f"hostname gpu-{node}.inside")
    words = add_by(bed, way) if way == "relay" else add(bed)
    assert f'a job there ran on c1; the way to it: {DESCRIBED[way]} (via = "{way}")' in words
    session = start(bed)
    assert "JupyterLab (server 9.8.7) started on gpu-c1.inside in job 2" in said(session)
    assert page(bed)["version"] == "9.8.7"
    assert state(bed)["state"] == "running"
    detach(bed, session)
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


def test_a_tmp_of_its_own_for_each_job(make_cluster: Callable[..., Cluster]) -> None:
    """The node's own sshd has another one than the job, where the site does not let it into the job's."""
    bed = make_cluster()
    for node in ("c1", "c2"):
        bed.root_on(node, f"kill $(cat /run/sshd.pid); unshare --mount sh -c '{OTHER_TMP}'")
    words = add(bed)
    assert "passed over: node: it has another /tmp than the job, in which Jupyter's socket will be" in words
    assert way_of(bed) == "srun"
    session = start(bed)
    assert page(bed)["version"] == "9.8.7"
    detach(bed, session)
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


def test_what_does_not_come_by_waiting_is_said_with_what_to_do(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    add(bed)
    until(is_gone(bed), "the job that tried the ways is gone")
    bed.nbssh("job", "gpu", "--option=--partition=later")
    session = bed.ssh("gpu-nb", timeout=60)
    session.expect_exact("nbssh: hint: its partition is closed at the moment; on login: sinfo -s")
    bed.root_on("login", "scontrol update partitionname=later state=up")
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    detach(bed, session)
    bed.run("ssh", "gpu-nb-kill")
