"""The program on a host: plain files that no profile changes, in a folder named by what is in them. Pure.

`ROOT/program/ID/` holds launch, serve, kill, status, wait and the parts they read, and what a way adds. ID says what
is in the folder: two versions lie side by side, and a folder with another content than ID says is damaged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from nbssh.core.files.change import EXECUTABLE, PRIVATE
from nbssh.core.files.overlay import OVERLAY
from nbssh.core.files.render import listed, static

if TYPE_CHECKING:
    from nbssh.core.files.overlay import Source
    from nbssh.core.way import Way

_POLYNOMIAL = 0x04C11DB7  # of cksum (POSIX)


@dataclass(frozen=True)
class Part:
    """One file of a program; `name` is its path in the folder."""

    name: str
    data: bytes
    mode: int


@dataclass(frozen=True)
class Program:
    """All files of a program, by name."""

    parts: tuple[Part, ...]

    @cached_property
    def stream(self) -> bytes:
        """What is summed up, here and by templates/sent/read: mode, size and name of each file, then all contents."""
        lines = sorted(f"{_mode(part.mode)} {len(part.data)} {part.name}\n" for part in self.parts)
        return "".join(lines).encode() + b"".join(part.data for part in self.parts)

    @cached_property
    def sum(self) -> str:
        """The checksum of the whole as sha256sum(1) says it."""
        return hashlib.sha256(self.stream).hexdigest()

    @property
    def id(self) -> str:
        """The name of the folder: 16 hexadecimal digits."""
        return self.sum[:16]

    def is_whole(self, kind: str, words: list[str]) -> bool:
        """Tell whether a host's checksum of the folder is ours; `kind` is sha256, or cksum where it has none."""
        if kind == "sha256":
            return words[:1] == [self.sum]
        return kind == "cksum" and words[:2] == [str(cksum(self.stream)), str(len(self.stream))]


def program(part: str = "") -> Program:
    """Return the program of this version; `part` is the folder that a way adds to it."""
    return _program(part, OVERLAY.sources())


@cache
def _program(part: str, _: tuple[Source, ...]) -> Program:
    parts = [_part(name, f"server/{name}") for name in listed("server")]
    if part:
        parts += [_part(f"{part}/{name}", f"{part}/{name}") for name in listed(part)]
    return Program(tuple(sorted(parts, key=lambda part: part.name)))


def program_of(way: Way) -> Program:
    """Return the program that the aliases of a profile with this way name."""
    return program(way.part)


def _part(name: str, template: str) -> Part:
    data = static(template)
    return Part(name, data, EXECUTABLE if data.startswith(b"#!") else PRIVATE)


def _mode(mode: int) -> str:
    return "-rwx------" if mode == EXECUTABLE else "-rw-------"


def cksum(data: bytes) -> int:
    """Return the CRC of `data` as POSIX defines it: some hosts have nothing better."""
    table = _table()
    value = 0
    length = len(data)
    tail = bytearray()
    while length:
        tail.append(length & 0xFF)
        length >>= 8
    for byte in data + bytes(tail):
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return value ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (_POLYNOMIAL if value & 0x80000000 else 0)) & 0xFFFFFFFF
        found.append(value)
    return tuple(found)
