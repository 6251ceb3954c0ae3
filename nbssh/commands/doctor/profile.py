"""`nbssh doctor`, the part about one profile on this machine: its file, secret, alias, port and master."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.adapters.programs import lsof
from nbssh.core.files.change import Plan
from nbssh.core.profile.declared import Declared
from nbssh.core.profile.profile import alias
from nbssh.core.server.doctor import Finding, tried
from nbssh.errors import NbsshError
from nbssh.steps import aliases, include, ports
from nbssh.steps import plan as planning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

NAMED = 4  # options that are named in a message; more are counted


def examine(world: World, name: str, profile: Profile, *, ask_ssh: bool) -> list[Finding]:
    """Return the findings about one profile here; without `ask_ssh` only those that need no ssh."""
    found = [Finding("profile", "ok", f"{world.paths.shown(world.paths.profile(name))} can be read", profile=name)]
    found += tried("secret", name, lambda: _secret(world, name, profile))
    found += tried("master", name, lambda: _master(world, name))
    if not any(finding.level == "error" and finding.check == "master" for finding in found):
        found += tried("port", name, lambda: _port(world, name, profile))
    if ask_ssh:
        found += tried("alias", name, lambda: _alias(world, name, profile))
        found += tried("files here", name, lambda: _files(world, name, profile))
    return found


def _secret(world: World, name: str, profile: Profile) -> Iterator[Finding]:
    secret = store.load_secret(world.paths, name)
    flag = " --token" if profile.auth == "token" else ""
    if not (secret.token if profile.auth == "token" else secret.hash):
        yield Finding("secret", "error", f"the {profile.auth} is missing", f"nbssh passwd {name}{flag}", name)
    else:
        yield Finding("secret", "ok", f"the {profile.auth} is there", profile=name)


def _master(world: World, name: str) -> Iterator[Finding]:
    control_socket = world.paths.control_socket(name)
    try:
        opened = world.ssh.check_master(control_socket)
    except NbsshError as error:
        holders = lsof.masters(str(control_socket))
        who = f"; it is {', '.join(holders)}" if holders else ""
        pids = [holder.rpartition("pid ")[2].rstrip(")") for holder in holders]
        repair = f"kill -9 {' '.join(pids)}" if pids else error.hint
        yield Finding("master", "error", f"{error.message}{who}", repair, name)
        return
    yield Finding("master", "ok", "its tunnel is open" if opened else "no tunnel is open", profile=name)


def _port(world: World, name: str, profile: Profile) -> Iterator[Finding]:
    others = [other for other in store.names(world.paths) if other != name and _port_of(world, other) == profile.port]
    if others:
        yield Finding(
            "port", "error", f"port {profile.port} is that of '{others[0]}' too", f"nbssh edit {name}: port", name
        )
        return
    if ports.is_free(profile.port) or world.ssh.check_master(world.paths.control_socket(name)):
        yield Finding("port", "ok", f"127.0.0.1:{profile.port} is free or our own", profile=name)
        return
    who = lsof.listeners(profile.port)
    by = ", ".join(who) if who else "another program"
    yield Finding(
        "port", "error", f"port {profile.port} on this machine is taken by {by}",
        f"end that, or take another port: nbssh edit {name}", name,
    )  # fmt: skip


def _port_of(world: World, name: str) -> int:
    try:
        return store.peek(world.paths, name).port
    except NbsshError:
        return 0


def _alias(world: World, name: str, profile: Profile) -> Iterator[Finding]:
    """Ask the user's own ssh what the alias means now."""
    include.refuse_taken_aliases(world, name)
    answer = world.ssh.resolve([alias(name)]).splitlines()
    if aliases.own_forwards(profile)[0] not in answer:
        yield Finding(
            "alias", "error", f"ssh does not know '{alias(name)}' as nbssh made it",
            f"nbssh apply --offline {name}, then nbssh doctor {name} again", name,
        )  # fmt: skip
        return
    yield Finding("alias", "ok", f"ssh {alias(name)} is known to ssh", profile=name)


def _files(world: World, name: str, profile: Profile) -> Iterator[Finding]:
    """Compare our local files with what the profile, the templates and the destination want now."""
    declared = Declared(name, profile, store.load_secret(world.paths, name))
    changes, unexpressed = planning.local_changes(world, declared)
    plan = Plan(changes)
    for sentence in unexpressed:
        yield Finding(
            "alias", "warning", f"{alias(name)} cannot be made equal to '{profile.destination}': {sentence}",
            "restrict that block of your config to the hosts that it is for", name,
        )  # fmt: skip
    for change in plan.changes:
        shown = world.paths.shown(change.path)
        what = "is out of date" if change.old is not None else "is missing"
        if change.edited:
            what = "was edited by hand" + _edits(change.old or b"", change.new or b"", change.path)
        elif change.path == str(world.paths.conf(name)) and change.old is not None:
            what = "is out of date: your ssh config, the profile or nbssh changed since"
        elif change.action == "mode":
            what = f"has mode {change.old_mode:04o} instead of {change.mode:04o}"
        yield Finding(
            "files here", "warning", f"{shown} {what}", f"nbssh diff --local {name}; nbssh apply {name}", name
        )
    if plan.empty:
        yield Finding("files here", "ok", "all files here are up to date", profile=name)


def _edits(old: bytes, new: bytes, path: str) -> str:
    """Name the options that were changed by hand, where the file is an ssh_config."""
    if not path.endswith(".conf"):
        return ""
    from nbssh.core.ssh import edits  # noqa: PLC0415  sshconf, for this alone

    said = edits.changes(old.decode("utf-8", "replace"), new.decode("utf-8", "replace"))
    if not said:
        return ""
    more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return f": {'; '.join(said[:NAMED])}{more}"
