"""Alias files that ssh refuses: while one is there every ssh call fails, so it is written again before all else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection
from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.core.files.change import Kind, Plan
from nbssh.steps import writing
from nbssh.steps.plan import local_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.steps.profiles import Target

_turn = threading.Lock()


def torn(targets: Sequence[Target]) -> list[Target]:
    """Return those whose installed alias file ssh refuses, read all by itself."""
    return [target for target in targets if _is_torn(target)]


def mend(targets: Sequence[Target]) -> None:
    """Write those files again, all at once; what they held is kept as a backup, and that is said."""
    with _turn:
        broken = torn(targets)
        changes = [change for target in broken for change in local_changes(target)[0] if change.kind is Kind.ALIASES]
        for target in broken:
            target.ui.say(f"ssh refuses {target.paths.shown(target.paths.conf(target.name))}: it is written again")
        if broken:
            writing.write_local(broken[0].context, Plan(changes))


def _is_torn(target: Target) -> bool:
    path = target.paths.conf(target.name)
    entry = inspection.entry(path)
    if entry is None or entry.kind != "file" or not entry.readable:
        return False
    try:
        target.ssh.resolve(["localhost"], config=path)
    except RefusedConfigError:
        return True
    return False
