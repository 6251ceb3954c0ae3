"""What a host answers, as text, lines and words: the only place where an answer is taken apart. Pure.

An answer may be anything: too short, too long, in no known encoding. So whoever reads words of it matches them together
with their number, as in `case ["job", number, node]`, and has a branch for all else. Nothing here raises.
"""

from __future__ import annotations

from nbssh.core.text import printable

_LINES = 10_000


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


def words(line: str) -> list[str]:
    """Return the words of one line."""
    return printable(line).replace("\t", " ").split()
