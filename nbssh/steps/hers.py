"""A Jupyter that the user started by hand on a host: it is told, and a profile with `adopt` uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.terminal.ui import moment
from nbssh.core.profile.app import PROGRAMS
from nbssh.core.profile.wrong import UNPRIVILEGED
from nbssh.core.server import choice
from nbssh.core.server.facts import Candidate
from nbssh.core.server.values import is_token
from nbssh.core.ssh.destination import typed
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.server.facts import Facts, Running
    from nbssh.steps.profiles import Target


def tell(target: Target, facts: Facts) -> None:
    """Say what the user runs and has set by hand there, where her profile starts another Jupyter."""
    name, ui, destination = target.name, target.ui, target.profile.destination
    for running in facts.running:
        ui.warn(f"you have a {described(running)}; this profile starts another one")
        ui.say(f"to end that one: {typed(destination, 'kill', str(running.pid))}")
        ui.say(f"to use it instead: --adopt; later nbssh edit {name}, and write: adopt = true")
    if facts.own_folder and not target.profile.dir:
        ui.say(f"the notebooks' folder is the one that {facts.own_folder} there sets")


def described(running: Running) -> str:
    """Return what it is and since when it runs, in words."""
    return choice.describe_running(running, moment(running.since))


def adopted(target: Target, facts: Facts) -> tuple[Target, Running] | None:
    """Return the target with the Jupyter that it is to use, and that; None where it does not run now, but is known.

    Raises NbsshError where there is none, or one to which the tunnel cannot lead.
    """
    ui, known = target.ui, target.profile.server
    running = running_for(target, facts)
    if running is None and known and known.runtime and known.probed_for == target.profile.fingerprint():
        ui.say(
            f"your own Jupyter, which '{target.name}' uses, does not run on {facts.host} now; it stays as it was known"
        )
        return None
    if running is None:
        raise _none(target, facts)
    if why := unusable(running):
        raise NbsshError(f"your own Jupyter on {facts.host} (pid {running.pid}) cannot be used: {why[0]}", why[1])
    token = running.token if is_token(running.token) else ""
    ui.say(f"{facts.host} ({facts.os}): it uses the {described(running)}")
    if token or running.password:
        ui.say(f"its {'token is taken over' if token else 'password stays what it is'}")
    elif running.token:
        ui.warn("its token has characters that no address can hold: its page will ask for it")
    else:
        ui.warn("it has neither password nor token: who reaches its port gets in")
    profile = msgspec.structs.replace(
        target.profile,
        app=running.app,
        remote_port=running.port if running.port >= UNPRIVILEGED else None,
        auth="token" if token else "password",
    )
    secret = msgspec.structs.replace(target.secret, hash="", token=token)
    return target.with_profile(profile).with_secret(secret), running


def running_for(target: Target, facts: Facts) -> Running | None:
    """Return the Jupyter that the profile uses, if it runs; the only one where no port is declared."""
    port = target.profile.remote_port or (target.profile.server.port if target.profile.server else 0)
    if not port and len(facts.running) == 1:
        return facts.running[0]
    return next((running for running in facts.running if running.port == port), None)


def unusable(running: Running) -> tuple[str, str] | None:
    """Return why no tunnel can lead to it, and what to do; None if one can."""
    again = "in ~/.jupyter there, and start it again"
    if not running.reached:
        return "it does not listen on 127.0.0.1", f"set ip to 'localhost' {again}"
    if running.secure:
        return "it speaks TLS, which ssh makes needless", f"take certfile and keyfile out of its configuration {again}"
    if running.base not in {"", "/"}:
        return f"its pages lie below {running.base}", f"take base_url out of its configuration {again}"
    return None


def candidate(running: Running) -> Candidate:
    """Return it as a program that was found: its path is of no use."""
    return Candidate(path="", program=PROGRAMS[running.app], python=running.python)


def _none(target: Target, facts: Facts) -> NbsshError:
    port = target.profile.remote_port
    listening = [running for running in facts.running if running.port]
    there = " and ".join(f"port {running.port} (pid {running.pid})" for running in listening)
    if facts.running and not listening:
        return NbsshError(
            f"your own Jupyter on {facts.host} (pid {facts.running[0].pid}) listens on a unix socket, and on no port",
            "start it there without --sock, then say this again; or leave out --adopt: nbssh starts one by itself",
        )
    if there:
        on = (
            f"none of your Jupyters on {facts.host} listens on port {port}"
            if port
            else (f"several Jupyters of yours run on {facts.host}")
        )
        return NbsshError(f"{on}: there is {there}", f"say which: --remote-port {listening[0].port}")
    return NbsshError(
        f"no Jupyter of yours runs on {facts.host}",
        "start it there as you do, then say this again; or leave out --adopt: nbssh starts one by itself",
    )
