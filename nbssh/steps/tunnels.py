"""Whether a profile's tunnel is open here: by its master, or where it can have none by the ssh that holds its port."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import listening, lsof
from nbssh.core.files import installed, laptop_files
from nbssh.core.files.change import Kind
from nbssh.core.profile.app import described
from nbssh.core.profile.profile import alias
from nbssh.errors import NbsshError
from nbssh.steps import aliases, background, ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.adapters.laptop.background import Known
    from nbssh.core.files.change import Change
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.profiles import Target


class Alone(NamedTuple):
    """A session that has no master, and holds the tunnel by itself; `pid` is 0 where nobody tells whose the port is.

    `known` where it is in the background by our own means.
    """

    pid: int
    known: Known | None = None

    @property
    def end(self) -> str:
        """How to end it."""
        if self.known:
            return SYSTEM.to_end(self.pid)
        return "Ctrl-C in its terminal" + (f", or: {SYSTEM.to_end(self.pid)}" if self.pid else "")


def is_open(target: Target) -> bool:
    """Tell whether it is open."""
    return target.ssh.check_master(target.control_socket) or alone(target) is not None


def end_moved(target: Target, changes: Sequence[Change]) -> None:
    """End the tunnel that is open, with its sessions, where `changes` of files here give the aliases another one.

    That of a session without a master is left to its terminal.
    """
    if not installed.moves_tunnel(changes):
        return
    nb = alias(target.name)
    if target.end_masters():
        target.ui.say(f"the tunnel of '{target.name}' was open and is closed now: {nb} has changed; again: ssh {nb}")
        return
    ports_before = (installed.port_named(change.old) for change in changes if change.kind is Kind.ALIASES)
    for port in filter(None, ports_before):
        if session := alone(target.with_profile(msgspec.structs.replace(target.profile, port=port))):
            target.ui.say(f"a session of {nb} is open, and keeps the tunnel that it has; end it: {session.end}")


def alone(target: Target) -> Alone | None:
    """Return the session that holds the tunnel of a profile which can have no master; None if there is none.

    It is the ssh with the alias among its words that listens on the profile's port. Where nobody tells who does
    (there is neither /proc nor lsof), what answers there must be a Jupyter.
    """
    profile, name = target.profile, alias(target.name)
    if known := background.find(target.paths, target.name):
        return Alone(known.pid, known)
    if laptop_files.control_path(profile, aliases.local_files(target)) or ports.is_free(profile.port):
        return None
    holders = listening.listeners(profile.port)
    if not any(holder.pid or holder.user for holder in holders):
        return Alone(0) if _answers(profile) else None
    pids = [holder.pid for holder in holders if holder.pid and name in lsof.words(holder.pid)]
    return Alone(pids[0]) if pids else None


def _answers(profile: Profile) -> bool:
    from nbssh.adapters.jupyter.visitor import Visitor  # noqa: PLC0415  only where there is no master

    try:
        visitor, app = Visitor(laptop_files.token_url(profile.port)), described(profile.app)
        visitor.greet(app.ready) if app else visitor.version()
    except NbsshError:
        return False
    return True
