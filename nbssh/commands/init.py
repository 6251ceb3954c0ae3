"""`nbssh init`: the one line in ~/.ssh/config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core.files.change import Plan
from nbssh.core.ssh.include import COMMENT, INCLUDE
from nbssh.errors import NbsshError
from nbssh.steps import include, writing

if TYPE_CHECKING:
    from nbssh.steps.context import Context

SNIPPET = f"{COMMENT.decode()}\n{INCLUDE.decode()}\n"


def init(context: Context) -> None:
    """`nbssh init`: put the line in, after showing it and asking."""
    wanted = include.change(context)
    if wanted is None:
        writing.write_local(context, Plan(include.unfinished(context)))
        context.ui.say("ssh reads the files of nbssh already")
        return
    try:
        include.refuse_unwritable(context)
    except NbsshError:
        context.ui.product(SNIPPET)
        raise
    if not include.consent(context, wanted):
        raise NbsshError("nothing was changed", "the lines to add by hand: nbssh init --print")
    writing.write_local(context, Plan(include.with_marker(context, wanted)))
    context.ui.say(f"{context.paths.shown(context.paths.user_config)} now includes the files of nbssh")
