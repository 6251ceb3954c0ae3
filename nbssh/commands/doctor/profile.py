"""`nbssh doctor`, the part about one profile on this machine: its file, secret, alias, port and master."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.core.files.change import Kind, Plan
from nbssh.core.profile.profile import alias, all_aliases
from nbssh.core.server.doctor import Finding, tried
from nbssh.errors import NbsshError
from nbssh.steps import blocks, include, own_block, ports, profiles, tunnels, unit
from nbssh.steps.plan import local_changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbssh.core.files.change import Change
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

NAMED = 4  # options that are named in a message; more are counted


@dataclass(frozen=True)
class Common:
    """What is found once for all profiles.

    `owners` says whose each local port is; `hosts` are the names on the user's own Host lines, None where her config
    cannot be read; `many` says that all profiles are examined.
    """

    owners: Mapping[int, Sequence[str]]
    hosts: frozenset[str] | None
    many: bool

    @classmethod
    def of(cls, context: Context, targets: Sequence[Target], *, many: bool) -> Common:
        """Look for it."""
        own = None if many else [port for target in targets for port in target.profile.local_ports()]
        owners = profiles.owners(context, among=own)
        try:
            return cls(owners, include.own_hosts(context), many)
        except NbsshError:
            return cls(owners, None, many)

    def has_own_block(self, alias: str) -> bool:
        """Tell whether the user may have a block of her own of the alias."""
        return self.hosts is None or alias in self.hosts


def examine(target: Target, common: Common, *, ask_ssh: bool) -> list[Finding]:
    """Return the findings about one profile here; without `ask_ssh` only those that need no ssh."""
    name, paths = target.name, target.paths
    found = [Finding("profile", "ok", f"{paths.shown(paths.profile(name))} can be read", profile=name)]
    found += tried("secret", name, lambda: _secret(target))
    found += tried("master", name, lambda: _master(target))
    if not any(finding.level == "error" and finding.check == "master" for finding in found):
        found += tried("port", name, lambda: _port(target, common.owners))
    if ask_ssh:
        found += tried("alias", name, lambda: _alias(target, common))
        found += tried("files here", name, lambda: _files(target))
        found += tried("unit", name, lambda: _unit(target))
    return found


def _secret(target: Target) -> Iterator[Finding]:
    name, profile, secret = target.name, target.profile, target.secret
    if profile.adopt and not secret.token:
        yield Finding("secret", "ok", "your own Jupyter has its own password", profile=name)
    elif not (secret.token if profile.auth == "token" else secret.hash):
        repair = f"nbssh passwd {name}{' --token' if profile.auth == 'token' else ''}"
        yield Finding("secret", "error", f"the {profile.auth} is missing", repair, name)
    else:
        yield Finding("secret", "ok", f"the {profile.auth} is there", profile=name)


def _master(target: Target) -> Iterator[Finding]:
    name = target.name
    try:
        opened = target.ssh.check_master(target.control_socket)
    except NbsshError as error:
        yield Finding("master", "error", error.message, error.hint, name)
        return
    opened = opened or tunnels.alone(target) is not None
    yield Finding("master", "ok", "its tunnel is open" if opened else "no tunnel is open", profile=name)


def _port(target: Target, owners: Mapping[int, Sequence[str]]) -> Iterator[Finding]:
    name, mine = target.name, target.profile.local_ports()
    others = {port: other for port in mine for other in owners.get(port, ()) if other != name}
    opened = tunnels.is_open(target)
    well = True
    for port in mine:
        edit = f"nbssh edit {name}: {'port' if port == mine[0] else 'also'}"
        if port in others:
            yield Finding("port", "error", f"port {port} is that of '{others[port]}' too", edit, name)
        elif not (opened or ports.is_free(port)):
            by, end = ports.holder_of(port)
            what = f"port {port} on this machine is taken by {by}: so {alias(name)} gets no tunnel"
            yield Finding("port", "error", what, f"{end}take another port: {edit}", name)
        else:
            continue
        well = False
    if well:
        listed = ", ".join(f"127.0.0.1:{port}" for port in mine)
        yield Finding("port", "ok", f"{listed} {'are' if mine[1:] else 'is'} free or our own", profile=name)


def _alias(target: Target, common: Common) -> Iterator[Finding]:
    """Ask the user's own ssh what the alias means now."""
    name = target.name
    for wanted in all_aliases(name, leads_on=target.way.leads_on):
        found = include.own_block(target.context, wanted) if common.has_own_block(wanted) else None
        if found and not own_block.is_heeded(target, wanted):
            raise include.taken_alias(target.context, wanted, found)
        if found:
            where = include.place(target.context, found)
            what = f"{where}: your own block of {wanted} is harmless, and counts beside ours"
            yield Finding("alias", "ok", what, profile=name)
    if not blocks.is_known(target, among_many=common.many):
        yield Finding(
            "alias", "error", f"ssh does not know '{alias(name)}' as nbssh made it",
            f"nbssh apply --offline {name}, then once more: nbssh doctor {name}", name,
        )  # fmt: skip
        return
    yield Finding("alias", "ok", f"ssh {alias(name)} is known to ssh", profile=name)


def _files(target: Target) -> Iterator[Finding]:
    """Compare our local files with what the profile, the templates and the destination want now."""
    name, paths = target.name, target.paths
    changes, unexpressed = local_changes(target)
    plan = Plan(changes)
    for sentence in unexpressed:
        yield Finding(
            "alias", "warning", f"{alias(name)} cannot be made equal to '{target.profile.destination}': {sentence}",
            "restrict that block of your config to the hosts that it is for", name,
        )  # fmt: skip
    for change in plan.changes:
        shown = paths.shown(change.path)
        what = "is out of date" if change.old is not None else "is missing"
        if change.edited:
            what = "was edited by hand" + _edits(change)
        elif change.kind is Kind.ALIASES and change.old is not None:
            what = "is out of date: your ssh config, the profile or nbssh changed since"
        elif change.action == "mode":
            what = f"has mode {change.old_mode:04o} instead of {change.mode:04o}"
        yield Finding(
            "files here", "warning", f"{shown} {what}", f"nbssh diff --local {name}; nbssh apply {name}", name
        )
    if plan.empty:
        yield Finding("files here", "ok", "all files here are up to date", profile=name)


def _unit(target: Target) -> Iterator[Finding]:
    """Ask systemd or launchd about what keeps the tunnel up, where the user wanted that."""
    name, context, file = target.name, target.context, target.paths.unit(target.name)
    old = writer.read(file)
    if old is None:
        return
    if old != unit.wanted(target).encode():
        yield Finding(
            "unit", "warning", f"{target.paths.shown(file)} is out of date", f"nbssh unit {name} --install", name
        )
    elif unit.run(unit.asking(context, name)):
        yield Finding("unit", "warning", f"{file.name} does not run", unit.log(context, name), name)
    else:
        yield Finding("unit", "ok", f"{file.name} keeps the tunnel up", profile=name)


def _edits(change: Change) -> str:
    """Name the options that were changed by hand, where the file is an ssh_config."""
    if change.kind is not Kind.ALIASES:
        return ""
    from nbssh.core.ssh import edits  # noqa: PLC0415  sshconf, for this alone

    said = edits.changes(*((data or b"").decode("utf-8", "replace") for data in (change.old, change.new)))
    if not said:
        return ""
    more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return f": {'; '.join(said[:NAMED])}{more}"
