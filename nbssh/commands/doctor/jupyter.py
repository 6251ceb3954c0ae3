"""`nbssh doctor`, the part about Jupyter on one host: the program that was chosen, and what she runs by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.files.quoting import sh
from nbssh.core.profile import app as apps
from nbssh.core.server import choice, needs
from nbssh.core.server.doctor import Finding
from nbssh.core.server.values import is_token
from nbssh.core.ssh.destination import typed
from nbssh.steps import hers, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.profile import Server
    from nbssh.core.server.facts import Facts
    from nbssh.steps.profiles import Target


def _hers(target: Target, facts: Facts) -> Iterator[Finding]:
    """Tell of what she runs or configures by hand there, beside the profile."""
    name = target.name
    for running in () if target.profile.adopt else facts.running:
        yield Finding(
            "by hand", "warning", f"you have a {hers.described(running)}",
            f"if nothing of it is needed: {typed(target.profile.destination, 'kill', str(running.pid))}; "
            f"to use it: nbssh edit {name}, and write adopt = true", name,
        )  # fmt: skip
    if facts.own_network:
        yield Finding(
            "by hand", "warning", f"{facts.own_network} there opens what you start by hand to the whole network",
            "take the line with ip out of it; what nbssh starts does not follow it", name,
        )  # fmt: skip


def _adopted(target: Target, facts: Facts) -> Finding:
    """Tell whether the Jupyter that the user starts by hand runs, and is as it was."""
    name, running = target.name, hers.running_for(target, facts)
    if running is None:
        return Finding(
            "jupyter", "warning", f"your own Jupyter, which '{name}' uses, does not run on {facts.host}",
            f"start it there as you did; or nbssh edit {name}, and take out the line 'adopt'", name,
        )  # fmt: skip
    if why := hers.unusable(running):
        return Finding("jupyter", "error", f"your own Jupyter on {facts.host} cannot be used: {why[0]}", why[1], name)
    if is_token(running.token) and running.token != target.secret.token:
        return Finding(
            "jupyter", "warning", "your own Jupyter was started again, with another token", f"nbssh apply {name}", name
        )
    return Finding("jupyter", "ok", f"it uses the {hers.described(running)}", profile=name)


def _gone(target: Target, known: Server, facts: Facts) -> Finding:
    """Tell that the program is not there, which is no wonder where sessions end on other hosts."""
    name = target.name
    if target.way.leads_on:
        return Finding("jupyter", "ok", f"{known.jupyter} is where sessions end, not on {facts.host}", profile=name)
    repair = f"nbssh edit {name}: jupyter" if target.profile.jupyter else f"nbssh apply --probe {name}"
    return Finding("jupyter", "error", f"{known.jupyter} is no longer on {facts.host}", repair, name)


def examine(target: Target, known: Server, there: Connection) -> Iterator[Finding]:
    """Look whether the program that was chosen is still there, and still the same."""
    name, profile = target.name, target.profile
    again = f"nbssh apply --probe {name}"
    out, status = there.attempt(f"test -x {sh(known.jupyter)} && echo there")
    facts = probe.look(there, target)
    yield from _hers(target, facts)
    for lack in needs.lacks(name, profile, facts):
        yield Finding(
            "start", "error" if lack.fatal and not target.way.leads_on else "warning", lack.message, lack.repair, name
        )
    if profile.adopt:
        yield _adopted(target, facts)
        return
    found = next((one for one in facts.candidates if one.path == known.jupyter), None)
    if not found and (status or b"there" not in out):
        yield _gone(target, known, facts)
        return
    title = apps.title(profile.app)
    if found and found.fault:
        why = f"{known.jupyter} on {facts.host}: {choice.fault(found)}"
        yield Finding("jupyter", "warning" if found.starts else "error", why, again, name)
        return
    if found is None:
        yield Finding("jupyter", "ok", f"{title} is still at {known.jupyter}", profile=name)
        return
    version = found.version(profile.app)
    if version != known.version:
        yield Finding(
            "jupyter", "warning", f"{title} there is now {version or 'unknown'}, it was {known.version or 'unknown'}",
            again, name,
        )  # fmt: skip
    elif version and not found.argon2 and apps.is_jupyter(profile.app):
        yield Finding(
            "jupyter", "warning", f"argon2-cffi was not seen beside {found.path}; it checks the password",
            f"install it: {choice.pip_install(found, profile, 'argon2-cffi')}", name,
        )  # fmt: skip
    else:
        yield Finding("jupyter", "ok", f"{choice.describe(found, profile.app)}", profile=name)
    if lost := choice.loses_outputs(found, profile):
        yield Finding("outputs", "ok", lost, profile=name)
