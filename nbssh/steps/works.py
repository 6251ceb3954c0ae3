"""What is to be done for each profile, by what is declared and what is there: several hosts at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.core.files.change import Plan
from nbssh.core.profile.declared import Secret, share_folder
from nbssh.errors import NbsshError
from nbssh.steps import blocks, border, connect, mending, profiles, proofs
from nbssh.steps.agree import Agreed, agree
from nbssh.steps.plan import local_changes
from nbssh.steps.probe import find_out
from nbssh.steps.secret import secret_trouble, with_key
from nbssh.steps.server_files import Present, read_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.files.change import Change
    from nbssh.core.profile.shared import Prefer
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Failure, Target


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
    """Return the work to do for each profile, and which ones cannot be read.

    With `mends` they are to be carried out: the connection to a host where something is to be done stays open, in
    `connections`, and an alias file that ssh refuses is written first, because nothing can be asked before.
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
        with ExitStack() as own:
            _prepare(context, group, own, unasked=unasked, offline=offline, mends=targets if mends else [])
            # to end a connection takes a trip, too: where nothing is to be done there, several do so at once, here
            if mends and any(work.tidies or work.plan.local != work.plan.changes for work in group):
                connections.push(own.pop_all())

    _at_once(prepare, list(groups.values()), workers=1 if names else _workers(context, offline=offline))
    return works, unreadable


def _prepare(
    context: Context,
    group: list[Work],
    connections: ExitStack,
    *,
    unasked: bool,
    offline: bool,
    mends: list[Target],
) -> None:
    """Fill in the plans of the profiles of one destination, or what went wrong; the files of `mends` may be torn."""
    try:
        try:
            _plan_group(context, group, connections, offline=offline, unasked=unasked)
        except RefusedConfigError:
            if not mends:
                raise
            mending.mend(mends)
            _plan_group(context, group, connections, offline=offline, unasked=unasked)
    except NbsshError as error:
        for work in group:
            work.trouble = work.trouble or error


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
        if rest := group[alone:]:
            with ThreadPoolExecutor(_workers(context, offline=offline)) as pool:
                list(pool.map(lambda work: _plan_one(work, present), rest))


def _workers(context: Context, *, offline: bool) -> int:
    """Return how many threads are worth it: where nothing waits one alone is fastest."""
    return 1 if offline and proofs.spare_ssh(context) else connect.WORKERS


def _at_once(job: Callable[[list[Work]], None], groups: Sequence[list[Work]], *, workers: int) -> None:
    """Run `job` for every group."""
    if workers == 1 or len(groups) == 1:
        for group in groups:
            job(group)
        return
    with ThreadPoolExecutor(workers) as pool:
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
