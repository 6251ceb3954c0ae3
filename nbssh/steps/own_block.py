"""A `Host NAME-nb` block of the user's own, beside ours: what ssh makes of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.core.ssh import block
from nbssh.steps import include

if TYPE_CHECKING:
    from nbssh.core.ssh.block import Block
    from nbssh.steps.profiles import Target


def of(target: Target, alias: str) -> tuple[Block, str] | None:
    """Return the user's own block of `alias`, and what `ssh -G` answers to it alone; None where there is none."""
    found = include.own_block(target.context, alias)
    if found is None:
        return None
    with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
        config = Path(folder, "config")
        config.touch(mode=0o600)
        config.write_bytes(found.config(alias))
        return found, target.ssh.resolve([alias], config=config)


def forwards(target: Target, alias: str) -> tuple[str, ...]:
    """Return the forwards of that block as `ssh -G` prints them: what the user wrote for this very alias is wanted."""
    found = of(target, alias)
    return block.forwards(found[1]) if found else ()


def is_heeded(target: Target, alias: str) -> bool:
    """Tell whether all that the block says has its effect beside ours."""
    found = of(target, alias)
    return found is None or not block.unheeded(*found, target.ssh.resolve([alias]))
