"""`nbssh doctor`, the part about a session as the alias has it: its terminal and its tunnel, tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.profile import app as apps
from nbssh.core.profile.declared import states_folder
from nbssh.core.profile.profile import alias, tcp_port
from nbssh.core.server.doctor import Finding
from nbssh.core.server.facts import Candidate, Facts
from nbssh.steps import connect, forwarding, tunnels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Server
    from nbssh.steps.forwarding import Rehearsed
    from nbssh.steps.profiles import Target


def examine(target: Target, known: Server, there: Connection) -> Iterator[Finding]:
    """Try what the tunnel needs of sshd; an open tunnel has shown it already."""
    name, profile = target.name, target.profile
    if target.way.leads_on:  # another sshd forwards
        yield from target.way.examine(
            target.declared, lambda *words: there.attempt(connect.script_command(target, *words))[0]
        )
        return
    if tunnels.is_open(target):
        yield Finding("forwarding", "ok", "the tunnel is open", profile=name)
        return
    by_socket = known.forward == "socket" or bool(known.gate)
    path = known.gate or known.socket
    at_home = path.startswith(f"{states_folder(known)}/")
    facts = Facts(
        home=known.home,
        uid=known.uid,
        host=known.hostname,
        os=known.os,
        socket_at_home=at_home,
        socket_in_tmp=not at_home,
        socket_limit=len(path.encode()) if at_home else 0,  # what its own has room for
        folder=known.folder,
    )
    found = Candidate(path=known.jupyter, program=apps.program(profile.app), python=known.python)
    rehearsed = forwarding.rehearse(there, facts, found, tcp_port(profile))
    yield from _session(name, known, rehearsed)
    if rehearsed.holder == "foreign" and known.forward == "tcp":
        yield Finding(
            "port there", "error", f"port {tcp_port(profile)} on {known.hostname} belongs to another user's program",
            f"nbssh edit {name}: remote_port", name,
        )  # fmt: skip
    permitted = rehearsed.permitted
    way = permitted.socket if by_socket else permitted.tcp
    if way is False and rehearsed.holder == "mine":  # sshd may permit the one port that Jupyter has
        way = None
    option = "AllowStreamLocalForwarding" if by_socket else "AllowTcpForwarding"
    if way is False:
        other = permitted.tcp if known.forward == "socket" else permitted.socket
        repair = f"nbssh edit {name}: forward = {'tcp' if known.forward == 'socket' else 'socket'!r}"
        yield Finding(
            "forwarding", "error", f"the sshd of {known.hostname} forbids the tunnel to a {known.forward} ({option})",
            repair if other else "ask its administrator to allow it for you", name,
        )  # fmt: skip
    elif way is None:
        yield Finding("forwarding", "warning", "whether sshd permits the tunnel could not be tried", profile=name)
    else:
        yield Finding("forwarding", "ok", f"sshd permits the tunnel ({known.forward})", profile=name)


def _session(name: str, known: Server, rehearsed: Rehearsed) -> Iterator[Finding]:
    """Tell what a session like the alias's met that add had not met; nothing where all is as it was."""
    if rehearsed.terminal is None and rehearsed.fills_screen:
        yield Finding("session", "error", *forwarding.FILLED, name)
    elif rehearsed.terminal is None:
        yield Finding(
            "session", "warning", "a session with a terminal was not tried: something there asks first, or is slow",
            f"see what it asks: ssh {alias(name)}", name,
        )  # fmt: skip
    elif rehearsed.terminal is known.no_terminal or rehearsed.one_session is not known.one_session:
        what = "gives no terminal" if not rehearsed.terminal else "gives other sessions than before"
        yield Finding("session", "warning", f"its sshd {what} now", f"nbssh apply --probe {name}", name)
