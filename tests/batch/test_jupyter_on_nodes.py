"""A Jupyter that only the compute nodes have, and one that only a wrapper leads to; on a real Slurm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bed import until
from serving import said
from test_cluster_sessions import PROFILE, WAYS, add_words, detach, is_gone, page, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

# What a container's runtime does for us: another root, in which alone there is a jupyter-lab, on its PATH.
WRAPPER = """#!/bin/sh
[ "$1" = exec ] && [ "$2" = image.sif ] || exit 9
shift 2
PATH=/opt/inside:/usr/bin:/bin
export PATH
exec unshare --user --map-root-user --mount sh -c '
    mount -t tmpfs tmpfs /opt && mkdir /opt/inside && cp /home/ada/hidden/lab /opt/inside/jupyter-lab
    chmod 755 /opt/inside/*
    exec "$@"' sh "$@"
"""
KIND = """#!/bin/sh
[ "$1" = -m ] && [ "$(/usr/bin/uname -n)" = login ] && echo other && exit
exec /usr/bin/uname "$@"
"""


def without_jupyter(words: tuple[str, ...]) -> tuple[str, ...]:
    place = words.index("--jupyter")
    return words[:place] + words[place + 2 :]


def starts_on_its_node(bed: Cluster) -> None:
    """Use it once, from its start to its end."""
    session = start(bed)
    assert "JupyterLab (server 9.8.7) started on c1" in said(session)
    assert page(bed)["version"] == "9.8.7"
    detach(bed, session)
    assert bed.run("nbssh", "doctor", "gpu").returncode == 0
    bed.run("ssh", "gpu-nb-kill")
    until(is_gone(bed), "the job is gone")


def test_the_nodes_alone_have_it(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    words = without_jupyter(add_words(bed))
    done = bed.run("nbssh", *words, timeout=120)
    assert done.returncode == 1
    assert "no jupyter-lab was found on c1" in done.stderr
    until(is_gone(bed), "the job that tried the ways is gone")
    for node in ("c1", "c2"):
        bed.root_on(node, "mkdir -p /srv/soft/bin; cp /home/ada/bin/jupyter-lab /srv/soft/bin; chmod -R a+rx /srv/soft")
    bed.write(bed.cluster_home / ".profile", "PATH=/srv/soft/bin:$PATH\n")
    told = bed.nbssh(*words, timeout=120).stderr
    assert "no jupyter-lab was found on login; it is looked for where a session ends" in told
    assert 'jupyter = "/srv/soft/bin/jupyter-lab"' in (bed.client_home / PROFILE).read_text()
    starts_on_its_node(bed)


def test_a_container_that_a_setup_line_enters_is_the_only_way_to_it(make_cluster: Callable[..., Cluster]) -> None:
    bed = make_cluster(**WAYS["srun"])
    words = without_jupyter(add_words(bed))
    # and it is told where the node is another kind of machine
    bed.write(bed.cluster_home / ".bashrc", "case $(uname -n) in login) export PATH=$HOME/kind:$PATH ;; esac\n")
    bed.write(bed.cluster_home / "kind/uname", KIND, 0o755)
    bed.on("login", "mkdir hidden && mv bin/jupyter-lab hidden/lab")
    bed.write(bed.cluster_home / "site/apptainer", WRAPPER, 0o755)
    line = 'exec /home/ada/site/apptainer exec image.sif "$@"'
    told = bed.nbssh(*words, "--setup", line, timeout=120).stderr
    assert "/opt/inside/jupyter-lab" in told
    assert f"c1 is another kind of machine ({os.uname().machine}) than login" in told
    starts_on_its_node(bed)
