"""Puts a plan in place. Here: each candidate is tried by ssh first, and the result afterwards; there: in one script.

What was edited by hand is never overwritten without a yes, and a copy of it is kept here, of a host's files too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.files import tidy, writer
from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.adapters.terminal import trace
from nbssh.core.files.change import Kind, Plan
from nbssh.core.files.diff import painted, unified
from nbssh.errors import NbsshError
from nbssh.steps import proofs, server_files
from nbssh.steps.standing import ANY_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target


def write_local(
    context: Context, plan: Plan, *, taking_away: bool = False, last: Callable[[], None] | None = None
) -> list[str]:
    """Apply the local changes of `plan`, all or none; return the paths written.

    `taking_away`: only what nbssh had added goes, which ssh is not asked about; a config that it refuses for another
    reason would keep our files there for ever. `last` runs after the last file, while no other nbssh can write; what
    it raises takes everything back.
    """
    paths = context.paths

    def check(change: Change, candidate: str) -> None:
        if change.kind is not Kind.INCLUDE or taking_away:
            return
        try:
            context.ssh.resolve([ANY_HOST], config=Path(candidate))
        except RefusedConfigError:
            _refuse_refused(context)
            raise

    includes = any(change.kind is Kind.INCLUDE for change in plan.local)
    aliases = [Path(change.path) for change in plan.local if change.kind is Kind.ALIASES]

    def live() -> None:
        # One bad line in an included file breaks every ssh call of the user; then everything is put back.
        if not taking_away and (includes or not all(_is_accepted(context, path) for path in aliases)):
            context.ssh.resolve([ANY_HOST])
        if last:
            last()

    sweep(context)
    with proofs.keeping(context), trace.step("write the files here"):
        written = writer.apply_changes(plan.local, lock=paths.lock, backups=paths.backups, check=check, live=live)
    for change in plan.local:
        if change.edited:
            context.ui.say(f"{paths.shown(change.path)} as it was is kept in {paths.shown(paths.backups)}")
    return written


def _is_accepted(context: Context, path: Path) -> bool:
    """Tell whether ssh accepts a file of aliases by itself: with it, it would read those of all profiles each time."""
    try:
        context.ssh.resolve([ANY_HOST], config=path)
    except RefusedConfigError:
        return False
    return True


def _refuse_refused(context: Context) -> None:
    """Raise where ssh refuses the user's config without our line, too: for a host that none of her blocks is for."""
    try:
        context.ssh.resolve([ANY_HOST])
    except RefusedConfigError as error:
        raise NbsshError(
            f"for other hosts than those of its blocks, such as the aliases, ssh does not accept it: {error.reason}",
            "mend that line; where only some ssh know it, a line 'IgnoreUnknown OPTION' belongs above the first Host",
        ) from None


def sweep(context: Context) -> None:
    """Remove what a killed run left, in all our folders: those may need no change any more."""
    paths = context.paths
    folders = (paths.ssh_dir, paths.conf_dir, paths.profiles_dir, paths.secrets_dir, paths.state, paths.backups)
    tidy.sweep([*folders, paths.user_config.resolve().parent], lock=paths.lock)


def refuse_edits(context: Context, changes: Iterable[Change], *, show: bool = True) -> None:
    """Raise unless the user agrees to overwrite those of `changes` that meet a hand edit; they are shown first."""
    edited = Plan([change for change in changes if change.edited])
    if edited.empty:
        return
    if show:
        context.ui.talk(unified(edited), paint=painted)
    names = ", ".join(context.paths.shown(change.name) for change in edited.changes)
    error = NbsshError(
        f"edited by hand, left alone: {names}", "see it with nbssh diff; --yes overwrites it and keeps a backup"
    )
    try:
        agreed = context.ui.ask(f"edited by hand: {names}; overwrite (a backup is kept)?", otherwise=error.hint)
    except NbsshError:
        raise error from None
    if not agreed:
        raise error


def install(target: Target, there: Connection, changes: Sequence[Change]) -> None:
    """Put the changed files in place on the host, all or none; hand-edited ones are kept here first."""
    for change in changes:
        if change.edited and change.old is not None:
            kept = writer.back_up(change.name, change.old, lock=target.paths.lock, backups=target.paths.backups)
            target.ui.say(f"{change.name} as it was is kept in {target.paths.shown(kept)}")
    server_files.install(there, target.declared, changes)
