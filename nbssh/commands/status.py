"""`nbssh status`: what runs where, asked of all hosts at once; one dead host costs nobody else anything."""

from __future__ import annotations

import functools
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.ssh.connection import UnreachableError
from nbssh.adapters.terminal.ui import columns
from nbssh.core.profile import app as apps
from nbssh.core.text import command_for, listed_names, printable, span, time_left
from nbssh.errors import Exit, NbsshError
from nbssh.steps import blocks, border, connect, profiles, proofs, tunnels
from nbssh.steps.profiles import Failure
from nbssh.steps.server_status import SECONDS, Answer, asked

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target
    from nbssh.steps.server_status import Machine

_STYLES = {
    "running": "green",
    "starting": "yellow",
    "queued": "yellow",
    "elsewhere": "yellow",
    "unresponsive": "bold red",
    "unknown": "bold red",
    "-": "dim",
}


Silent = dict[tuple[str, ...], UnreachableError]
"""Destinations that let nobody in, and why: their other profiles are not tried there, one after the other, too."""


@dataclass(frozen=True)
class Row:
    """One profile's line: the tunnel here, the Jupyter there, or why nothing is known of it.

    `outdated`: its alias is; `changed`: another laptop changed what lies on the host.
    """

    target: Target
    tunnel: bool
    answer: Answer
    trouble: NbsshError | None = None
    outdated: bool = False
    changed: bool = False


def status(context: Context, names: list[str], *, wide: bool = False, json: bool) -> int:
    """Print what runs where and return the exit code.

    Named profiles may ask for a password; without names nobody is asked anything.
    """
    targets, unreadable = profiles.select(context, names)
    unasked = not names
    silent: Silent = {}
    row = functools.partial(_row, silent=silent, unasked=unasked, wide=wide or json)
    with proofs.keeping(context), ThreadPoolExecutor(connect.WORKERS) as pool:
        spared = proofs.spare_ssh(context)
        waiting = [target for target in targets if unasked and (target.profile.server or not spared)]
        asked = {target.name: pool.submit(row, target) for target in waiting}
        rows = [asked[target.name].result() if target.name in asked else row(target) for target in targets]
    failed = [*unreadable, *(Failure(row.target.name, row.trouble) for row in rows if row.trouble)]
    if json:
        context.ui.json(profiles=list(map(_as_json, rows)), errors=[failure.as_json() for failure in failed])
        return Exit.FAILED if failed else Exit.DONE
    if rows:
        _show(context, _table(rows, wide=wide))
    elif not unreadable:
        context.ui.say("there are no profiles; make one: nbssh add NAME")
    _tell(context, rows, failed)
    return Exit.FAILED if failed else Exit.DONE


def _tell(context: Context, rows: list[Row], failed: list[Failure]) -> None:
    """Say what is wrong: what is the same for many profiles in one line."""
    errors = {id(failure.error): failure.error for failure in failed}.values()
    for error in errors:
        if not isinstance(error, connect.UnseenError):
            context.ui.error(error)
    if unseen := [failure.name for failure in failed if isinstance(failure.error, connect.UnseenError)]:
        context.ui.error(connect.UnseenError(*unseen))
    if outdated := [row.target.name for row in rows if row.outdated]:
        are = "aliases of {} are" if outdated[1:] else "alias of {} is"
        context.ui.warn(f"the {are.format(listed_names(outdated))} out of date: {command_for('nbssh apply', outdated)}")
    for row in rows:
        if row.changed:
            name, host = row.target.name, printable(row.answer.host, 60)
            context.ui.warn(f"'{name}' was changed on {host}, by another laptop perhaps: nbssh apply {name}")


def _row(target: Target, silent: Silent, *, unasked: bool, wide: bool) -> Row:
    tunnel, outdated = False, False
    try:
        with border.around(target.name, target.paths):
            master = target.ssh.check_master(target.control_socket)
            tunnel = master or tunnels.alone(target) is not None
            outdated = blocks.is_outdated(target)
            connect.known_server(target)
            if not master:
                connect.refuse_prompts(target, "nbssh status", unasked=unasked)
                if error := silent.get(tuple(target.arguments)):
                    raise error
            with connect.connect(target, unasked=unasked, login_seconds=SECONDS if unasked else 600) as there:
                answer = asked(there, target, wide=wide)
            return Row(target, tunnel, answer, outdated=outdated, changed=_is_changed(target, answer))
    except NbsshError as error:
        if isinstance(error, UnreachableError):
            silent[tuple(target.arguments)] = error
        return Row(target, tunnel, Answer("unknown"), error, outdated)


def _is_changed(target: Target, answer: Answer) -> bool:
    """Tell whether another laptop changed what lies on the host; an older program there does not say it."""
    synced = target.secret.synced
    return synced is not None and answer.profile not in {"", synced.sum}


def _show(context: Context, table: list[tuple[str, ...]]) -> None:
    """Print the table: for eyes on a terminal, the same without colours and line breaks for programs."""
    color = context.ui.colored(sys.stdout)
    if not (color or sys.stdout.isatty()):
        context.ui.product(columns(table))
        return
    from nbssh.adapters.terminal.table import print_rows  # noqa: PLC0415  rich takes as long as all the rest

    print_rows(table, color=color, styles=_STYLES, wrapped=("ON", "RUNS", "GPUS"), spared=("SINCE", "KERNELS"))


def _table(rows: list[Row], *, wide: bool) -> list[tuple[str, ...]]:
    more = ("LOAD", "FREE", "GPUS") if wide else ()
    table: list[tuple[str, ...]] = [("NAME", "TUNNEL", "SERVER", "ON", "RUNS", "KERNELS", "SINCE", "LAST USE", *more)]
    for row in rows:
        answer, profile = row.answer, row.target.profile
        on = ", ".join(answer.elsewhere) if answer.state == "elsewhere" else answer.host
        if row.target.way.leads_on and answer.state in {"stopped", "queued"}:
            on = ""  # the destination tells it, but nothing runs there
        table.append((
            row.target.name,
            ",".join(map(str, profile.local_ports())) if row.tunnel else "-",
            _server(answer),
            printable(on, 60) or "-",
            _runs(profile, answer),
            "-" if answer.kernels is None or answer.state != "running" else str(answer.kernels),
            _ago(answer.since),
            _ago(answer.last_activity),
            *(_machine(answer.machine) if wide else ()),
        ))  # fmt: skip
    return table


def _machine(machine: Machine | None) -> tuple[str, str, str]:
    """Return how busy the host is, what is free of its memory, and each GPU's load with what is used of its memory."""
    if machine is None:
        return "-", "-", "-"
    gpus = [
        f"{'-' if gpu.load is None else gpu.load} % {_of(gpu.memory_used, gpu.memory_total)}" for gpu in machine.gpus
    ]
    load = "-" if machine.load is None else f"{machine.load:.1f} of {machine.cpus or '-'}"
    return load, _of(machine.memory_free, machine.memory_total), ", ".join(gpus) or "-"


def _of(part: int | None, whole: int | None) -> str:
    """Return bytes of bytes, in GiB."""
    return "-" if part is None or whole is None else f"{part / 2**30:.1f} of {whole / 2**30:.0f} GiB"


def _server(answer: Answer) -> str:
    """Return Jupyter's state, and that of its job where this tells more."""
    job = answer.job
    if job is None:
        return answer.state
    if answer.state == "queued":
        return printable(f"queued ({job.reason or job.state})", 40)
    return f"{answer.state}, {time_left(job.left)} left" if job.left is not None else answer.state


def _runs(profile: Profile, answer: Answer) -> str:
    if answer.state not in {"running", "starting", "unresponsive"}:
        return "-"
    version = profile.server.version if profile.server else ""
    return f"{apps.title(profile.app)} {version}".rstrip()


def _ago(moment: float | None) -> str:
    """Return a time as its distance from now, in the largest fitting unit."""
    if moment is None:
        return "-"
    return f"{span(max(0.0, time.time() - moment))} ago"


def _as_json(row: Row) -> dict[str, object]:
    return {
        "name": row.target.name,
        "tunnel": row.tunnel,
        "also": [each.url for each in row.target.profile.alsos()],
        "outdated": row.outdated,
        "changed": row.changed,
        **{key: value for key, value in msgspec.to_builtins(row.answer).items() if key != "profile"},
    }
