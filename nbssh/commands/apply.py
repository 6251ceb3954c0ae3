"""`nbssh apply` and `nbssh diff`: one Plan, shown, checked or done.

One connection per host, several hosts at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.core.files import installed
from nbssh.core.files.change import AT_NEXT_START, Plan
from nbssh.core.files.diff import as_json, painted, unified
from nbssh.core.profile.declared import Secret, share_folder
from nbssh.core.profile.profile import alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import blocks, border, connect, mending, profiles, proofs, writing
from nbssh.steps.agree import Agreed, agree
from nbssh.steps.plan import local_changes
from nbssh.steps.probe import find_out
from nbssh.steps.profiles import Failure
from nbssh.steps.secret import secret_trouble, with_key
from nbssh.steps.server_files import Present, read_remote, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.core.profile.shared import Prefer
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

WORKERS = 8


@dataclass
class Work:
    """One profile on its way: what is declared, what is to change, what went wrong."""

    target: Target
    plan: Plan = field(default_factory=Plan)
    connection: Connection | None = None
    trouble: NbsshError | None = None
    unexpressed: tuple[str, ...] = ()
    probe: bool = False
    tidies: bool = False  # a program there is one that no laptop has registered
    agreed: Agreed | None = None
    prefer: Prefer = ""

    @property
    def name(self) -> str:
        """The profile's."""
        return self.target.name


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
    with ExitStack() as connections:
        works, unreadable = planned(
            context, names, connections, offline=offline, probe=probe, prefer=prefer, mends=mode == "apply"
        )
        plan = _together(works)
        if mode == "apply":
            _carry_out(context, works, show=not json)
            proofs.keep(context)
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


def planned(
    context: Context,
    names: list[str],
    connections: ExitStack,
    *,
    offline: bool,
    probe: bool = False,
    prefer: Prefer = "",
    mends: bool = False,
) -> tuple[list[Work], list[Failure]]:
    """Return the work to do for each profile, and which ones cannot be read; `connections` keeps connections open.

    `mends`: an alias file that ssh refuses is written first, because nothing can be asked before.
    Named profiles may ask for a password or code, so they come one after the other. Without names nobody is asked.
    """
    blocks.look_again()
    targets, unreadable = profiles.select(context, names)
    works = [Work(target, probe=probe, prefer=prefer) for target in targets]
    groups: dict[tuple[str, ...], list[Work]] = {}
    for work in works:
        work.trouble = secret_trouble(work.target)
        if work.trouble is None:
            groups.setdefault(tuple(work.target.arguments), []).append(work)

    unasked = not names
    if offline and mends:
        mending.mend(targets)

    def prepare(group: list[Work]) -> None:
        try:
            try:
                _plan_group(context, group, connections, offline=offline, unasked=unasked)
            except RefusedConfigError:
                if not mends:
                    raise
                mending.mend(targets)
                _plan_group(context, group, connections, offline=offline, unasked=unasked)
        except NbsshError as error:
            for work in group:
                work.trouble = work.trouble or error

    _at_once(prepare, list(groups.values()), one_by_one=bool(names))
    return works, unreadable


def _plan_group(context: Context, group: list[Work], connections: ExitStack, *, offline: bool, unasked: bool) -> None:
    """Fill in the plans of the profiles of one destination."""
    with border.around(group[0].name, context.paths):
        if not offline:
            _connect(group, connections, unasked=unasked)
        present = _present(group)
        # first what asks the server, one by one, and one of the rest, which asks ssh of their destination
        group = sorted(group, key=_is_known)
        alone = sum(not _is_known(work) for work in group) + 1
        for work in group[:alone]:
            _plan_one(work, present)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda work: _plan_one(work, present), group[alone:]))


def _at_once(job: Callable[[list[Work]], None], groups: Sequence[list[Work]], *, one_by_one: bool) -> None:
    """Run `job` for every group."""
    if one_by_one or len(groups) == 1:
        for group in groups:
            job(group)
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(job, groups))


def _connect(group: list[Work], connections: ExitStack, *, unasked: bool) -> None:
    first = group[0].target
    connect.refuse_prompts(first, "nbssh apply", unasked=unasked)
    # no place to look from is an open session where the way leads on
    elsewhere = first.way.leads_on and not all(_is_known(work) for work in group)
    opened = connections.enter_context(connect.connect(first, unasked=unasked, at_destination=elsewhere))
    for work in group:
        work.connection = opened


def _is_known(work: Work) -> bool:
    """Tell whether what the profile says of its host was found for what it declares now."""
    return not work.probe and work.target.is_found_out


def _present(group: list[Work]) -> Present:
    """Return what is there of all profiles whose folder on the host is known: not one question for each."""
    known = [work.target.with_secret(Secret()).declared for work in group if _is_known(work)]
    return read_remote(group[0].connection, known) if group[0].connection else Present()


def _together(works: list[Work]) -> Plan:
    """Return what is to be done for all of them; what several need, such as the program, is done once."""
    found = {(change.where, change.path): change for work in works for change in work.plan.changes}
    return Plan(found.values())


def _plan_one(work: Work, present: Present) -> None:
    """Fill in the plan of one profile: its host's files, then the local ones."""
    target = work.target
    changes: list[Change] = []
    target = with_key(target)
    if work.connection:
        looked = not _is_known(work)
        if looked:
            target = find_out(work.connection, target)
            present = read_remote(work.connection, [target.declared])
        work.agreed = agree(target, present, prefer=work.prefer, looked=looked)
        target, changes = work.agreed.target, work.agreed.changes
        work.tidies = share_folder(connect.known_server(target)) in present.unnamed
    local, work.unexpressed = local_changes(target)
    work.target = target
    work.plan = Plan([*changes, *local])


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
                if installed.moves_tunnel(work.plan.local):
                    work.target.end_masters()
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
