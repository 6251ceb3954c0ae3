"""Who has a port or a socket open, asked of lsof(8) where it is installed. Never raises: not knowing is an answer."""

from __future__ import annotations

import shutil

from nbssh.adapters import process
from nbssh.core.plan import printable
from nbssh.errors import NbsshError

SECONDS = 10.0  # a dead network file system makes lsof wait


def listeners(port: int) -> list[str]:
    """Return who listens on TCP `port`, as `ssh (pid 4711)`."""
    return _holders(["-nP", f"-iTCP:{port}", "-sTCP:LISTEN"])


def holders(path: str) -> list[str]:
    """Return who has the unix socket `path` open, as `ssh (pid 4711)`."""
    return _holders(["-nP", "-a", "-U", path])


def _holders(arguments: list[str]) -> list[str]:
    program = shutil.which("lsof") or shutil.which("lsof", path="/usr/sbin:/usr/bin:/sbin")
    if not program:
        return []
    try:
        # -F: one field a line, `p` the pid, `c` the command (lsof(8), OUTPUT FOR OTHER PROGRAMS); -w: no warnings
        done = process.run([program, "-w", "-Fpc", *arguments], seconds=SECONDS)
    except NbsshError:
        return []
    found: dict[str, str] = {}
    pid = ""
    for line in done.out.decode("utf-8", "replace").splitlines():
        if line.startswith("p") and line[1:].isdigit():
            pid = line[1:]
        elif line.startswith("c") and pid:
            found[pid] = printable(line[1:])
    return [f"{command} (pid {pid})" for pid, command in found.items()]
