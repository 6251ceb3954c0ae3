"""Whether our installed files speak of nothing but their own aliases: then one of them says all of its alias. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbssh.core.ssh.grammar import parse_line
from nbssh.core.ssh.include import MARK, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[a-z0-9._-]+")
_BLOCKS = re.compile(rb"host|match|include", re.IGNORECASE)


def hosts(text: bytes) -> frozenset[str] | None:
    """Return the hosts that an ssh_config speaks of, lower-case; None where it may speak of others too.

    That is where anything stands above the first Host line, and where there is a pattern, an Include, or a Match that
    does not begin with `originalhost`.
    """
    found: set[str] = set()
    for raw in text.split(b"\n"):
        if found and b'"' not in raw and not _BLOCKS.search(raw):
            continue
        if (line := parse_line(raw.decode("utf-8", "surrogateescape"))) is None:
            continue
        keyword = line[0].lower()
        names = [name.lower() for name in line[1]]
        if keyword == "match" and names[0] == "originalhost":  # whatever else it asks for, it is for no others
            keyword, names = "host", names[1].split(",") if names[1:] else [""]
        if keyword in {"match", "include"} or (not found and keyword != "host"):
            return None
        if keyword == "host":
            if not all(map(_NAME.fullmatch, names)):
                return None
            found.update(names)
    return frozenset(found)


def stand_first(config: bytes) -> bool:
    """Tell whether ssh reads our files before all else of the user's `config`."""
    return OURS.match(config.removeprefix(MARK)) is not None


def settled(config: bytes, files: Iterable[bytes | None]) -> frozenset[str]:
    """Return the hosts, lower-case, that one of our `files` says all about; none where that cannot be told.

    `config` is the user's: our own line must be the first, and none of the files unreadable, which is None.
    """
    if not stand_first(config):
        return frozenset()
    once: set[str] = set()
    more: set[str] = set()
    for file in files:
        found = None if file is None else hosts(file)
        if found is None:
            return frozenset()
        more |= once & found
        once |= found
    return frozenset(once - more)
