"""What a host's sshd permits, tried and not guessed: sessions on one connection, a terminal, and tunnels."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.ssh.second import TerminalEndsConnectionError
from nbssh.adapters.terminal import trace
from nbssh.core import answers
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.server import choice, values
from nbssh.core.server.choice import Permitted

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.adapters.ssh.second import Second
    from nbssh.core.server.facts import Candidate, Facts
    from nbssh.core.server.values import FarEnd, Pid, ServerPath

LISTEN_SECONDS = 15.0
LATE_SECONDS = 3.0  # no shell that asks nobody needs so long for its first word on an open connection


class ForwardTest(Template, frozen=True, kw_only=True):
    """What listens on the host for a moment: by which Python, where, and the word that it answers.

    `path` is that of a unix socket, or nothing: a port alone.
    """

    templates: ClassVar = ("sent/forwardtest",)
    nonce: str
    python: str
    path: str
    port: int


class ForwardEnd(Template, frozen=True, kw_only=True):
    """What ends the listener of a ForwardTest, and waits until it has taken away what it made."""

    templates: ClassVar = ("sent/forwardend",)
    pid: Pid


@dataclass(frozen=True)
class Rehearsed:
    """What came of a session like those of the alias.

    `holder` is who has the port of the host that was to be tried: free, mine, foreign, or nothing where nobody tells.
    `terminal` is None where it could not be tried: something there asks first. `one_session`: no other one shares the
    connection. `late`: the session's first word took long.
    `fills_screen`: a program such as tmux took its terminal instead of ours.
    """

    permitted: Permitted
    terminal: bool | None = None
    one_session: bool = False
    late: bool = False
    holder: str = ""
    fills_screen: bool = False


FILLED = (
    "a rc file there starts tmux, screen or the like in every terminal, for commands too: a session ends in that",
    "put that line behind `case $- in *i*)`: a shell that runs a command is not interactive",
)


def rehearse(connection: Connection, facts: Facts, found: Candidate, port: int) -> Rehearsed:
    """Try a session as the alias has it, one for all: a terminal, a command with arguments, the tunnel.

    Its end on the host is `port`, which sshd may permit alone, or another one where that is taken.
    """
    try:
        with (
            trace.step(f"rehearse a session on {connection.shown}"),
            _listener(connection, facts, found, port) as there,
        ):
            nonce, ends, holder = there
            with connection.second(ends) as second:
                began = time.monotonic()
                terminal = second.terminal(LISTEN_SECONDS)
                late = not second.refused and time.monotonic() - began > LATE_SECONDS
                permitted = _permitted(second, ends, nonce)
            return Rehearsed(permitted, terminal, second.refused, late, holder, second.fills_screen)
    except TerminalEndsConnectionError:
        return Rehearsed(try_forwarding(connection, facts, found, port), terminal=False)


def try_forwarding(connection: Connection, facts: Facts, found: Candidate, port: int) -> Permitted:
    """Forward to a socket and to a port on the host that answer with a secret word; tell what came through."""
    with (
        trace.step(f"try tunnels to {connection.shown}"),
        _listener(connection, facts, found, port) as (nonce, ends, _),
        connection.second(ends, session=False) as second,
    ):
        return _permitted(second, ends, nonce)


def reaches(connection: Connection, path: ServerPath, word: str) -> bool:
    """Tell whether a tunnel to the socket `path` ends at what answers with `word`."""
    far = values.far_socket(path)
    with connection.second([far], session=False) as second:
        return _comes_through(second, far, word)


@contextlib.contextmanager
def _listener(
    connection: Connection, facts: Facts, found: Candidate, port: int
) -> Iterator[tuple[str, list[FarEnd], str]]:
    """Let the host listen; yield the word that it answers, where (a port, then the socket, if any), and the holder.

    Nowhere without a Python there. It runs beside the scripts of the connection, and needs no session of its own.
    """
    nonce = secrets.token_hex(8)
    # chosen here, where a profile's would be: a path that the host chose would reach the command line of ssh
    path = choice.trial_path(nonce, facts)
    # what is no Python's leaves it to the host's own, which made sockets there when the probe looked
    python = found.python or ("python3" if facts.socket_at_home or facts.socket_in_tmp else "")
    if not python:
        yield nonce, [], ""
        return
    test = ForwardTest(nonce=nonce, python=python, path=path, port=port)
    said, _ = connection.attempt(render(test), LISTEN_SECONDS)
    match [row for row in answers.rows(said) if row[0] == f"nbssh-{nonce}-listen"]:
        case [[_, "made" | "-" as socket_there, far, "free" | "mine" | "foreign" | "unknown" as holder, number]]:
            ends = [values.far_port(values.port(far))]
            if socket_there == "made":
                ends.append(values.far_socket(path))
            ending = render(ForwardEnd(pid=values.pid(number)))
        case _:
            yield nonce, [], ""
            return
    try:
        yield nonce, ends, holder
    except TerminalEndsConnectionError:
        # the listener has gone with it, and the next script logs in again
        connection.close()
        connection.opened = False
        raise
    except BaseException:
        connection.attempt(ending, LISTEN_SECONDS)
        raise
    connection.attempt(ending, LISTEN_SECONDS)


def _permitted(second: Second, ends: list[FarEnd], nonce: str) -> Permitted:
    by_tcp, by_socket = [*(_comes_through(second, far, nonce) for far in ends), None, None][:2]
    return Permitted(by_socket, by_tcp)


def _comes_through(second: Second, far: FarEnd, nonce: str) -> bool:
    """Tell whether the word arrives through a forward to `far`."""
    with second.reached(far) as client:
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
