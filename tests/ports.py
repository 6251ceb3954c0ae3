"""Ports of 127.0.0.1 for the tests: taken for certain, not looked at and hoped for.

A port is bound here and stays bound, so no outgoing connection, no other program and no other test can get it. Whoever
sets SO_REUSEADDR, as ssh, sshd, Jupyter and nbssh do, can listen on it all the same: on Linux a socket that is only
bound is in nobody's way who permits that too.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of the tests alone: below the ports that the system gives away, and that nbssh gives to profiles.
RANGE = range(10_000, 20_000)
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
def port_of_its_name(name: str) -> Iterator[None]:
    """Wait until no other test here, of any run, uses a profile `name` with the port that is made of its name."""
    with socket.socket(socket.AF_UNIX) as holder:
        while True:
            try:
                holder.bind(f"\0nbssh-tests-{name}")  # of the kernel alone: it ends with its process
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                time.sleep(0.1)
                continue
            break
        yield
