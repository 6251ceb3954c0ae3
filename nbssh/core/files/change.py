"""What is to change, as data: the one Plan that apply, diff, --dry-run, --check and --json consume.

Pure: no file is read or written here. A Change carries both byte strings, so showing and applying
cannot disagree. The seal, a checksum line in the header of a generated file, tells a hand edit from a
file that is merely out of date.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from typing import TYPE_CHECKING

from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

PRIVATE, EXECUTABLE = 0o600, 0o700
MARK = "nbssh-checksum:"
SEAL = f"# {MARK}"  # the line of a generated file that `seal` completes
# A comment sign, then the word, at the start of a line: `# nbssh-checksum: sha256:…`; any value will do.
_SEAL_LINE = re.compile(rb"^(?P<comment>[^\w\s]{1,4}) nbssh-checksum:(?P<value>[^\r\n]*)\r?$", re.MULTILINE)


class Kind(enum.Enum):
    """What a file is for: what decisions are taken by, and never by its name or by the `why` that people read."""

    PROFILE = enum.auto()
    SECRET = enum.auto()
    KEY = enum.auto()
    KNOWN_HOSTS = enum.auto()
    ALIASES = enum.auto()  # the ssh_config of one profile
    OPENER = enum.auto()
    REDIRECT = enum.auto()  # the page with the token
    INCLUDE = enum.auto()  # the user's own config, for the sake of our line
    MARKER = enum.auto()  # remembers that the line was added
    LAPTOP = enum.auto()  # what this laptop is called on its hosts
    PROGRAM = enum.auto()  # the whole folder of a program on a host; its content is Program.stream
    SETTINGS = enum.auto()  # what the program goes by for one profile
    JUPYTER_CONFIG = enum.auto()
    REGISTRATION = enum.auto()  # which program a laptop's aliases name
    OTHER = enum.auto()


NEVER_SHOWN = {Kind.SECRET, Kind.KEY, Kind.REDIRECT}
AT_NEXT_START = {Kind.SETTINGS, Kind.JUPYTER_CONFIG}
"""What a Jupyter that runs does not take up before it is started again."""


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """One file as it should be. `secret`: its content is never shown; `masked`: but for its secret values."""

    path: str
    text: str
    mode: int
    why: str
    secret: bool = False
    masked: bool = False
    kind: Kind = dataclasses.field(kw_only=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One file as it is and as it should be.

    `old` and `new` are whole contents; None means that the file does not, or shall not, exist. `mode`
    and `old_mode` are permission bits (0o600); `old_mode` None means that nobody looked. `where` is
    empty for a local file, otherwise the ssh destination's name. `edited` says that a generated file was
    edited by hand since we wrote it. The content of a `secret` file is never shown; if it is `masked`
    JSON, it is shown without the values of its secret keys.
    """

    path: str
    old: bytes | None
    new: bytes | None
    mode: int
    old_mode: int | None
    why: str
    where: str = ""
    edited: bool = False
    secret: bool = False
    masked: bool = False
    kind: Kind = Kind.OTHER

    @property
    def hidden(self) -> bool:
        """Nothing of the content is shown: it is secret, or it is a program."""
        return (self.secret and not self.masked) or self.kind is Kind.PROGRAM

    @property
    def remodes(self) -> bool:
        """The file stays and its permissions change."""
        stays = self.old is not None and self.new is not None
        return stays and self.old_mode is not None and self.mode != self.old_mode

    @property
    def real(self) -> bool:
        """Something would be done."""
        return self.old != self.new or self.remodes

    @property
    def action(self) -> str:
        """Say `create`, `delete`, `change`, `mode` (only the permissions) or `none`."""
        if not self.real:
            return "none"
        if self.old is None:
            return "create"
        if self.new is None:
            return "delete"
        return "change" if self.old != self.new else "mode"

    @property
    def was_cut(self) -> bool:
        """The old content is the new one's beginning: it was damaged, and not edited."""
        return self.old is not None and self.new is not None and self.new.startswith(self.old) and self.old != self.new

    @property
    def name(self) -> str:
        """The path, with the ssh destination in front where the file is remote; safe to print."""
        return printable(f"{self.where}:{self.path}" if self.where else self.path)


@dataclasses.dataclass(frozen=True, init=False, slots=True)
class Plan:
    """The changes that are left to do, in the order of their application; unreal ones are dropped at once."""

    changes: tuple[Change, ...]

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        object.__setattr__(self, "changes", tuple(change for change in changes if change.real))

    @property
    def empty(self) -> bool:
        """There is nothing to do."""
        return not self.changes

    @property
    def local(self) -> tuple[Change, ...]:
        """The changes on this machine."""
        return tuple(change for change in self.changes if not change.where)

    def __add__(self, other: Plan) -> Plan:
        return Plan((*self.changes, *other.changes))


def seal(body: str, comment: str = "#") -> str:
    """Write the checksum of all other lines into the line `COMMENT nbssh-checksum:` of a generated file.

    A body without that line gets one on top, or below its `#!` line. Same body, same bytes; sealing
    twice changes nothing. The checksum is no protection against an attacker, who can compute it too.
    """
    placeholder = f"{comment} {MARK}"
    data = body.encode("utf-8", "surrogateescape")
    found = _SEAL_LINE.search(data)
    if found is None:
        at = data.index(b"\n") + 1 if data.startswith(b"#!") and b"\n" in data else 0
        data = data[:at] + placeholder.encode() + b"\n" + data[at:]
        found = _SEAL_LINE.search(data)
    if found is None:
        raise ValueError(f"no seal can be made with the comment sign {comment!r}")
    return (data[: found.start("value")] + b" " + _checksum(data, found) + data[found.end("value") :]).decode(
        "utf-8", "surrogateescape"
    )


def is_edited(data: bytes) -> bool | None:
    """Say whether a sealed file differs from what was sealed; None for a file that carries no seal at all."""
    found = _SEAL_LINE.search(data)
    return None if found is None else found["value"].strip() != _checksum(data, found)


def _checksum(data: bytes, found: re.Match[bytes]) -> bytes:
    import hashlib  # noqa: PLC0415  OpenSSL, which `list` does not need

    return b"sha256:" + hashlib.sha256(data[: found.start("value")] + data[found.end("value") :]).hexdigest().encode()
