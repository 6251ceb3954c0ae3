"""`nbssh apply` and `nbssh diff`: one Plan, shown, checked or done.

One connection per server, several servers at once.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.core.files.change import Plan
from nbssh.core.files.diff import as_json, unified
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import alias
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, connect, writing
from nbssh.steps import plan as planning
from nbssh.steps import probe as server
from nbssh.steps.secret import with_key
from nbssh.steps.server_files import RemoteFile, read_remote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

WORKERS = 8
AT_ONCE = 128  # folders in one answer of a server, which has a minute for it


@dataclass
class Work:
    """One profile on its way: what is declared, what is to change, what went wrong."""

    name: str
    profile: Profile
    declared: Declared | None = None
    plan: Plan = field(default_factory=Plan)
    connection: Connection | None = None
    trouble: NbsshError | None = None
    unexpressed: tuple[str, ...] = ()
    probe: bool = False


def apply(world: World, names: list[str], *, mode: str, json: bool, offline: bool, probe: bool = False) -> int:
    """Make every file match the profiles; `mode` is `apply`, `check` or `dry-run`. Return the exit code.

    `probe`: what is known of the servers is found out anew, a Jupyter that was upgraded or moved for example.
    """
    if probe and offline:
        raise NbsshError("--probe and --offline exclude each other", "leave one of them out", code=Exit.USAGE)
    with ExitStack() as connections:
        works = planned(world, names, connections, offline=offline, probe=probe)
        plan = sum((work.plan for work in works), Plan())
        if mode == "apply":
            _carry_out(world, works, show=not json)
        elif not json:
            for change in plan.changes:
                world.ui.product(f"{change.action} {world.paths.shown(change.name)} ({change.why})")
        if json:
            world.ui.json(changes=as_json(plan), errors=_errors(works), profiles=[work.name for work in works])
            _warn(world, works)
        else:
            _report(world, works, plan, mode)
    if any(work.trouble for work in works):
        return Exit.FAILED
    return Exit.OUT_OF_DATE if mode == "check" and not plan.empty else Exit.DONE


def diff(world: World, names: list[str], *, exit_code: bool, json: bool, offline: bool) -> int:
    """Show what apply would change, as one unified diff on stdout."""
    with ExitStack() as connections:
        works = planned(world, names, connections, offline=offline)
    plan = sum((work.plan for work in works), Plan())
    if json:
        world.ui.json(changes=as_json(plan), errors=_errors(works), profiles=[work.name for work in works])
    else:
        sys.stdout.write(unified(plan, color=world.ui.colored(sys.stdout)))
        _report_trouble(world, works)
    if any(work.trouble for work in works):
        return Exit.FAILED
    return Exit.OUT_OF_DATE if exit_code and not plan.empty else Exit.DONE


def planned(
    world: World, names: list[str], connections: ExitStack, *, offline: bool, probe: bool = False
) -> list[Work]:
    """Return the work to do for each profile; connections stay open for as long as `connections` is.

    Named profiles may ask for a password or code, so they come one after the other. Without names nobody is asked.
    """
    aliases.look_again()
    works = [Work(name, profile, probe=probe) for name, profile in store.select(world.paths, names).items()]
    groups: dict[tuple[str, ...], list[Work]] = {}
    for work in works:
        key = (work.profile.destination, *work.profile.ssh_options)
        groups.setdefault(key, []).append(work)

    def prepare(group: list[Work]) -> None:
        try:
            if not offline:
                _connect(world, group, connections, batch=not names)
            present = _present(group)
            # first what asks the server, one after the other, and one of the rest, which asks ssh of their destination
            group = sorted(group, key=_is_known)
            alone = sum(not _is_known(work) for work in group) + 1
            for work in group[:alone]:
                _plan_one(world, work, present)
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda work: _plan_one(world, work, present), group[alone:]))
        except NbsshError as error:
            for work in group:
                work.trouble = work.trouble or error

    _at_once(prepare, list(groups.values()), one_by_one=bool(names))
    return works


def _at_once(job: object, groups: Sequence[list[Work]], *, one_by_one: bool) -> None:
    """Run `job` for every group; what it raises is a bug and comes through."""
    call = job
    assert callable(call)  # noqa: S101
    if one_by_one or len(groups) == 1:
        for group in groups:
            call(group)
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(call, groups))


def _connect(world: World, group: list[Work], connections: ExitStack, *, batch: bool) -> None:
    first = group[0]
    connect.refuse_prompts(first.profile, f"nbssh apply {first.name}", batch=batch)
    # an open session of a batch job is on its node, which is no place to look at the destination from
    elsewhere = first.profile.scheduler is not None and not all(_is_known(work) for work in group)
    opened = connections.enter_context(
        connect.connect(world, first.name, first.profile, batch=batch, at_destination=elsewhere)
    )
    for work in group:
        work.connection = opened


def _is_known(work: Work) -> bool:
    """Tell whether what the profile says of its server was found for what it declares now."""
    known = work.profile.server
    return not work.probe and known is not None and known.probed_for == work.profile.fingerprint()


def _present(group: list[Work]) -> dict[str, RemoteFile]:
    """Return the files of all profiles whose folder on the server is known: not one question for each."""
    folders = [Declared(work.name, work.profile, Secret()).folder for work in group if _is_known(work)]
    connection, found = group[0].connection, dict[str, RemoteFile]()
    if connection is None:
        return found
    for some in range(0, len(folders), AT_ONCE):
        found |= read_remote(connection, folders[some : some + AT_ONCE])
    return found


def _plan_one(world: World, work: Work, present: dict[str, RemoteFile]) -> None:
    """Fill in the plan of one profile: its server's files, then the local ones."""
    name = work.name
    secret = store.load_secret(world.paths, name)
    if not (secret.hash or secret.token):
        raise NbsshError(f"'{name}' has neither password nor token", f"give it one: nbssh passwd {name}")
    changes: list[Change] = []
    secret = with_key(name, work.profile, secret)
    declared = Declared(name, work.profile, secret)
    if work.connection:
        if not _is_known(work):
            declared = Declared(name, server.find_out(work.connection, name, work.profile, secret, world.ui), secret)
            present = read_remote(work.connection, [declared.folder])
        changes += planning.remote_changes(declared, present)
    local, work.unexpressed = planning.local_changes(world, declared)
    work.declared = declared
    work.plan = Plan([*changes, *local])


def _carry_out(world: World, works: list[Work], *, show: bool) -> None:
    """Do what is planned, profile by profile: one that fails, or holds hand edits to be kept, stops no other."""
    for work in works:
        if work.trouble:
            continue
        try:
            writing.refuse_edits(world, work.plan.changes, show=show)
            if work.connection and work.declared:
                writing.install(world, work.connection, work.declared, [c for c in work.plan.changes if c.where])
            if _moves(work):
                world.ssh.end_master(world.paths.control_socket(work.name))
            writing.write_local(world, work.plan)
        except NbsshError as error:
            work.trouble = error


def _moves(work: Work) -> bool:
    """Tell whether the aliases change: a master that is open still has the old ones."""
    return any(change.path.endswith(".conf") for change in work.plan.local)


def _warn(world: World, works: list[Work]) -> None:
    for work in works:
        for sentence in work.unexpressed:
            world.ui.warn(f"{alias(work.name)} is not equal to '{work.profile.destination}' in this: {sentence}")


def _report(world: World, works: list[Work], plan: Plan, mode: str) -> None:
    _warn(world, works)
    for work in works:
        if work.trouble or work.plan.empty or mode != "apply":
            continue
        world.ui.say(f"'{work.name}': {len(work.plan.changes)} files brought up to date")
        if any(
            change.where and ("/config/" in change.path or change.path.endswith("/serve"))
            for change in work.plan.changes
        ):
            world.ui.say(f"a server of '{work.name}' that runs takes this up at its next start")
    _report_trouble(world, works)
    if plan.empty and not any(work.trouble for work in works):
        world.ui.say("already up to date" if works else "there are no profiles; nbssh add makes one")


def _report_trouble(world: World, works: list[Work]) -> None:
    for error in {id(work.trouble): work.trouble for work in works if work.trouble}.values():
        world.ui.error(error)
    failed = [work.name for work in works if work.trouble]
    if failed and len(works) > 1:
        world.ui.say(f"{len(works) - len(failed)} of {len(works)} profiles done; failed: {', '.join(failed)}")


def _errors(works: list[Work]) -> list[dict[str, str]]:
    return [
        {"profile": work.name, "error": work.trouble.message, "hint": work.trouble.hint}
        for work in works
        if work.trouble
    ]
