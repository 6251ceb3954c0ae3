"""The server's side of an add or apply: look at it, try what its sshd forwards, choose. Changes nothing there."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters import openssh, process
from nbssh.core import choice, probe
from nbssh.core.choice import Permitted
from nbssh.core.profile import PROGRAMS, Server, validated
from nbssh.core.render import render

if TYPE_CHECKING:
    from nbssh.adapters.connection import Connection
    from nbssh.adapters.ui import Ui
    from nbssh.core.probe import Candidate, Facts
    from nbssh.core.profile import Profile

LISTEN_SECONDS = 15.0
LOOK_SECONDS = 120.0  # login shells that hang are given up after 10 s each, setup lines after 20 s


def look(connection: Connection, name: str, profile: Profile) -> Facts:
    """Return what the probe found: the profile's app, or if it is nowhere what other Jupyter there is."""
    facts = _probe(connection, name, profile, [PROGRAMS[profile.app]])
    if facts.candidates or profile.jupyter:
        return facts
    return _probe(connection, name, profile, list(PROGRAMS.values()))


def _probe(connection: Connection, name: str, profile: Profile, want: list[str]) -> Facts:
    nonce = secrets.token_hex(8)
    script = render(
        "remote/probe",
        nonce=nonce,
        name=name,
        want=want,
        jupyter=profile.jupyter,
        setup=list(profile.setup),
        setup_shell=list(profile.setup_shell) or ["/bin/sh"],
    )
    out, _ = connection.attempt(script, LOOK_SECONDS)
    return probe.parse(out, nonce, connection.shown)


def choose(connection: Connection, profile: Profile, name: str, facts: Facts, ui: Ui) -> Profile:
    """Return `profile` with what was found and chosen on its server, and say it."""
    found = choice.candidate_for(profile, facts)
    if not found.argon2 and found.version(profile.app):
        ui.warn(f"argon2-cffi was not seen beside {found.path}; without it the password cannot be checked")
    permitted = try_forwarding(connection, facts, found) if profile.forward != "tcp" else Permitted()
    way = choice.way(name, profile, facts, found, permitted)
    ui.say(f"{facts.host} ({facts.os}): {choice.describe(found, profile.app)}")
    if way.forward == "socket":
        ui.say(f"tunnel to a unix socket that only you can open: {way.socket}")
    else:
        ui.say(f"tunnel to 127.0.0.1:{way.port} over there (TCP), {way.why}")
    one_session = not takes_sessions(connection)
    if one_session:
        ui.say("its sshd permits one session for each connection (MaxSessions 1): no second terminal can share it")
    if facts.uid == 0:
        ui.say("you are root there: Jupyter is told to accept that (allow_root)")
    server = Server(
        home=facts.home,
        uid=facts.uid,
        hostname=facts.host,
        os=facts.os,
        jupyter=found.path,
        python=found.python,
        version=found.version(profile.app),
        forward="socket" if way.forward == "socket" else "tcp",
        socket=way.socket,
        port=way.port,
        prompts=connection.prompted,
        one_session=one_session,
        probed_for=profile.fingerprint(),
    )
    return validated(msgspec.structs.replace(profile, server=server), f"what {connection.shown} says")


def takes_sessions(connection: Connection) -> bool:
    """Tell whether sshd permits a second session on one connection (sshd_config(5), MaxSessions)."""
    if not connection.ssh.side.client.multiplexes:
        return True  # nobody shares one
    mark = "nbssh-first"
    first = [*connection.command, "exec", "/bin/sh"]
    # through the master or not at all: a refused client would else log in anew, and ask
    second = [*connection.ssh.through(connection.control_socket), *openssh.QUIET, "-oControlMaster=no"]
    second += ["-oProxyCommand=false", "x", "exec", "/bin/sh"]
    with process.answering(first, f"echo {mark}\n".encode(), mark.encode(), LISTEN_SECONDS) as line:
        return not line or process.run(second, script=b"exit 0\n", seconds=LISTEN_SECONDS).status == 0


def try_forwarding(connection: Connection, facts: Facts, found: Candidate) -> Permitted:
    """Forward to a socket and to a port on the server that answer with a secret word; tell what came through."""
    if not found.python:
        return Permitted()
    nonce = secrets.token_hex(8)
    state = f"{facts.home}/.local/state/nbssh" if facts.socket_at_home else f"/tmp/nbssh-{facts.uid}"  # noqa: S108
    script = render("remote/forwardtest", nonce=nonce, python=found.python, path=f"{state}/try-{nonce[:8]}")
    mark = f"nbssh-{nonce}-listen".encode()
    with process.answering([*connection.command, "exec", "/bin/sh"], script.encode(), mark, LISTEN_SECONDS) as line:
        words = line.decode("utf-8", "replace").split()
        if len(words) != 3 or not words[2].isdigit():  # noqa: PLR2004  mark, socket, port
            return Permitted()
        far_socket = words[1] if words[1].startswith("/") else ""
        with tempfile.TemporaryDirectory(prefix="nbssh-", dir=connection.control_socket.parent) as folder:
            by_socket = _comes_through(connection, Path(folder), far_socket, nonce) if far_socket else None
            by_tcp = _comes_through(connection, Path(folder), f"127.0.0.1:{words[2]}", nonce)
    return Permitted(by_socket, by_tcp)


def _comes_through(connection: Connection, folder: Path, far: str, nonce: str) -> bool:
    """Tell whether the word arrives through a forward to `far`."""
    with connection.forwarded(far, folder) as client:
        if client is None:
            return False
        try:
            with client.makefile("rb") as stream:
                return stream.readline(200).strip() == nonce.encode()
        except OSError:
            return False
