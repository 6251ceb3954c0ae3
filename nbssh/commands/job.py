"""`nbssh job`: the job in which Jupyter runs, as the host tells; or one with other options, for once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.profile.profile import alias
from nbssh.core.text import printable, time_left
from nbssh.errors import Exit, NbsshError, of_a_script
from nbssh.steps import profiles
from nbssh.steps.connect import connect, script_command
from nbssh.steps.server_status import asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.steps.context import Context
    from nbssh.steps.server_status import Job

SUBMIT_SECONDS = 180.0  # a job that ends is waited for, a lock is waited for as long


def job(context: Context, name: str, options: Sequence[str], *, join: str, json: bool) -> int:
    """Show the job of `name`; with `options` submit one before, with `join` start Jupyter in that job of the user's."""
    target = profiles.load(context, name)
    if join and options:
        raise NbsshError("--join takes a job as it is, --option is for a new one", "say one of them", code=Exit.USAGE)
    words = target.way.taking(join) if join else target.way.submitting(options)
    if not words:
        raise NbsshError(f"'{name}' starts on its host itself: it runs in no job", f"how it is: nbssh status {name}")
    with connect(target, at_destination=True) as there:
        if options or join:
            script, *rest = words
            _, status = there.attempt(script_command(target, script, *rest), SUBMIT_SECONDS)
            if status:
                failed = f"'{name}' does not run in job {join}" if join else f"no job of '{name}' was submitted"
                raise of_a_script(status, printable(failed, 200))
        answer = asked(there, target)
        found = answer.job
        if found is None and answer.state == "unknown":
            silent = f"{there.shown} gets no answer to whether there is a job of '{name}'"
            raise NbsshError(printable(silent, 200), "try again in a minute")
    if json:
        context.ui.json(name=name, job=found and msgspec.to_builtins(found), errors=[])
    else:
        context.ui.product(_words(name, found))
    return 0


def _words(name: str, found: Job | None) -> str:
    if found is None:
        return f"no job of '{name}'; ssh {alias(name)} submits one"
    where = f" on {found.node}" if found.node else ""
    why = f" ({found.reason})" if found.reason else ""
    left = f", {time_left(found.left)} left" if found.left is not None and found.node else ""
    wait = int(found.start - time.time()) if found.start is not None else 0
    start = f", starts in about {time_left(wait)}" if wait > 0 else ""
    return printable(f"job {found.id} of '{name}': {found.state}{where}{why}{left}{start}", 300)
