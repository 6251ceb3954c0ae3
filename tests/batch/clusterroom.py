"""The machine room of a cluster bed: starts the hosts in their namespaces, and ends all that runs in them."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import clusterfiles
import clusteroar
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clusterfiles import Options

READY = 60.0  # seconds until a bed must be up; it takes 2
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
_PARTS = Path(__file__).resolve().parent / "cluster"


@dataclass(frozen=True)
class Room:
    """What can be seen of it from outside."""

    root: Path  # of its files; see tests/batch/cluster/room.sh
    pids: dict[str, int]  # of each host's first process
    pid: int  # of the process with which all ends


def refused(*devices: str) -> str:
    """Return what even root may not do or use here, as in many a container; "" if all is well."""
    if missing := [device for device in devices if not Path(device).exists()]:
        return f"no {missing[0]}"
    command = ["unshare", *NAMESPACES, "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


@contextlib.contextmanager
def started(options: Options) -> Iterator[Room]:
    """Start the hosts, wait until they are ready, and end everything at the end."""
    environ = {
        "PATH": beds.SYSTEM_PATH,
        "LC_ALL": "C.UTF-8",
        "BED_HOSTS": " ".join(options.hosts),
        "BED_SCHEDULER": options.scheduler,
        "BED_DELAY": str(options.delay_ms / 1000) if options.delay_ms else "0",
        "BED_LOGIN": clusterfiles.LOGIN_ADDRESS,
        "BED_NODE_SSHD": str(int(options.node_sshd)),
        "BED_PYTHON": sys.executable,
        "BED_NODE_HOME": options.node_home,
        "BED_PARTS": str(_PARTS),
        "BED_FAKES": str(beds.REPOSITORY / "tests/batch/fakes"),
        "BED_OAR": str(clusteroar.OAR),
        "BED_GRIDENGINE": str(clusterfiles.GRIDENGINE),
    }
    process = subprocess.Popen(
        ["unshare", *NAMESPACES, "--fork", "--kill-child", "bash", str(_PARTS / "room.sh")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        start_new_session=True,  # Ctrl-C is pytest's
    )
    try:
        _expect(process, "made")
        root = Path(f"/proc/{_children(process.pid)[0]}/root/mnt")
        clusterfiles.write_files(root, options)
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
        _expect(process, "ready", root / "hosts")
        yield Room(root, _first_processes(process), process.pid)
    finally:
        _end(process)


def _expect(room: subprocess.Popen[str], word: str, logs: Path | None = None) -> None:
    """Read the room's next line; fail the test with what the hosts have to say unless it is `word`."""
    assert room.stdout
    seen = select.select([room.stdout], [], [], READY)[0] and room.stdout.readline().strip()
    if seen == word:
        return
    text = [f"the cluster bed is not {word}: {seen or 'silence'}"]
    for log in sorted(logs.glob("*/console.log")) if logs else []:
        text += [f"--- {log.parent.name}", log.read_text(errors="replace").strip()[-2000:]]
    if not logs and room.poll() is not None:
        text.append(room.stdout.read())
    pytest.fail("\n".join(text), pytrace=False)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _first_processes(room: subprocess.Popen[str]) -> dict[str, int]:
    """Return the pid of each host's first process: the child of an `unshare … host.sh HOST`, child of the room."""
    pids = {}
    for parent in _children(_children(room.pid)[0]):
        words = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
        if words[0] == b"unshare":
            pids[words[-2].decode()] = _children(parent)[0]
    return pids


def _end(room: subprocess.Popen[str]) -> None:
    """End the room, and with it everything; unshare has ended when the kernel is done with that."""
    assert room.stdin
    assert room.stdout
    room.stdin.close()
    try:
        room.wait(timeout=beds.GRACE)
    except subprocess.TimeoutExpired:
        room.kill()
        room.wait()
    room.stdout.close()
