"""A plan as text: one git-style unified diff, or JSON. Pure; what a secret file holds is never shown."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, TypedDict

from nbssh.core.files.change import MARK, Kind
from nbssh.core.text import lines_of, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbssh.core.files.change import Change, Plan

NO_NEWLINE = "\\ No newline at end of file"
# "password": "…", "hashed_password": "…", "token": "…", whatever else a user calls so in a Jupyter configuration.
_SECRET_VALUE = re.compile(
    r'("[^"\\]*(?:password|token|secret|hash|key)[^"\\]*"[ \t]*:[ \t]*)"(?:[^"\\\n]|\\.)*"?', re.IGNORECASE
)
# Of a file of a host: comparing more lines may take hours, and masking longer ones.
_LINES, _CHARACTERS = 4000, 1000
# Lines of our files that follow from other lines, or from other files.
_DERIVED = re.compile(rf"[^\w\s]{{1,4}} {MARK}")
_DERIVED_SETTINGS = re.compile(rf"[^\w\s]{{1,4}} {MARK}|file [0-9a-f]{{64}} |shared {{")
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


def unified(plan: Plan) -> str:
    """Show the plan as one git-style unified diff; `patch -p1` in `/` applies it where content is plain text.

    Returns an empty string for an empty plan. Lines that start with `# ` before a file's header say
    why, and that a file was edited by hand; patch tools skip them. The content of a secret file is not
    shown.
    """
    return "".join(f"{line}\n" for change in plan.changes for line in _describe(change))


def brief(plan: Plan) -> str:
    """Show the plan to whoever is asked about it: what she declared first, each change once, no checksums.

    It is no patch. Returns an empty string for an empty plan.
    """
    shown: dict[str, str] = {}
    lines: list[str] = []
    for change in sorted(plan.changes, key=lambda change: change.kind is not Kind.PROFILE):
        body = "" if change.hidden else "\n".join(_body(change, is_brief=True))
        is_plain = not (change.hidden or change.edited or change.remodes)
        if is_plain and body in shown:
            lines.append(f"# {change.name}: the same as in {shown[body]}")
        elif is_plain and not body:
            lines.append(f"# {change.name}: what follows from the others")
        else:
            lines += _describe(change, is_brief=True)
            shown |= {body: change.name} if body else {}
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


def _describe(change: Change, *, is_brief: bool = False) -> Iterator[str]:
    if change.why:
        yield f"# {change.name}: {printable(change.why)}"
    if change.edited:
        yield f"# {change.name}: edited by hand since nbssh wrote it"
    if change.hidden:
        # No diff header: patch would create an empty file from it.
        modes = f" {change.old_mode:04o} -> {change.mode:04o}" if change.remodes else ""
        yield f"# {change.name}: {change.action}{modes}, content not shown"
    else:
        yield from _diff(change, is_brief=is_brief)


def _diff(change: Change, *, is_brief: bool = False) -> Iterator[str]:
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
    # git's way: a tab ends a name with a space in it; otherwise patch takes the rest of the line for a time stamp.
    tab = "\t" if " " in name else ""
    yield "--- /dev/null" if change.old is None else f"--- a/{name}{tab}"
    yield "+++ /dev/null" if change.new is None else f"+++ b/{name}{tab}"
    yield from _body(change, is_brief=is_brief)


def _body(change: Change, *, is_brief: bool) -> Iterator[str]:
    """Give the hunks; `is_brief`: with little around them, and without the lines that follow from others."""
    old, new = (_lines(data) if not change.masked else _lines_masked(data) for data in (change.old, change.new))
    if is_brief:
        derived = _DERIVED_SETTINGS if change.kind is Kind.SETTINGS else _DERIVED
        old, new = ([line for line in lines if not derived.match(line)] for lines in (old, new))
    if change.where and len(old) > _LINES:
        yield f"# {len(old)} lines, not shown"
        return
    if old == new and change.masked:
        yield "# only values that are not shown differ"
    yield from _hunks(old, new, around=1 if is_brief else 3)


def _hunks(old: list[str], new: list[str], *, around: int) -> Iterator[str]:
    hunks = difflib.unified_diff(old, new, n=around, lineterm="")
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
    return lines_of((data or b"").decode("utf-8", "surrogateescape"))


def _lines_masked(data: bytes | None) -> list[str]:
    return [_SECRET_VALUE.sub(r'\1"(not shown)"', _shortened(line)) for line in _lines(data)]


def _shortened(line: str) -> str:
    return line if len(line) <= _CHARACTERS else f"{line[:_CHARACTERS]}…\n"


def _shown(line: str) -> str:
    body = line.removesuffix("\n")
    # The CR of a CRLF line is harmless on a terminal, and patch needs it.
    tail = "\r" if body.endswith("\r") and line.endswith("\n") else ""
    body = body.removesuffix(tail)
    if body.isprintable():
        return body + tail
    escaped = re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", body)
    return printable(escaped) + tail


def painted(line: str) -> str:
    """Return a line of `unified` in colour, as git shows it; for a terminal, and after it was cleaned."""
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
