"""Who has a port or a socket open, asked of lsof(8) where it is installed. Never raises: not knowing is an answer."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from nbssh.adapters.programs import process
from nbssh.core.text import printable
from nbssh.errors import NbsshError

SECONDS = 10.0  # a dead network file system makes lsof wait


class Holder(NamedTuple):
    """A process that has it open; as text `ssh (pid 4711)`, where it is another `user`'s `ssh (pid 4711) of bob`.

    Of what may not be looked at its user alone is known: `a program of bob`; the pid is 0 then.
    """

    command: str
    pid: int
    user: str = ""

    def __str__(self) -> str:
        what = f"{self.command} (pid {self.pid})" if self.pid else f"a program{'' if self.user else ' of yours'}"
        return f"{what} of {self.user}" if self.user else what


def listeners(port: int) -> list[Holder]:
    """Return who listens on TCP `port`."""
    return sorted({who for who, _ in _ask(["-nP", f"-iTCP:{port}", "-sTCP:LISTEN"])})


def masters(control_socket: str) -> list[Holder]:
    """Return who serves the unix socket of an ssh master.

    ssh binds it under a name with a random end and gives it its own one by link(2), so that lsof knows it as
    `box.ctl.Xa3…` for ever (mux.c, muxserver_listen; measured).
    """
    return sorted({who for who, name in _ask(["-U"]) if name.startswith((f"{control_socket}.", f"{control_socket} "))})


def words(pid: int) -> list[str]:
    """Return the command line of a process, in words; none where nobody tells."""
    try:
        return (
            process.run(["ps", "-o", "args=", "-p", str(pid)], seconds=SECONDS).out.decode("utf-8", "replace").split()
        )
    except NbsshError:
        return []


def _ask(arguments: list[str]) -> list[tuple[Holder, str]]:
    """Return (who, name of the open file) of all that lsof lists."""
    program = shutil.which("lsof") or shutil.which("lsof", path="/usr/sbin:/usr/bin:/sbin")
    if not program:
        return []
    try:
        # -F: one field a line, `p` the pid, `c` the command, `n` the name (lsof(8), OUTPUT FOR OTHER PROGRAMS)
        done = process.run([program, "-w", "-Fpcn", *arguments], seconds=SECONDS)
    except NbsshError:
        return []
    found: list[tuple[Holder, str]] = []
    pid, command = 0, ""
    for line in done.out.decode("utf-8", "replace").splitlines():
        kind, value = line[:1], printable(line[1:])
        if kind == "p" and value.isdecimal():
            pid = int(value)
        elif kind == "c":
            command = value
        elif kind == "n":
            found.append((Holder(command, pid), value))
    return found
