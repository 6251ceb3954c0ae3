"""What a host answers, as text, lines and words: the only place where an answer is taken apart. Pure.

An answer may be anything: too short, too long, in no known encoding. So whoever reads words of it matches them together
with their number, as in `case ["job", number, node]`, and has a branch for all else. Nothing here raises.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from nbssh.core.text import printable

_LINES = 10_000
_RECORD_BYTES = 256 * 1024
_Record = TypeVar("_Record")


def text(out: bytes) -> str:
    """Return an answer as it is, without blanks around it; what is no UTF-8 is replaced."""
    return out.decode("utf-8", "replace").strip()


def lines(out: bytes) -> list[str]:
    """Return the lines of an answer, safe for a terminal."""
    return [printable(line) for line in out.decode("utf-8", "replace").splitlines()]


def rows(out: bytes, characters: int = 16_384) -> list[list[str]]:
    """Return the words of each line that has any, of the first 10,000 lines and of each the first `characters`."""
    found = (words(line[:characters]) for line in out.decode("utf-8", "replace").split("\n")[:_LINES])
    return [row for row in found if row]


def record(out: bytes, kind: type[_Record]) -> _Record | None:
    """Return the JSON value that is the whole answer as a `kind`, whose fields bound it; None for anything else."""
    if len(out) > _RECORD_BYTES:
        return None
    try:
        return msgspec.json.decode(out.strip(), type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # too deep
        return None


def words(line: str) -> list[str]:
    """Return the words of one line."""
    return printable(line).replace("\t", " ").split()
