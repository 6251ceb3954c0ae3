"""`nbssh status`: what runs where, asked of all servers at once; one dead host costs nobody else anything."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.laptop import store
from nbssh.adapters.terminal.ui import columns
from nbssh.core.profile.profile import TITLES
from nbssh.core.text import printable
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, connect
from nbssh.steps.server_status import SECONDS, Answer, asked

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.world import World

WORKERS = 8

_STYLES = {
    "running": "green",
    "starting": "yellow",
    "queued": "yellow",
    "elsewhere": "yellow",
    "unresponsive": "bold red",
    "unknown": "bold red",
    "-": "dim",
}


class Row(msgspec.Struct, frozen=True):
    """One profile's line: the tunnel here, the server there, or why nothing is known of it."""

    name: str
    tunnel: bool
    answer: Answer
    trouble: NbsshError | None = None
    outdated: bool = False


def status(world: World, names: list[str], *, json: bool) -> int:
    """Print what runs where and return the exit code.

    Named profiles may ask for a password; without names nobody is asked anything.
    """
    profiles = store.select(world.paths, names)
    batch = not names
    with ThreadPoolExecutor(WORKERS if batch else 1) as pool:
        rows = list(pool.map(lambda item: _row(world, *item, batch=batch), profiles.items()))
    if json:
        world.ui.json(profiles=[_as_json(row) for row in rows], errors=[_error(row) for row in rows if row.trouble])
    elif rows:
        _show(world, _table(rows, profiles))
        for row in rows:
            if row.trouble:
                world.ui.error(row.trouble)
            if row.outdated:
                world.ui.warn(f"the alias of '{row.name}' is out of date: nbssh apply {row.name}")
    else:
        world.ui.say("there are no profiles; nbssh add NAME makes one")
    return Exit.FAILED if any(row.trouble for row in rows) else Exit.DONE


def _row(world: World, name: str, profile: Profile, *, batch: bool) -> Row:
    tunnel, outdated = False, False
    try:
        tunnel = world.ssh.check_master(world.paths.control_socket(name))
        outdated = aliases.is_outdated(world, name, profile)
        if not tunnel:
            connect.refuse_prompts(profile, f"nbssh status {name}", batch=batch)
        with connect.connect(world, name, profile, batch=batch, login_seconds=SECONDS if batch else 600) as there:
            return Row(name, tunnel, asked(there, name, profile), outdated=outdated)
    except NbsshError as error:
        return Row(name, tunnel, Answer("unknown"), error, outdated)


def _show(world: World, table: list[tuple[str, ...]]) -> None:
    """Print the table: for eyes on a terminal, the same without colours and line breaks for programs."""
    color = world.ui.colored(sys.stdout)
    if not (color or sys.stdout.isatty()):
        world.ui.product(columns(table))
        return
    from nbssh.adapters.terminal.table import print_rows  # noqa: PLC0415  rich takes as long as all the rest

    print_rows(table, color=color, styles=_STYLES, wrapped=("ON", "RUNS"), spared=("SINCE", "KERNELS"))


def _table(rows: list[Row], profiles: dict[str, Profile]) -> list[tuple[str, ...]]:
    table: list[tuple[str, ...]] = [("NAME", "TUNNEL", "SERVER", "ON", "RUNS", "KERNELS", "SINCE", "LAST USE")]
    for row in rows:
        answer, profile = row.answer, profiles[row.name]
        on = ", ".join(answer.elsewhere) if answer.state == "elsewhere" else answer.host
        if profile.scheduler and answer.state in {"stopped", "queued"}:
            on = ""  # the login node tells it, but nothing runs there
        table.append((
            row.name,
            str(profile.port) if row.tunnel else "-",
            _server(answer),
            printable(on, 60) or "-",
            _runs(profile, answer),
            "-" if answer.kernels is None or answer.state != "running" else str(answer.kernels),
            _ago(answer.since),
            _ago(answer.last_activity),
        ))  # fmt: skip
    return table


def _server(answer: Answer) -> str:
    """Return the server's state, and that of its job where this tells more."""
    job = answer.job
    if job is None:
        return answer.state
    if answer.state == "queued":
        return printable(f"queued ({job.reason or job.state})", 40)
    return f"{answer.state}, {_span(job.left)} left" if job.left is not None else answer.state


def _runs(profile: Profile, answer: Answer) -> str:
    if answer.state not in {"running", "starting", "unresponsive"}:
        return "-"
    version = profile.server.version if profile.server else ""
    return f"{TITLES[profile.app]} {version}".rstrip()


def _ago(moment: float | None) -> str:
    """Return a time as its distance from now, in the largest fitting unit."""
    if moment is None:
        return "-"
    return f"{_span(max(0.0, time.time() - moment))} ago"


def _span(seconds: float) -> str:
    """Return a time in the largest fitting unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _as_json(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "tunnel": row.tunnel,
        "outdated": row.outdated,
        **msgspec.to_builtins(row.answer),
    }


def _error(row: Row) -> dict[str, str]:
    assert row.trouble  # noqa: S101  the caller asks for troubled rows alone
    return {"profile": row.name, "error": row.trouble.message, "hint": row.trouble.hint}
