"""`nbssh init`: the one line in ~/.ssh/config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.files.change import Plan
from nbssh.core.ssh.include import COMMENT, INCLUDE
from nbssh.errors import NbsshError
from nbssh.steps import include, writing

if TYPE_CHECKING:
    from nbssh.steps.world import World

SNIPPET = f"{COMMENT.decode()}\n{INCLUDE.decode()}\n"


def init(world: World) -> None:
    """`nbssh init`: put the line in, after showing it and asking."""
    wanted = include.change(world)
    if wanted is None:
        writing.write_local(world, Plan(include.unfinished(world)))
        world.ui.say("ssh reads the files of nbssh already")
        return
    try:
        include.refuse_unwritable(world)
    except NbsshError:
        world.ui.product(SNIPPET)
        raise
    if not include.consent(world, wanted):
        raise NbsshError("nothing was changed", "nbssh init --print shows the lines to add by hand")
    writing.write_local(world, Plan(include.with_marker(world, wanted)))
    world.ui.say(f"{world.paths.shown(world.paths.user_config)} now includes the files of nbssh")
