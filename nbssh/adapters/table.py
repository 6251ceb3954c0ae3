"""Prints the findings of `nbssh doctor` as a table. The only module that imports rich, and imported late itself."""

from __future__ import annotations

import io
import re
import shutil
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbssh.core.plan import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbssh.core.findings import Finding

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
        table.add_row(Text(finding.level, style=_STYLES[finding.level]), Text(finding.profile or "here"), what)
    console = Console(
        file=(page := io.StringIO()),
        width=shutil.get_terminal_size((80, 24)).columns,
        color_system="standard" if color else None,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
    )
    console.print(table)
    # rich fills every line up with blanks
    sys.stdout.write(re.sub(r" +$", "", page.getvalue(), flags=re.MULTILINE))
