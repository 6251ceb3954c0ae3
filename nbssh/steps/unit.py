"""The unit or agent that keeps a profile's tunnel up: its file, and telling the system of it."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from nbssh.adapters.files import atomic, inspection
from nbssh.adapters.programs import process
from nbssh.core.files.change import Kind
from nbssh.core.files.unit import AGENT, SERVICE, text
from nbssh.errors import NbsshError
from nbssh.steps import aliases, plan, ports, tunnels

if TYPE_CHECKING:
    from nbssh.core.files.change import Change
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

SECONDS = 30.0
OPEN_SECONDS = 60.0  # a login, and the start of Jupyter
_NAP = 0.2


def wanted(target: Target) -> str:
    """Return the content of its unit. Raises NbsshError where there is no ssh."""
    ssh = shutil.which(target.ssh.command[0])
    if ssh is None:
        raise NbsshError(f"there is no '{target.ssh.command[0]}'", "install the OpenSSH client")
    template = AGENT if target.paths.system.has_launchd else SERVICE
    return text(target.declared, aliases.local_files(target), ssh, template)


def starting(context: Context, name: str) -> list[list[str]]:
    """Return the commands that let the system run it, now and after each login."""
    file = context.paths.unit(name)
    if context.paths.system.has_launchd:
        return [["launchctl", "bootstrap", f"gui/{os.getuid()}", str(file)]]
    return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", file.name]]


def stopping(context: Context, name: str) -> list[list[str]]:
    """Return the commands that end it."""
    file = context.paths.unit(name)
    if context.paths.system.has_launchd:
        return [["launchctl", "bootout", f"gui/{os.getuid()}/{file.stem}"]]
    return [["systemctl", "--user", "disable", "--now", file.name]]


def asking(context: Context, name: str) -> list[list[str]]:
    """Return the command that ends with 0 while it runs."""
    file = context.paths.unit(name)
    if context.paths.system.has_launchd:
        return [["launchctl", "print", f"gui/{os.getuid()}/{file.stem}"]]
    return [["systemctl", "--user", "--quiet", "is-active", file.name]]


def log(context: Context, name: str) -> str:
    """Return the command that shows what it said."""
    file = context.paths.unit(name)
    if context.paths.system.has_launchd:
        return f"launchctl print gui/{os.getuid()}/{file.stem}"
    return f"journalctl --user -u {file.name}"


def opens(target: Target) -> bool:
    """Tell whether its tunnel is open, now or soon: that the system took the unit is no proof."""
    until = time.monotonic() + OPEN_SECONDS
    while ports.is_free(target.profile.port) or not tunnels.is_open(target):
        if time.monotonic() > until:
            return False
        time.sleep(_NAP)
    return True


def tidy(context: Context, name: str) -> None:
    """Remove the folders that were made for its file, where nothing else is in them."""
    state, above = str(context.paths.state), set(map(str, context.paths.unit(name).resolve().parents))
    atomic.take_back_folders([each for each in reversed(atomic.made_folders(state)) if each in above], state)


def run(commands: list[list[str]]) -> tuple[list[str], str] | None:
    """Run the commands; return the one that failed and the last line that it said, None if all went well."""
    for command in commands:
        try:
            done = process.run(command, seconds=SECONDS)
        except NbsshError as error:  # there is no such program
            return command, error.message
        if done.status:
            lines = done.err.decode("utf-8", "replace").split("\n")
            return command, next((line.strip() for line in reversed(lines) if line.strip()), f"status {done.status}")
    return None


def removal(context: Context, name: str) -> list[Change]:
    """End it, and return what deletes its file; nothing where there is none."""
    file = context.paths.unit(name)
    if inspection.entry(file) is None:
        return []
    run(stopping(context, name))
    return plan.deletions({file: Kind.OTHER}, f"kept the tunnel of '{name}' up")
