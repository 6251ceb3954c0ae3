"""Ports of 127.0.0.1 for the tests: taken for certain, not looked at and hoped for.

A port is bound here and stays bound, so no outgoing connection, no other program and no other test can get it. Whoever
sets SO_REUSEADDR, as ssh, sshd, Jupyter and nbssh do, can listen on it all the same: on Linux a socket that is only
bound is in nobody's way who permits that too.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import re
import secrets
import socket
from time import sleep as pause
from typing import TYPE_CHECKING, ClassVar, Self

from nbssh.core.profile.wrong import FIRST_PORT, PORTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of the tests alone: below the ports that the system gives away, and that nbssh gives to profiles.
RANGE = range(10_000, 20_000)
OF_NAMES = {*range(FIRST_PORT, FIRST_PORT + PORTS)}
_held: list[socket.socket] = []


def free_port() -> int:
    """Take a port of 127.0.0.1 on which nobody listens; it is this process's until that ends."""
    while True:
        port = secrets.choice(RANGE)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))  # without SO_REUSEADDR: fails if anybody at all has it
        except OSError as error:
            holder.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(holder)
        return port


@contextlib.contextmanager
def only_user_of(what: str, tenths: int = 0) -> Iterator[None]:
    """Wait until no other process of the tests, of any run, is in here with the same `what`; `tenths`: no longer."""
    with socket.socket(socket.AF_UNIX) as holder:
        for _ in range(tenths) if tenths else itertools.count():
            try:
                holder.bind(f"\0nbssh-tests-{what}")  # of the kernel alone: it ends with its process
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                pause(0.1)
                continue
            break
        yield


class PortsOfNames:
    """The ports that nbssh made of the names of profiles, as long as a bed listens on them.

    Each bed's `box` gets the same one: nbssh finds it free, as nobody listens yet, in two beds at once.
    """

    _held: ClassVar[set[int]] = set()  # by this process: what a test's first laptop holds, its second may use

    def __init__(self) -> None:
        self._mine: set[int] = set()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.difference_update(self._mine)
        self._stack.close()

    def hold(self, profiles: Path) -> None:
        """Wait until no other bed uses a port that nbssh gave a profile of the folder; keep all others waiting."""
        texts = (file.read_text(errors="replace") for file in profiles.glob("*.toml"))
        found = {int(port) for text in texts for port in re.findall(r"^port = (\d+)", text, re.MULTILINE)}
        for port in sorted(found & OF_NAMES - self._held):
            # who holds one already may be waited for by the holder of the other
            self._stack.enter_context(only_user_of(f"port-{port}", 600 if self._held else 0))
            self._held.add(port)
            self._mine.add(port)
