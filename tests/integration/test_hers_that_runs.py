"""A Jupyter that she started by hand, as the recipes of years say, is told by add and doctor and left alone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import PASSWORD, fake_jupyter, free_port

if TYPE_CHECKING:
    from bed import Bed


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def start_by_hand(bed: Bed, ip: str, folder: str = "") -> tuple[subprocess.Popen[bytes], int]:
    """Start the real Jupyter on the host as `nohup jupyter lab &` does; `folder`: where her rc file leads it."""
    port = free_port()
    words = ["--no-browser", "--allow-root", f"--ip={ip}", f"--port={port}"]
    process = subprocess.Popen(
        [str(bed.jupyter), *words],
        env={"HOME": str(bed.remote_home), "PATH": os.environ["PATH"]}
        | ({"JUPYTER_RUNTIME_DIR": folder} if folder else {}),
        cwd=bed.remote_home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    runtime = bed.remote_home / (folder or ".local/share/jupyter/runtime") / f"jpserver-{process.pid}.json"
    until(runtime.exists, "it writes its runtime file", 90)
    until(lambda: answers(port), "it listens", 90)
    return process, port


@pytest.mark.parametrize(("ip", "folder"), [("127.0.0.1", "scratch"), ("*", "")])
def test_one_that_runs_is_told(bed: Bed, ip: str, folder: str) -> None:
    process, port = start_by_hand(bed, ip, str(bed.remote_home / folder) if folder else "")
    try:
        words = ["--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
        done = bed.nbssh("add", "box", "--yes", "--password-stdin", *words, stdin=f"{PASSWORD}\n")
        assert f"pid {process.pid}, port {port}" in done.stderr
        assert f"ssh box kill {process.pid}" in done.stderr
        assert ("open to the whole network" in done.stderr) == (ip == "*")
        said = bed.run("nbssh", "doctor", "box", "--json").stdout
        assert f"pid {process.pid}, port {port}" in said
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait()


def test_what_died_or_is_another_program_is_not_told(bed: Bed) -> None:
    runtime = bed.remote_home / ".local/share/jupyter/runtime"
    runtime.mkdir(parents=True)
    for pid in (os.getpid() + 4_000_000, 1):
        (runtime / f"nbserver-{pid}.json").write_text(json.dumps({"pid": pid, "port": 8888}, indent=2))
    words = ["--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    done = bed.nbssh("add", "box", "--yes", "--password-stdin", *words, stdin=f"{PASSWORD}\n")
    assert "you have a" not in done.stderr


@pytest.mark.parametrize(
    ("line", "folder", "network"),
    [
        ("c.NotebookApp.ip = '*'\nc.NotebookApp.notebook_dir = '/tmp'\n", True, True),
        ("# c.NotebookApp.ip = '*'\n  # c.NotebookApp.notebook_dir = '/tmp'\n", False, False),
        ("c.NotebookApp.ip = 'localhost'\n", False, False),
        ('c.ServerApp.ip="0.0.0.0"\nc.ServerApp.root_dir="/tmp"\n', True, True),
    ],
)
def test_her_configuration_is_told(bed: Bed, line: str, folder: bool, network: bool) -> None:  # noqa: FBT001
    mine = bed.remote_home / ".jupyter/jupyter_notebook_config.py"
    mine.parent.mkdir()
    mine.write_text(line)
    words = ["--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    done = bed.nbssh("add", "box", "--yes", "--password-stdin", *words, stdin=f"{PASSWORD}\n")
    assert (f"the notebooks' folder is the one that {mine} there sets" in done.stderr) == folder
    assert (str(mine) in bed.run("nbssh", "doctor", "box", "--json").stdout) == network
