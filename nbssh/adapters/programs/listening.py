"""Who listens on a port of this machine: from Linux' /proc, which tells whose it is too, otherwise from lsof(8).

Never raises: not knowing is an answer.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.programs import lsof
from nbssh.adapters.programs.lsof import Holder
from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_LISTENS = "0A"  # TCP_LISTEN (include/net/tcp_states.h)
# Those on which a listener keeps 127.0.0.1 from being had
_HERE = {"127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"}  # noqa: S104  nothing is bound here


def listeners(port: int) -> list[Holder]:
    """Return who listens on TCP `port`; of other users' programs only whose they are, unless we are root."""
    sockets = dict(_sockets(port))
    if not sockets:
        return lsof.listeners(port)
    found = dict(_holders(set(sockets)))
    others = {Holder("", 0, _user(uid)) for inode, uid in sockets.items() if inode not in found}
    return sorted({*found.values(), *others})


def _sockets(port: int) -> Iterator[tuple[str, int]]:
    """Give inode and uid of each socket that listens on `port` (proc_net_tcp in the kernel's documentation)."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            match line.split():
                case [_, local, _, state, _, _, _, uid, _, inode, *_] if state == _LISTENS and uid.isdecimal():
                    address, _, number = local.rpartition(":")
                    with contextlib.suppress(ValueError):
                        if int(number, 16) == port and _address(address) in _HERE:
                            yield inode, int(uid)


def _address(text: str) -> str:
    """Return an address of /proc/net, whose words of 32 bits are in the order of this machine's bytes."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(struct.pack("=I", word) for word in words))


def _holders(inodes: set[str]) -> Iterator[tuple[str, Holder]]:
    """Give the processes that have one of the sockets `inodes` open, as far as we may look at them."""
    names = {f"socket:[{inode}]": inode for inode in inodes}
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for opened in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if inode := names.get(str(opened.readlink())):
                        command = printable((process / "comm").read_text(errors="replace").strip(), 60)
                        yield inode, Holder(command, int(process.name), _user(process.stat().st_uid))


def _user(uid: int) -> str:
    """Return who that is, nothing where it is ourselves."""
    import pwd  # noqa: PLC0415  where there is no /proc there may be none

    if uid == os.geteuid():
        return ""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
