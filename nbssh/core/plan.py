"""What is to change, as data: the one Plan that apply, diff, --dry-run, --check and --json consume.

Pure: no file is read or written here. A Change carries both byte strings, so showing and applying
cannot disagree. The seal, a checksum line in the header of a generated file, tells a hand edit from a
file that is merely out of date.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_NEWLINE = "\\ No newline at end of file"
SEAL = "nbssh-checksum:"
# A comment sign, then the word, at the start of a line: `# nbssh-checksum: sha256:…`; any value will do.
_SEAL_LINE = re.compile(rb"^(?P<comment>[^\w\s]{1,4}) nbssh-checksum:(?P<value>[^\r\n]*)\r?$", re.MULTILINE)
# "password": "…", "hashed_password": "…", "token": "…", whatever else a user calls so in a Jupyter configuration.
_SECRET_VALUE = re.compile(
    r'("[^"\\]*(?:password|token|secret|hash|key)[^"\\]*"[ \t]*:[ \t]*)"(?:[^"\\\n]|\\.)*"?', re.IGNORECASE
)
_RED, _GREEN, _CYAN, _BOLD, _RESET = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"


class ChangeJson(TypedDict):
    """One change as `--json` prints it; modes are octal text (`0600`), `diff` null for a secret."""

    action: str
    diff: str | None
    edited: bool
    mode: str | None
    old_mode: str | None
    path: str
    secret: bool
    where: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One file as it is and as it should be.

    `old` and `new` are whole contents; None means that the file does not, or shall not, exist. `mode`
    and `old_mode` are permission bits (0o600); `old_mode` None means that nobody looked. `where` is
    empty for a local file, else the ssh destination's name. `edited` says that a generated file was
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

    @property
    def hidden(self) -> bool:
        """Nothing of the content may be shown."""
        return self.secret and not self.masked

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
        """Nothing is to be done."""
        return not self.changes

    @property
    def local(self) -> tuple[Change, ...]:
        """The changes on this machine."""
        return tuple(change for change in self.changes if not change.where)

    def __add__(self, other: Plan) -> Plan:
        return Plan((*self.changes, *other.changes))


def printable(text: str) -> str:
    """Escape all that a terminal could act on: control, format and bidirectional characters, odd spaces.

    Tab survives. A file from a server must not be able to move the cursor, set a title or hide text.
    """
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode("ascii") for char in text
    )


def unified(plan: Plan, *, color: bool = False) -> str:
    """Show the plan as one git-style unified diff; `patch -p1` in `/` applies it where content is plain text.

    Returns an empty string for an empty plan. Lines that start with `# ` before a file's header say
    why, and that a file was edited by hand; patch tools skip them. The content of a secret file is not
    shown.
    """
    lines = [line for change in plan.changes for line in _describe(change)]
    if color:
        lines = [_colored(line) for line in lines]
    return "".join(f"{line}\n" for line in lines)


def as_json(plan: Plan) -> list[ChangeJson]:
    """Give the plan as JSON data, one object per change, keys sorted; bytes appear only inside `diff`."""
    return [
        ChangeJson(
            action=change.action,
            diff=None if change.hidden else "".join(f"{line}\n" for line in _diff(change)),
            edited=change.edited,
            mode=None if change.new is None else f"{change.mode:04o}",
            old_mode=None if change.old is None or change.old_mode is None else f"{change.old_mode:04o}",
            path=change.path,
            secret=change.secret,
            where=change.where,
            why=change.why,
        )
        for change in plan.changes
    ]


def seal(body: str, comment: str = "#") -> str:
    """Write the checksum of all other lines into the line `COMMENT nbssh-checksum:` of a generated file.

    A body without that line gets one on top, or below its `#!` line. Same body, same bytes; sealing
    twice changes nothing. The checksum is no protection against an attacker, who can compute it too.
    """
    placeholder = f"{comment} {SEAL}"
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
    return b"sha256:" + hashlib.sha256(data[: found.start("value")] + data[found.end("value") :]).hexdigest().encode()


def _describe(change: Change) -> Iterator[str]:
    if change.why:
        yield f"# {change.name}: {printable(change.why)}"
    if change.edited:
        yield f"# {change.name}: edited by hand since nbssh wrote it"
    if change.hidden:
        # No diff header: patch would create an empty file from it.
        modes = f" {change.old_mode:04o} -> {change.mode:04o}" if change.remodes else ""
        yield f"# {change.name}: {change.action}{modes}, content not shown"
    else:
        yield from _diff(change)


def _diff(change: Change) -> Iterator[str]:
    name = change.name.lstrip("/")
    yield f"diff --git a/{name} b/{name}"
    if change.old is None:
        yield f"new file mode 100{change.mode:03o}"
    elif change.new is None:
        yield f"deleted file mode 100{change.old_mode or 0o600:03o}"
    elif change.remodes:
        yield f"old mode 100{change.old_mode:03o}"
        yield f"new mode 100{change.mode:03o}"
    if (change.old or b"") == (change.new or b""):  # as git says it: no hunks, no file names
        return
    # git's way: a tab ends a name with a space in it, else patch takes the rest of the line for a time stamp.
    tab = "\t" if " " in name else ""
    yield "--- /dev/null" if change.old is None else f"--- a/{name}{tab}"
    yield "+++ /dev/null" if change.new is None else f"+++ b/{name}{tab}"
    old, new = (_lines(data) if not change.masked else _lines_masked(data) for data in (change.old, change.new))
    if old == new:
        yield "# only values that are not shown differ"
    hunks = difflib.unified_diff(old, new, n=3, lineterm="")
    for number, line in enumerate(hunks):
        if number < 2:  # noqa: PLR2004 - difflib's own two header lines
            continue
        sign, text = line[:1], line[1:]
        if sign == "@":
            yield line
            continue
        yield sign + _shown(text)
        if not text.endswith("\n"):
            yield NO_NEWLINE


def _lines(data: bytes | None) -> list[str]:
    """Split at LF alone, as patch does; bytes that are not UTF-8 become lone surrogates, all distinct."""
    return re.findall(r"[^\n]*\n|[^\n]+", (data or b"").decode("utf-8", "surrogateescape"))


def _lines_masked(data: bytes | None) -> list[str]:
    return [_SECRET_VALUE.sub(r'\1"(not shown)"', line) for line in _lines(data)]


def _shown(line: str) -> str:
    body = line.removesuffix("\n")
    # The CR of a CRLF line is harmless on a terminal, and patch needs it.
    tail = "\r" if body.endswith("\r") and line.endswith("\n") else ""
    body = body.removesuffix(tail)
    if body.isprintable():
        return body + tail
    escaped = re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", body)
    return printable(escaped) + tail


def _colored(line: str) -> str:
    for start, sgr in (
        ("diff --git", _BOLD),
        ("--- a/", _BOLD),
        ("--- /dev/null", _BOLD),
        ("+++ b/", _BOLD),
        ("+++ /dev/null", _BOLD),
        ("old mode", _BOLD),
        ("new ", _BOLD),
        ("deleted ", _BOLD),
        ("@@", _CYAN),
        ("+", _GREEN),
        ("-", _RED),
    ):
        if line.startswith(start):
            return f"{sgr}{line}{_RESET}"
    return line
