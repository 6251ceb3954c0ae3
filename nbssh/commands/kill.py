"""`nbssh kill`: stop what runs on the host, as `ssh NAME-nb-kill` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.core import answers
from nbssh.steps import profiles
from nbssh.steps.connect import connect, refuse_missing, script_command

if TYPE_CHECKING:
    from nbssh.steps.context import Context


def kill(context: Context, name: str) -> int:
    """Stop Jupyter and say what was done; return the script's status."""
    target = profiles.load(context, name)
    script = script_command(target, "kill")
    with connect(target) as there:
        out, status = there.attempt(script)
    refuse_missing(target, out)
    for line in answers.lines(out):
        context.ui.product(line)
    return status
