"""The host's side of an add or apply: look at it, choose."""

from __future__ import annotations

import functools
import secrets
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from nbssh.adapters.terminal import trace
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile import app as apps
from nbssh.core.profile.app import PROGRAMS
from nbssh.core.profile.place import own_folder
from nbssh.core.profile.profile import Server, validated
from nbssh.core.server import choice, needs
from nbssh.core.server.choice import Permitted
from nbssh.core.server.facts import Candidate, parse
from nbssh.core.text import printable
from nbssh.errors import NbsshError
from nbssh.steps import forwarding, hers
from nbssh.steps.forwarding import Rehearsed
from nbssh.steps.way import Seen

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.server.choice import Tunnel
    from nbssh.core.server.facts import Facts, Running
    from nbssh.steps.profiles import Target

LOOK_SECONDS = 120.0  # login shells that hang are given up after 10 s each, setup lines after 20 s


class Probe(Template, frozen=True, kw_only=True):
    """What the probe is asked to look for."""

    templates: ClassVar = ("sent/probe",)
    nonce: str
    want: list[str]
    jupyter: str
    dir: str
    folder: str
    adopt: str
    fast: bool
    setup: list[str]
    setup_shell: list[str]


def find_out(there: Connection, target: Target) -> Target:
    """Look at the host and choose; return the target with what was found. Its secret has a key where it needs one.

    `there` must be a connection to the destination itself: where the way leads on, sessions end on another host.
    """
    with trace.step(f"probe {there.shown}"):
        facts = look(there, target)
    return choose(there, target, facts)


def look(connection: Connection, target: Target) -> Facts:
    """Return what the probe found: the profile's app, or if it is nowhere what other Jupyter there is."""
    facts = _probe(connection, target, [apps.program(target.profile.app)])
    if facts.candidates or target.profile.jupyter or target.profile.adopt or not apps.is_jupyter(target.profile.app):
        return facts
    return _probe(connection, target, list(PROGRAMS.values()))


def _probe(connection: Connection, target: Target, want: list[str]) -> Facts:
    nonce, profile = secrets.token_hex(8), target.profile
    model = Probe(
        nonce=nonce,
        want=want,
        jupyter=profile.jupyter,
        dir=profile.dir,
        folder=own_folder(profile),
        adopt="yes" if profile.adopt else "",
        fast=profile.fast_start and apps.is_jupyter(profile.app),
        setup=list(profile.setup),
        setup_shell=list(profile.setup_shell) or ["/bin/sh"],
    )
    out, _ = connection.attempt(render(model), LOOK_SECONDS)
    return msgspec.structs.replace(parse(out, nonce, connection.shown, want), folder=own_folder(profile))


def choose(connection: Connection, target: Target, facts: Facts, *, tries_way: bool = True) -> Target:
    """Return the target with what was found and chosen on its host, and say it.

    Where its way leads on, it is tried, which writes over there; without `tries_way` the likeliest is assumed.
    """
    if facts.open:
        raise NbsshError(
            f"on {facts.host} {facts.open}: what runs from there could be theirs", f"there: {facts.repair}"
        )
    if not target.profile.adopt:
        found = _candidate(target, facts)
        return _chosen(connection, target, facts, found, tries_way=tries_way)
    mine = hers.adopted(target, facts)
    return _chosen(connection, mine[0], facts, hers.candidate(mine[1]), mine[1]) if mine else target


def _candidate(target: Target, facts: Facts) -> Candidate:
    """Return the Jupyter to run; one without a path where sessions end on other hosts, and only these may have it."""
    try:
        found = choice.candidate_for(target.profile, facts)
    except NbsshError as error:
        if not target.way.leads_on:
            raise
        target.ui.say(f"{error.message}; it is looked for where a session ends")
        return Candidate(path="", program=apps.program(target.profile.app))
    _tell_candidates(target, facts, found)
    return found


def _chosen(
    connection: Connection,
    target: Target,
    facts: Facts,
    found: Candidate,
    running: Running | None = None,
    *,
    tries_way: bool = True,
) -> Target:
    """Try a session, and return the target with what runs there; `running` is hers, which it uses."""
    name, profile, ui = target.name, target.profile, target.ui
    leads_on = target.way.leads_on  # then another sshd forwards
    far = running.port if running else choice.tcp_port(name, profile, facts)
    tried = Rehearsed(Permitted(), terminal=True) if leads_on else forwarding.rehearse(connection, facts, found, far)
    tunnel = choice.tunnel(name, profile, facts, found, tried.permitted, leads_on=leads_on)
    if not running and found.path:
        ui.say(f"{facts.host} ({facts.os}): {choice.describe(found, profile.app)}")
        if lost := choice.loses_outputs(found, profile):
            ui.say(lost)
    if tunnel.forward == "tcp" and not running:
        tunnel = _with_own_port(target, facts, tunnel, tried.holder)
    _tell_tunnel(target, tunnel, running.port if running else tunnel.port)
    _tell_session(target, facts, tried)
    for lack in needs.lacks(name, profile, facts):
        ui.warn(f"{lack.message}; {lack.repair}")
    if not running:
        hers.tell(target, facts)
        if facts.uid == 0:
            ui.say("you are root there: Jupyter is told to accept that (allow_root)")
    prompts = connection.prompted or (connection.forced and (tried.late or connection.noisy))
    server = Server(
        home=facts.home,
        folder=facts.folder,
        uid=facts.uid,
        hostname=facts.host,
        os=facts.os,
        jupyter=found.path,
        python=found.python,
        version=found.version(profile.app),
        generation=choice.generation(found, profile.app),
        forward="socket" if tunnel.forward == "socket" else "tcp",
        socket=tunnel.socket,
        port=running.port if running else tunnel.port,
        gate=tunnel.gate,
        runtime=running.folder if running else "",
        prompts=prompts,
        kill_joins=prompts,
        one_session=tried.one_session,
        no_terminal=tried.terminal is False,
        sessions_ask=connection.forced or (tried.late and tried.terminal is not None),
        untried=_untried(tried, tunnel, leads_on=leads_on),
        probed_for=profile.fingerprint(),
    )
    target = with_server(connection, target, server)
    if not tries_way and leads_on:
        return with_server(connection, target, msgspec.structs.replace(server, via=target.way.unseen_via))
    seen = Seen(facts, found, functools.partial(look, target=target))
    return with_server(connection, target, target.way.find(connection, target.declared, seen, target.ui))


def _with_own_port(target: Target, facts: Facts, tunnel: Tunnel, holder: str) -> Tunnel:
    """Return the tunnel to a port that nobody has; where one is declared that somebody has, that is said.

    One of hers may be the profile's own Jupyter, where it has one already.
    """
    if holder not in {"mine", "foreign"} or (holder == "mine" and target.profile.server):
        return tunnel
    if not target.profile.remote_port:
        port = choice.next_port(tunnel.port)
        target.ui.say(f"port {tunnel.port} on {facts.host} is taken: {port} is chosen there")
        return msgspec.structs.replace(tunnel, port=port)
    who = "a program of yours" if holder == "mine" else "another user's program"
    target.ui.warn(
        f"port {tunnel.port} on {facts.host} is taken by {who}, so no session can start Jupyter there; "
        f"end that, or take another port: nbssh edit {target.name}: remote_port"
    )
    return tunnel


def _tell_tunnel(target: Target, tunnel: Tunnel, port: int) -> None:
    """Say where it ends."""
    if tunnel.forward == "socket":
        target.ui.say(f"tunnel to a unix socket that only you can open: {tunnel.socket}")
        return
    through = f"; its end is a socket that only you can open: {tunnel.gate}" if tunnel.gate else ""
    target.ui.say(f"tunnel to 127.0.0.1:{port} over there (TCP), {tunnel.why}{through}")


def _tell_session(target: Target, facts: Facts, tried: Rehearsed) -> None:
    """Say what its sshd does not give."""
    if tried.one_session:
        target.ui.say(
            "its sshd permits one session for each connection (MaxSessions 1): no second terminal can share it"
        )
    if facts.kills:
        target.ui.warn(
            f"systemd on {facts.host} ends your processes when you log out (KillUserProcesses=yes), Jupyter too; "
            "so that it stays, there: loginctl enable-linger"
        )
    if tried.terminal is None and tried.fills_screen:
        target.ui.warn("; ".join(forwarding.FILLED))
    if tried.terminal is False:
        target.ui.say(
            "its sshd gives no terminal (PermitTTY no, or no-pty in ~/.ssh/authorized_keys): sessions go without one"
        )


def _tell_candidates(target: Target, facts: Facts, found: Candidate) -> None:
    """Say which programs cannot be run, or did not say their version."""
    for passed in facts.candidates:
        said = f"{printable(passed.path, 200)} on {facts.host}"
        if passed.fault and passed.path == found.path:
            target.ui.warn(f"{said}: {choice.fault(passed)}; the first session will show whether it runs")
        elif passed.fault and passed.program == found.program:
            target.ui.say(f"{said} was left out: {choice.fault(passed)}")
    if apps.is_jupyter(target.profile.app) and not found.argon2 and found.version(target.profile.app):
        target.ui.warn(f"argon2-cffi was not seen beside {found.path}; without it the password cannot be checked")


def _untried(tried: Rehearsed, chosen: Tunnel, *, leads_on: bool) -> list[Literal["terminal", "tunnel"]]:
    """Return what a session needs and was not seen to work; where the way leads on, that way is what is tried."""
    permitted = tried.permitted.socket if chosen.forward == "socket" or chosen.gate else tried.permitted.tcp
    found: list[Literal["terminal", "tunnel"]] = []
    if tried.terminal is None:
        found.append("terminal")
    if permitted is None and not leads_on:
        found.append("tunnel")
    return found


def with_server(connection: Connection, target: Target, server: Server) -> Target:
    """Return the target with what is known of its host; raise NbsshError for what cannot be a host's."""
    profile = msgspec.structs.replace(target.profile, server=server, carried="")
    return target.with_profile(validated(profile, f"what {connection.shown} says"))
