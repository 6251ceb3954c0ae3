"""The unit or agent that keeps a profile's tunnel up: its file, and telling the system of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection
from nbssh.adapters.programs import process
from nbssh.core.files.change import Kind
from nbssh.errors import NbsshError
from nbssh.steps import plan

if TYPE_CHECKING:
    from nbssh.core.files.change import Change
    from nbssh.steps.context import Context

SECONDS = 30.0


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


def run(commands: list[list[str]]) -> list[str] | None:
    """Run the commands; return the one that failed, None if all went well."""
    for command in commands:
        try:
            done = process.run(command, seconds=SECONDS)
        except NbsshError:  # there is no such program
            return command
        if done.status:
            return command
    return None


def removal(context: Context, name: str) -> list[Change]:
    """End it, and return what deletes its file; nothing where there is none."""
    file = context.paths.unit(name)
    if inspection.entry(file) is None:
        return []
    run(stopping(context, name))
    return plan.deletions({file: Kind.OTHER}, f"kept the tunnel of '{name}' up")
