"""Text for a terminal: whatever comes from elsewhere is cleaned here before anybody prints it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY: Final = 4  # names in a sentence; of more some are counted


def printable(text: str, limit: int | None = None) -> str:
    """Escape all that a terminal could act on: control, format and bidirectional characters, odd spaces.

    Tab survives. A file from a host must not be able to move the cursor, set a title or hide text. What is longer
    than `limit` characters is cut, with an ellipsis at its end.
    """
    clean = _escaped(text)
    return clean if limit is None or len(clean) <= limit else clean[: limit - 1] + "…"


def cleaned(text: str) -> str:
    """Do as `printable`, but keep the lines of `text`: their ends stay, whether LF or CR LF."""
    return "".join(part if part in {"\n", "\r\n"} else _escaped(part) for part in re.split(r"(\r?\n)", text) if part)


def lines_of(text: str) -> list[str]:
    """Return the lines of `text` with their ends; str.splitlines would end one at U+2028 and the like, too."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def listed(what: Sequence[str]) -> str:
    """Return some words as a list in a sentence."""
    return " and ".join(filter(None, (", ".join(what[:-1]), what[-1])))


def listed_names(names: Sequence[str]) -> str:
    """Return some names in quotes as such a list; of many the first ones, and how many more there are."""
    quoted = [f"'{name}'" for name in names]
    return listed(quoted if len(names) <= MANY else [*quoted[: MANY - 1], f"{len(names) - MANY + 1} more"])


def command_for(command: str, names: Sequence[str]) -> str:
    """Return a command for these names; for many without them, which is for all."""
    return " ".join((command, *names)) if len(names) <= MANY else command


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode("ascii") for char in text
    )


def span(seconds: float) -> str:
    """Return a time in the largest fitting unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def time_left(seconds: int) -> str:
    """Return what is left of a time, in the words of a session."""
    seconds = max(0, seconds)
    hours, minutes = divmod((seconds + 59) // 60, 60)
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds} s"
    if hours >= 24:  # noqa: PLR2004  a day
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
