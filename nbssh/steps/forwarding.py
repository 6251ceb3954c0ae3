"""What a server's sshd permits, tried and not guessed: sessions on one connection, and tunnels."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.programs import process
from nbssh.adapters.terminal import trace
from nbssh.core import answers
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import STATES
from nbssh.core.server import values
from nbssh.core.server.choice import Permitted
from nbssh.core.ssh.destination import QUIET

if TYPE_CHECKING:
    import socket

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.server.facts import Candidate, Facts
    from nbssh.core.server.values import FarEnd

LISTEN_SECONDS = 15.0


class ForwardTest(Template, frozen=True, kw_only=True):
    """What listens on the server for a moment: by which Python, where, and the word that it answers."""

    templates: ClassVar = ("sent/forwardtest",)
    nonce: str
    python: str
    path: str


def takes_sessions(connection: Connection) -> bool:
    """Tell whether sshd permits a second session on one connection (sshd_config(5), MaxSessions)."""
    if not connection.ssh.system.client.multiplexes:
        return True  # nobody shares one
    mark = "nbssh-first"
    first = [*connection.command, "exec", "/bin/sh"]
    # through the master or not at all: otherwise a refused client would log in by itself, and ask
    second = [*connection.ssh.through(connection.control_socket), *QUIET, "-oControlMaster=no"]
    second += ["-oProxyCommand=false", "x", "exec", "/bin/sh"]
    with process.answering(first, f"echo {mark}\n".encode(), mark.encode(), LISTEN_SECONDS) as line:
        return not line or process.run(second, script=b"exit 0\n", seconds=LISTEN_SECONDS).status == 0


def try_forwarding(connection: Connection, facts: Facts, found: Candidate) -> Permitted:
    """Forward to a socket and to a port on the server that answer with a secret word; tell what came through."""
    if not found.python:
        return Permitted()
    with trace.step(f"try tunnels to {connection.shown}"):
        return _permitted(connection, facts, found)


def _permitted(connection: Connection, facts: Facts, found: Candidate) -> Permitted:
    nonce = secrets.token_hex(8)
    state = f"{facts.home}/{STATES}" if facts.socket_at_home else f"/tmp/nbssh-{facts.uid}"  # noqa: S108
    path = f"{state}/try-{nonce[:8]}"  # chosen here: a path that the server chose would reach the command line of ssh
    script = render(ForwardTest(nonce=nonce, python=found.python, path=path))
    mark = f"nbssh-{nonce}-listen".encode()
    with process.answering([*connection.command, "exec", "/bin/sh"], script.encode(), mark, LISTEN_SECONDS) as line:
        match answers.rows(line):
            case [[_, "made" | "-" as socket_there, port]]:
                far_port = values.far_port(values.port(port))
            case _:
                return Permitted()
        with tempfile.TemporaryDirectory(prefix="nbssh-", dir=connection.control_socket.parent) as folder:
            made = socket_there == "made"
            by_socket = _comes_through(connection, Path(folder), values.far_socket(path), nonce) if made else None
            by_tcp = _comes_through(connection, Path(folder), far_port, nonce)
    return Permitted(by_socket, by_tcp)


def _comes_through(connection: Connection, folder: Path, far: FarEnd, nonce: str) -> bool:
    """Tell whether the word arrives through a forward to `far`."""
    with connection.forwarded(far, folder) as client:
        if client is None:
            return False
        try:
            return _received(client, len(nonce)) == nonce.encode()
        except OSError:
            return False


def _received(client: socket.socket, size: int) -> bytes:
    """Return the first `size` bytes that come within LISTEN_SECONDS; fewer where it ends before. Raises OSError."""
    until, data = time.monotonic() + LISTEN_SECONDS, b""
    while len(data) < size and (left := until - time.monotonic()) > 0:
        client.settimeout(left)
        more = client.recv(size - len(data))
        if not more:
            break
        data += more
    return data
