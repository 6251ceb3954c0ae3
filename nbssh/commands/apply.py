"""`nbssh apply` and `nbssh diff`: one Plan, shown, checked or done."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from nbssh.core.files.change import AT_NEXT_START, Plan
from nbssh.core.files.diff import as_json, painted, unified
from nbssh.core.profile.profile import alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import border, proofs, tunnels, writing
from nbssh.steps.profiles import Failure
from nbssh.steps.server_files import settle
from nbssh.steps.works import planned

if TYPE_CHECKING:
    from nbssh.core.profile.shared import Prefer
    from nbssh.steps.context import Context
    from nbssh.steps.works import Work


def apply(
    context: Context,
    names: list[str],
    *,
    mode: str,
    json: bool,
    offline: bool,
    probe: bool = False,
    prefer: Prefer = "",
) -> int:
    """Make every file match the profiles; `mode` is `apply`, `check` or `dry-run`. Return the exit code.

    `probe`: look at the hosts again, for a Jupyter that was upgraded or moved for example.
    `prefer`: whose value counts where this laptop and another one changed the same.
    """
    if probe and offline:
        raise NbsshError("--probe and --offline exclude each other", "leave one of them out", code=Exit.USAGE)
    with ExitStack() as connections, proofs.keeping(context, writes=mode == "apply"):
        works, unreadable = planned(
            context, names, connections, offline=offline, probe=probe, prefer=prefer, mends=mode == "apply"
        )
        plan = _together(works)
        if mode == "apply":
            _carry_out(context, works, show=not json)
        elif not json:
            for change in plan.changes:
                context.ui.product(f"{change.action} {context.paths.shown(change.name)} ({change.why})")
        if json:
            _print_json(context, plan, works, unreadable)
            _warn(context, works, done=mode == "apply")
        else:
            _report(context, works, unreadable, mode)
    if unreadable or any(work.trouble for work in works):
        return Exit.FAILED
    return Exit.OUT_OF_DATE if mode == "check" and not plan.empty else Exit.DONE


def diff(context: Context, names: list[str], *, exit_code: bool, json: bool, offline: bool) -> int:
    """Show what apply would change, as one unified diff on stdout."""
    with ExitStack() as connections:
        works, unreadable = planned(context, names, connections, offline=offline)
    plan = _together(works)
    if json:
        _print_json(context, plan, works, unreadable)
    else:
        if not plan.empty:
            context.ui.product(unified(plan), paint=painted)
        _warn(context, works, done=False)
        _report_trouble(context, works, unreadable)
    if unreadable or any(work.trouble for work in works):
        return Exit.FAILED
    return Exit.OUT_OF_DATE if exit_code and not plan.empty else Exit.DONE


def _together(works: list[Work]) -> Plan:
    """Return what is to be done for all of them; what several need, such as the program, is done once."""
    found = {(change.where, change.path): change for work in works for change in work.plan.changes}
    return Plan(found.values())


def _carry_out(context: Context, works: list[Work], *, show: bool) -> None:
    """Do what is planned, profile by profile: one that fails, or holds hand edits to be kept, stops no other."""
    done: set[tuple[str, str]] = set()  # what several need was written for the first of them
    writing.sweep(context)
    for work in works:
        if work.trouble:
            continue
        work.plan = Plan(change for change in work.plan.changes if (change.where, change.path) not in done)
        there = [change for change in work.plan.changes if change.where]
        try:
            with border.around(work.name, context.paths):
                writing.refuse_edits(context, work.plan.changes, show=show)
                if work.connection:
                    writing.install(work.target, work.connection, there)
                if work.plan.local:
                    writing.write_local(context, work.plan)
                if work.connection:
                    settle(work.connection, work.target.declared, there, tidies=work.tidies)
                # last: it may be the way there
                tunnels.end_moved(work.target, work.plan.local)
        except NbsshError as error:
            work.trouble = error
        else:
            done |= {(change.where, change.path) for change in work.plan.changes}


def _warn(context: Context, works: list[Work], *, done: bool) -> None:
    """Tell what the files do not show; `done`: they were written."""
    for work in works:
        for sentence in work.unexpressed:
            context.ui.warn(
                f"{alias(work.name)} is not equal to '{work.target.profile.destination}' in this: {sentence}"
            )
        if work.agreed and not work.trouble:
            work.agreed.say_taken(done=done)
            if done:
                work.agreed.say_sent()


def _report(context: Context, works: list[Work], unreadable: list[Failure], mode: str) -> None:
    _warn(context, works, done=mode == "apply")
    for work in works:
        if work.trouble or work.plan.empty or mode != "apply":
            continue
        context.ui.say(f"'{work.name}': {len(work.plan.changes)} files brought up to date")
        adopted = work.target.profile.adopt
        if not adopted and any(change.kind in AT_NEXT_START for change in work.plan.changes):
            context.ui.say(f"a Jupyter of '{work.name}' that runs takes this up at its next start")
    _report_trouble(context, works, unreadable)
    if not unreadable and all(work.plan.empty and not work.trouble for work in works):
        context.ui.say("already up to date" if works else "there are no profiles; make one: nbssh add NAME")


def _report_trouble(context: Context, works: list[Work], unreadable: list[Failure]) -> None:
    failed = _failed(works, unreadable)
    for error in {id(failure.error): failure.error for failure in failed}.values():
        context.ui.error(error)
    total = len(works) + len(unreadable)
    if failed and total > 1:
        names = ", ".join(failure.name for failure in failed)
        context.ui.say(f"{total - len(failed)} of {total} profiles done; failed: {names}")


def _failed(works: list[Work], unreadable: list[Failure]) -> list[Failure]:
    return [*unreadable, *(Failure(work.name, work.trouble) for work in works if work.trouble)]


def _print_json(context: Context, plan: Plan, works: list[Work], unreadable: list[Failure]) -> None:
    errors = [failure.as_json() for failure in _failed(works, unreadable)]
    context.ui.json(changes=as_json(plan), errors=errors, profiles=[work.name for work in works])
