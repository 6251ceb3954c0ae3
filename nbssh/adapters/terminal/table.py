"""Prints tables for people: the findings of `nbssh doctor`, the lines of `nbssh status` on a terminal.

The only module that imports rich, and imported late itself. Must not decide what a table says.
"""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nbssh.core.server.doctor import Finding

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def print_findings(findings: Iterable[Finding], *, color: bool) -> None:
    """Print one row per finding, wrapped at the width of the terminal, with the repair below the message."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=20)
    table.add_column(overflow="fold")
    for finding in findings:
        what = Text(printable(": ".join(part for part in (finding.check, finding.message) if part)))
        if finding.repair:
            what.append(f"\n-> {printable(finding.repair)}", style="cyan")
        table.add_row(
            Text(finding.level, style=_STYLES[finding.level]), Text(printable(finding.profile or "here")), what
        )
    _print(_console(color=color), table)


def print_rows(
    rows: Sequence[Sequence[str]],
    *,
    color: bool,
    styles: Mapping[str, str],
    wrapped: Collection[str],
    spared: Collection[str],
) -> None:
    """Print aligned columns under their heads, `rows[0]`, as `ui.columns` does but for terminals.

    `styles`: cell -> rich style. Where the terminal is too narrow the columns `wrapped` give way, by a second line,
    and before a word of theirs is broken those of `spared` are left out, the first one first.
    """
    console = _console(color=color)
    rows = [[printable(cell) for cell in row] for row in rows]
    spare, cells = list(spared), {head: column for head, *column in zip(*rows, strict=True)}
    needed = {
        head: max(len(part) for cell in (head, *column) for part in (cell.split() if head in wrapped else [cell]))
        for head, column in cells.items()
    }
    while spare and sum(needed[head] + 2 for head in cells) - 2 > console.width:
        del cells[spare.pop(0)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in cells:
        gives_way = head in wrapped
        table.add_column(head, no_wrap=not gives_way, overflow="fold", min_width=None if gives_way else needed[head])
    for row in zip(*cells.values(), strict=True):
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    _print(console, table)


def _print(console: Console, table: Table) -> None:
    with console.capture() as page:
        console.print(table)
    # rich fills every line up with blanks
    sys.stdout.write(re.sub(r" +$", "", page.get(), flags=re.MULTILINE))


def _console(*, color: bool) -> Console:
    return Console(
        width=shutil.get_terminal_size((80, 24)).columns,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
    )
