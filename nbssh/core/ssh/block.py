"""A `Host NAME-nb` block of the user's own, beside ours: what it says. Pure.

ssh takes the first value of each option, ours, but adds up forwards: those of such a block count.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbssh.core.ssh.answer import parsed
from nbssh.core.ssh.grammar import word
from nbssh.core.ssh.include import config_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.ssh.include import Disk, Line

FORWARDS = ("localforward", "remoteforward", "dynamicforward")
_ANY = re.compile(rb"")
_NO_OPTIONS = ("host", "match", "include")  # they say where options stand; a Host line that ends the block does too


@dataclass(frozen=True)
class Block:
    """Where it stands, and its lines: `file` is empty for the user's config itself."""

    file: str
    line: int
    lines: Sequence[Line]

    @property
    def keywords(self) -> frozenset[str]:
        """What it sets, in lower case."""
        return frozenset(line.keyword for line in self.lines)

    def config(self, alias: str) -> bytes:
        """Return an ssh_config with nothing else in it."""
        lines = [f"    {line.keyword} {' '.join(map(word, line.arguments))}" for line in self.lines]
        return "\n".join([f"Host {alias}", *lines, ""]).encode("utf-8", "surrogateescape")


def block_of(config: bytes, alias: str, disk: Disk) -> Block | None:
    """Return all that the user's own blocks say whose Host line names `alias` literally; None without one."""
    first: Line | None = None
    lines = []
    for line in config_lines(config, disk, posixpath.join(disk.home, ".ssh", "nbssh.d"), _ANY):
        if line.keyword == "host" and alias in line.arguments:
            first = first or line
        elif line.owner and line.owner.keyword == "host" and alias in line.owner.arguments:
            lines += [line] if line.keyword not in _NO_OPTIONS else []
    return Block(first.file, first.number, tuple(lines)) if first else None


def hosts(config: bytes, disk: Disk) -> frozenset[str]:
    """Return all names that the user's own Host lines have: those of which `block_of` finds a block."""
    lines = config_lines(config, disk, posixpath.join(disk.home, ".ssh", "nbssh.d"))
    return frozenset(name for line in lines if line.keyword == "host" for name in line.arguments)


def forwards(alone: str) -> tuple[str, ...]:
    """Return its forwards as `ssh -G` prints them; `alone` is its answer to a config that holds nothing else."""
    return tuple(f"{keyword} {value}" for keyword in FORWARDS for value in parsed(alone).get(keyword, ()))


def unheeded(block: Block, alone: str, together: str) -> tuple[str, ...]:
    """Return the keywords, sorted, in which the block has no effect; `together` is what `ssh -G` answers with all."""
    hers, all_ = parsed(alone), parsed(together)
    return tuple(sorted(key for key in block.keywords if not set(hers.get(key, ("",))) <= set(all_.get(key, ()))))
