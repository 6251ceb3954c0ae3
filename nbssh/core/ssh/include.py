"""The user's own ~/.ssh/config, bytes in and bytes out: our Include line into it and out of it again.

The file is spliced, never parsed and written back: every byte that is not ours survives, whatever its
encoding. Pure: files that the config includes are read through the `Disk` that the caller hands in.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import posixpath
import re
from typing import TYPE_CHECKING, Protocol

from nbssh.core.ssh.grammar import parse_line, word
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMENT = b"# Jupyter over ssh; added by nbssh, taken out again by: nbssh uninstall"
INCLUDE = b"Include nbssh.d/*.conf"
OURS = re.compile(
    rb"(?:^|(?<=\A\xef\xbb\xbf))" + re.escape(COMMENT) + rb"\r?\n" + re.escape(INCLUDE) + rb"(?:\r?\n|\Z)",
    re.MULTILINE,
)
MARK = b"\xef\xbb\xbf"
_BOMS = {MARK: "UTF-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_STRUCTURE = re.compile(rb"\b(host|match|include)\b", re.IGNORECASE)
_FORWARD = re.compile(rb"(?i)localforward|dynamicforward|include")
# READCONF_MAX_DEPTH in OpenSSH's readconf.c: deeper than this ssh itself gives up.
_DEPTH = 16
# Names that a profile's file may have; a pattern has to match them all to be as good as our own line.
_PROBES = ("a.conf", "mybox.conf", "Z-0_9.x.conf", f"{32 * 'n'}.conf")
# Files in the same directory that are no ssh_config: a pattern that matches them breaks every ssh call.
_NO_CONFIG = ("open", "mybox.ctl")


class Disk(Protocol):
    """What is asked of the file system, so that this module asks nothing itself.

    What is there and cannot be read raises NbsshError: it must not be taken for empty.
    """

    @property
    def home(self) -> str:
        """$HOME, through which ssh expands `~` and relative paths in Include (measured)."""

    def glob(self, pattern: str) -> list[str]:
        """Find paths as the glob of C does with GLOB_TILDE; sorted."""

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no such file."""

    def real(self, path: str) -> str:
        """Return the path with all symbolic links resolved."""


class Kind(enum.Enum):
    """Whether ssh reads our files, and with which precedence."""

    EFFECTIVE = "effective"  # above the first Host or Match line: for every host
    LOW = "low"  # below one: it belongs to that block
    ABSENT = "absent"


@dataclasses.dataclass(frozen=True, slots=True)
class IncludeState:
    """Where our files are included.

    `file` is empty where that is the user's config itself, otherwise the included file's path; `line` counts
    from 1. `block` is the Host or Match line that owns a LOW one. `wide` says that the pattern also
    matches files of ours that are no ssh_config, which breaks every ssh call.
    """

    kind: Kind
    file: str = ""
    line: int = 0
    block: str = ""
    wide: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line that says something, and the Host or Match line that it stands below, if any."""

    file: str
    number: int
    keyword: str
    arguments: list[str]
    owner: Line | None = None

    @property
    def text(self) -> str:
        """The line as one reads it."""
        return " ".join((self.keyword.capitalize(), *self.arguments))


def include_added(config: bytes, *, skips_mark: bool = False) -> bytes:
    """Put our two lines on top of the user's config, with its line ends; every other byte stays.

    Always adds: ask `include_state` first whether it is needed. Where our lines stand too low, take
    them out before. A byte order mark stays first where ssh `skips_mark`, the one of UTF-8; for any other NbsshError.
    """
    if skips_mark and config.startswith(MARK):
        return MARK + include_added(config.removeprefix(MARK))
    for bom, encoding in _BOMS.items():
        if config.startswith(bom):
            raise NbsshError(
                f"~/.ssh/config starts with a byte order mark ({encoding}), which ssh refuses",
                "save it as plain text without a byte order mark, then run this again",
            )
    end = b"\r\n" if re.match(rb"[^\n]*\r\n", config) else b"\n"
    return COMMENT + end + INCLUDE + end + config


@functools.lru_cache(maxsize=2)  # of a long config it takes half a millisecond, and many profiles have the same
def include_removed(config: bytes) -> bytes:
    """Take our two lines out, wherever the user has moved them; the exact inverse of `include_added`.

    Only the comment directly followed by its Include counts, and of several pairs only the first. A
    line that the user has changed, or an Include without our comment, is the user's.
    """
    return OURS.sub(b"", config, count=1)


def include_state(config: bytes, disk: Disk) -> IncludeState:
    """Say where the user's config includes all our files, in whatever spelling.

    An Include that ssh reads for every host wins over one that stands too low. One that belongs to
    `Host *` or `Match all` is low too: what stands above it has precedence over ours.
    """
    low: IncludeState | None = None
    directory = posixpath.join(disk.home, ".ssh", "nbssh.d")
    for line in config_lines(config, disk, directory):
        if line.keyword != "include":
            continue
        for pattern in line.arguments:
            if not _covers(pattern, directory, disk):
                continue
            wide = _last_matches(pattern, _NO_CONFIG)
            if line.owner is None:
                return IncludeState(Kind.EFFECTIVE, line.file, line.number, wide=wide)
            owner = line.owner
            low = low or IncludeState(Kind.LOW, line.file, line.number, owner.text, wide=wide)
    return low or IncludeState(Kind.ABSENT)


def include_left_out(
    config: bytes, disk: Disk, keep: Callable[[bytes], str], line: Callable[[bytes], bytes] = bytes
) -> bytes:
    """Return the config as ssh would read it if none of our files were there, whoever wrote the Include of them.

    `line` may change each line of it but the Include lines. A file that it includes is included as it is; one that
    includes ours in turn is replaced by a changed copy, which `keep` stores: it returns the copy's path.
    """
    ours = disk.real(posixpath.join(disk.home, ".ssh", "nbssh.d"))

    def left_out(data: bytes, depth: int) -> bytes:
        return b"\n".join(spelled(raw, depth) for raw in data.split(b"\n"))

    @functools.cache  # those that include each other end at a depth, but there may be 2 ** 16 ways to it
    def copy(path: str, depth: int) -> str:
        data = disk.read(path) or b""
        changed = left_out(data, depth) if depth <= _DEPTH else data
        return path if changed == data else keep(changed)

    def spelled(raw: bytes, depth: int) -> bytes:
        if b"include" not in raw.lower():
            return line(raw)
        parsed = parse_line(raw.decode("utf-8", "surrogateescape"))
        if parsed is None or parsed[0].lower() != "include":
            return line(raw)
        found = list(_included(parsed[1], disk))
        paths = [copy(path, depth + 1) for path in found if disk.real(posixpath.dirname(path)) != ours]
        if paths == found:
            return raw
        return f"Include {' '.join(map(word, paths))}".encode("utf-8", "surrogateescape") if paths else b""

    return left_out(config, 0)


def find_host(config: bytes, alias: str, disk: Disk) -> tuple[str, int] | None:
    """Find the line where the user has written `Host ALIAS` literally: (file, line number), None if nowhere.

    The file is empty for the config itself. A wildcard that matches and a negation do not count, nor do
    our own files.
    """
    directory = posixpath.join(disk.home, ".ssh", "nbssh.d")
    for line in config_lines(config, disk, directory):
        if line.keyword == "host" and alias in line.arguments:
            return line.file, line.number
    return None


def listening_ports(config: bytes, disk: Disk) -> frozenset[int]:
    """Return the local ports of all LocalForward and DynamicForward lines of the user's own, for whatever host."""
    directory = posixpath.join(disk.home, ".ssh", "nbssh.d")
    forwards = (
        line.arguments[0]
        for line in config_lines(config, disk, directory, _FORWARD)
        if line.keyword in {"localforward", "dynamicforward"} and line.arguments
    )
    ports = (re.fullmatch(r"(?:[^/].*[:/])?([0-9]{1,5})", listen) for listen in forwards)
    return frozenset(int(found[1]) for found in ports if found)


def config_lines(config: bytes, disk: Disk, skip: str, wanted: re.Pattern[bytes] = _STRUCTURE) -> Iterator[Line]:
    """Walk through the Host, Match and Include lines of the config and all it includes, in ssh's order.

    Or through the lines that `wanted` finds, the Include lines among them.

    But without the files in `skip`. A file is visited at most twice, once for every host and once inside a block: so
    cycles end.
    """
    seen: set[tuple[str, bool]] = set()

    def walk(data: bytes, file: str, owner: Line | None, depth: int) -> Iterator[Line]:
        for number, raw in enumerate(data.split(b"\n"), start=1):
            if b'"' not in raw and not wanted.search(raw):
                continue  # nine lines of ten, in a fiftieth of the time
            # Any byte may come, and a name must be spelled as the file system spells it: as os.fsdecode does.
            parsed = parse_line(raw.decode("utf-8", "surrogateescape"))
            if parsed is None:
                continue
            line = Line(file, number, parsed[0].lower(), parsed[1], owner)
            yield line
            if line.keyword in {"host", "match"}:
                owner = line
            if line.keyword != "include" or depth == _DEPTH:
                continue
            for path in _included(line.arguments, disk):
                visit = (path, owner is None)
                if visit in seen or posixpath.dirname(_absolute(path, disk)) == skip:
                    continue
                seen.add(visit)
                yield from walk(disk.read(path) or b"", path, owner, depth + 1)

    yield from walk(config, "", None, 0)


def _included(patterns: list[str], disk: Disk) -> Iterator[str]:
    for pattern in patterns:
        yield from disk.glob(_anchored(pattern))


def _anchored(pattern: str) -> str:
    """Return a pattern as ssh looks it up; one with a drive may have backslashes."""
    if _DRIVE.match(pattern):
        return pattern.replace("\\", "/")
    return pattern if pattern.startswith(("/", "~")) else f"~/.ssh/{pattern}"


def _absolute(path: str, disk: Disk) -> str:
    """Spell a path or pattern as ssh looks it up: through $HOME (ssh_config(5), Include; measured)."""
    path = _anchored(path)
    if path == "~" or path.startswith("~/"):
        path = disk.home + path[1:]
    return posixpath.normpath(path)


def _covers(pattern: str, directory: str, disk: Disk) -> bool:
    """Say whether an Include pattern finds every file of ours, those to come included."""
    folder, _ = posixpath.split(_absolute(pattern, disk))
    if not _last_matches(pattern, _PROBES):
        return False
    ours, parts = posixpath.normpath(directory).split("/"), folder.split("/")
    pairs = zip(parts, ours, strict=False)
    if len(ours) == len(parts) and all(part == name or _matches(part, name) for part, name in pairs):
        return True
    # Another way to the same directory: ~user, a symbolic link.
    return disk.real(directory) in {disk.real(found) for found in disk.glob(folder)}


def _last_matches(pattern: str, names: tuple[str, ...]) -> bool:
    last = posixpath.basename(_anchored(pattern))
    return all(_matches(last, name) for name in names)


def _matches(pattern: str, name: str) -> bool:
    """Match one path component as glob(3) does; a leading dot is matched only by a literal one."""
    if name.startswith(".") and not pattern.startswith((".", "\\.")):
        return False
    pieces = re.findall(r"\\.|\[[!^]?\]?[^]]*\]|.", pattern, re.DOTALL)
    try:
        return re.fullmatch("".join(map(_regex, pieces)), name, re.DOTALL) is not None
    except re.error:  # `[z-a]`
        return False


def _regex(piece: str) -> str:
    if piece in {"*", "?"}:
        return ".*" if piece == "*" else "."
    if len(piece) > 1 and piece.startswith("["):
        negated = piece[1] in "!^"
        inside = re.sub(r"[][\\&~|^]", r"\\\g<0>", piece[1 + negated : -1])
        return f"[{'^' if negated else ''}{inside}]"
    return re.escape(piece[1:] if len(piece) > 1 else piece)
