"""Writes what bench.json holds into the documentation: the whole table into docs/speed.md, five rows into README.md.

`make bench` does it where everything was measured; `python tests/bench/tables.py` does it with the bench.json there is.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- written by make bench -->\n", "<!-- until here -->\n"
# What readers call it, by what the measurement is called and its rival.
HAND = "the recipe by hand"
SHORT = {
    ("cold start, page", HAND): ("a cold start, until the page answers", "the recipe typed by hand"),
    ("attach, page", "ssh box true"): ("the same with Jupyter running there", "`ssh box true`"),
    ("second session, URL", "ssh box true"): ("a second terminal", "`ssh box true`"),
    ("kill, prompt", "ssh box true + Jupyter's own end"): ("`ssh box-nb-kill`", "`ssh box true` and Jupyter's own end"),
    ("200 MB download", "ssh -L by hand"): ("200 MB through the tunnel", "`ssh -L` by hand"),
}

Row = dict[str, Any]
"""A `measure.Result` as bench.json holds it."""


def whole(document: dict[str, Any]) -> str:
    """Return the table of all that was measured, with limits, misses, and on what it was measured."""
    head = ["what", "against", "near", "far away", "limit"]
    lines = [_line(head), _line(["---"] * len(head))]
    for (title, against), rows in _grouped(document["results"]).items():
        cells = [_cell(rows, far=False), _cell(rows, far=True)]
        limits = dict.fromkeys(_value(row, row["goal"]) for row in rows)
        lines.append(_line([title, against, *cells, "; ".join(limits)]))
    about = document["about"]
    far = max((row["round_trip"] for row in document["results"]), default=0) * 1000
    measured = f"{about['date']}: far away is {far:.0f} ms there and back; the medians of {about['rounds']} rounds."
    lines += ["", f"{measured} {_machine(about)}."]
    lines += [f"Not measured: {failed}." for failed in document["failed"]]
    return "\n".join(lines) + "\n"


def short(document: dict[str, Any]) -> str:
    """Return the table of what a user feels: ratios, below 1 where nbssh is faster."""
    grouped = _grouped(document["results"])
    lines = [_line(["nbssh takes, of the time of", "", "near", "far away"]), _line(["---"] * 4)]
    for key, (what, against) in SHORT.items():
        rows = grouped.get(key, [])
        plain = [_cell([{**row, "met": True} for row in rows], far=far) for far in (False, True)]
        lines.append(_line([against, what, *plain]))
    return "\n".join(lines) + "\n"


def rewritten(text: str, table: str) -> str:
    """Return a page with another table between the marks. Raises ValueError where it has not both of them once."""
    if (text.count(BEGIN), text.count(END)) != (1, 1):
        raise ValueError(f"not one {BEGIN.strip()} and one {END.strip()}")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table}{END}{after}"


def write(document: dict[str, Any]) -> None:
    """Write both tables."""
    for path, table in ("docs/speed.md", whole(document)), ("README.md", short(document)):
        page = REPOSITORY / path
        page.write_text(rewritten(page.read_text(encoding="utf-8"), table), encoding="utf-8")


def _grouped(results: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in results:
        found.setdefault((row["title"], row["against"]), []).append(row)
    return found


def _cell(rows: Sequence[Row], *, far: bool) -> str:
    return "; ".join(
        _value(row, row["value"]) + ("" if row["met"] else " (missed)")
        for row in rows
        if bool(row["round_trip"]) is far
    )


def _value(row: Row, value: float) -> str:
    return (f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms") if row["per"] else f"{value:.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _machine(about: dict[str, str]) -> str:
    said = [about[key] for key in ("cpu", "system", "ssh") if about.get(key)]
    said += [
        f"{name} {about[key]}" for key, name in (("jupyterlab", "JupyterLab"), ("python", "Python")) if about.get(key)
    ]
    said += [f"{about['cores']} cores, which are both sides at once"] if about.get("cores") else []
    said += [f"key exchange {about['key exchange']}"] if about.get("key exchange") else []
    return re.sub(r"\s+", " ", ", ".join(said))


if __name__ == "__main__":
    write(json.loads((REPOSITORY / "bench.json").read_text(encoding="utf-8")))
    sys.stderr.write("bench: docs/speed.md and README.md\n")
