"""Who has a port or a socket open, asked of lsof(8) where it is installed. Never raises: not knowing is an answer."""

from __future__ import annotations

import shutil

from nbssh.adapters.programs import process
from nbssh.core.text import printable
from nbssh.errors import NbsshError

SECONDS = 10.0  # a dead network file system makes lsof wait


def listeners(port: int) -> list[str]:
    """Return who listens on TCP `port`, as `ssh (pid 4711)`."""
    return sorted({who for who, _ in _ask(["-nP", f"-iTCP:{port}", "-sTCP:LISTEN"])})


def masters(control_socket: str) -> list[str]:
    """Return who serves the unix socket of an ssh master.

    ssh binds it under a name with a random end and gives it its own one by link(2), so that lsof knows it as
    `box.ctl.Xa3…` for ever (mux.c, muxserver_listen; measured).
    """
    return sorted({who for who, name in _ask(["-U"]) if name.startswith((f"{control_socket}.", f"{control_socket} "))})


def _ask(arguments: list[str]) -> list[tuple[str, str]]:
    """Return (who, name of the open file) of all that lsof lists."""
    program = shutil.which("lsof") or shutil.which("lsof", path="/usr/sbin:/usr/bin:/sbin")
    if not program:
        return []
    try:
        # -F: one field a line, `p` the pid, `c` the command, `n` the name (lsof(8), OUTPUT FOR OTHER PROGRAMS)
        done = process.run([program, "-w", "-Fpcn", *arguments], seconds=SECONDS)
    except NbsshError:
        return []
    found: list[tuple[str, str]] = []
    pid = command = ""
    for line in done.out.decode("utf-8", "replace").splitlines():
        kind, value = line[:1], printable(line[1:])
        if kind == "p" and value.isdigit():
            pid = value
        elif kind == "c":
            command = value
        elif kind == "n":
            found.append((f"{command} (pid {pid})", value))
    return found
