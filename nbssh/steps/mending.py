"""Alias files that ssh refuses: while one is there every ssh call fails, so it is written again before all else."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection
from nbssh.adapters.ssh.client import RefusedConfigError, forget_refusals
from nbssh.core.files.change import Kind, Plan
from nbssh.core.ssh.include import INCLUDE
from nbssh.steps import blocks, writing
from nbssh.steps.plan import local_changes
from nbssh.steps.standing import ANY_HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.steps.profiles import Target

_turn = threading.Lock()


def torn(targets: Sequence[Target]) -> list[Target]:
    """Return those whose installed alias file ssh refuses, read all by itself."""
    unsure = [target for target in targets if not blocks.stand(target)]
    return [] if not unsure or _all_accepted(unsure[0]) else [target for target in unsure if _is_torn(target)]


def mend(targets: Sequence[Target]) -> None:
    """Write those files again, all at once; what they held is kept as a backup, and that is said."""
    with _turn:
        broken = torn(targets)
        changes = [change for target in broken for change in local_changes(target)[0] if change.kind is Kind.ALIASES]
        for target in broken:
            target.ui.say(f"ssh refuses {target.paths.shown(target.paths.conf(target.name))}: it is written again")
        if broken:
            writing.write_local(broken[0].context, Plan(changes))
        forget_refusals()


def _all_accepted(target: Target) -> bool:
    """Tell whether ssh accepts all alias files together: one question in place of one for each."""
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        config = Path(folder, "config")
        config.touch(mode=0o600)
        config.write_bytes(INCLUDE + b"\n")
        try:
            target.ssh.resolve([ANY_HOST], config=config)
        except RefusedConfigError:
            return False
    return True


def _is_torn(target: Target) -> bool:
    path = target.paths.conf(target.name)
    entry = inspection.entry(path)
    if entry is None or entry.kind != "file" or not entry.readable:
        return False
    try:
        target.ssh.resolve([ANY_HOST], config=path)
    except RefusedConfigError:
        return True
    return False
