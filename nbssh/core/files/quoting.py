"""The quoting of every language that a template is written in: each `{{ }}` ends in one of these filters. Pure."""

from __future__ import annotations

import html
import json
import re
import shlex
import urllib.parse
from typing import TYPE_CHECKING

from nbssh.core.ssh import grammar
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ONE_LINE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]")


def sh(value: str | int) -> str:
    """Quote `value` as one word of POSIX sh (XCU 2.2.2): single quotes, which no byte but NUL can leave."""
    text = str(value)
    if "\0" in text:
        raise NbsshError("a value for a shell script holds a NUL byte", "take it out of the profile")
    return shlex.quote(text)


def shwords(values: Sequence[str]) -> str:
    """Quote a list as words of POSIX sh, separated by one space."""
    return " ".join(sh(value) for value in values)


def fish(value: str) -> str:
    """Quote `value` as one word of fish: single quotes, in which only the quote and the backslash are special.

    A plain word stays bare, as fish_indent wants it.
    """
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def powershell(value: str) -> str:
    """Quote `value` as a verbatim string of PowerShell, to which the typographic quotes are quotes as well."""
    return "'" + re.sub("(['\u2018-\u201b])", r"\1\1", value) + "'"


def cmd(value: str | int) -> str:
    r"""Quote `value` as one word of a program's command line that cmd.exe reads first.

    Inside double quotes cmd.exe leaves everything alone but `%NAME%`, which it expands there too: so each `%` stands
    outside of them behind a `^`, and no variable has such a name. A program takes `\"` for a quote, hence the doubled
    backslashes at a quoted part's end (CommandLineToArgvW).
    """
    text = str(value)
    if found := re.search(r"[\x00-\x1f\x7f\"]", text):
        raise NbsshError(f"{found.group()!a} in {text!a} cannot be written into a command of Windows", "rename it")
    if re.fullmatch(r"[A-Za-z0-9._:\\/-]+", text):
        return text
    parts = (re.sub(r"(\\+)\Z", r"\1\1", part) for part in text.split("%"))
    return "^%".join(f'"{part}"' for part in parts)


def argv(value: str | int) -> str:
    r"""Quote `value` as one word of a program's command line on Windows that no cmd.exe reads (CommandLineToArgvW).

    There ssh starts a ProxyCommand directly. Backslashes count only in front of a quote.
    """
    text = str(value)
    if found := re.search(r"[\x00-\x1f\x7f]", text):
        raise NbsshError(f"{found.group()!a} in {text!a} cannot be written into a command of Windows", "rename it")
    if re.fullmatch(r"[^\s\"']+", text):
        return text
    return '"' + re.sub(r'(\\*)("|\Z)', lambda found: 2 * found[1] + ("\\" if found[2] else "") + found[2], text) + '"'


def systemd(words: Sequence[str]) -> str:
    r"""Quote words as a command line of systemd.service(5): double quotes and C's escapes; `%` and `$` are doubled."""
    for text in words:
        if found := re.search(r"[\x00-\x1f\x7f]", text):
            raise NbsshError(f"{found.group()!a} in {text!a} cannot be written into a unit", "rename it")
    doubled = (text.replace("%", "%%").replace("$", "$$") for text in words)
    return " ".join(
        text if re.fullmatch(r"[A-Za-z0-9_@%+=:,./~-]+", text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
        for text in doubled
    )


_ROFF = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def roff(value: str) -> str:
    r"""Quote `value` as text of a man page (groff_char(7)), on a line of its own or inside one.

    A `-` stays the one that a shell knows, so that what is copied from the page works; neither a `.` nor a quote at its
    beginning makes it a request.
    """
    text = comment(" ".join(value.split()))
    quoted = "".join(_ROFF.get(char, char if char.isascii() else rf"\[u{ord(char):04X}]") for char in text)
    return rf"\&{quoted}" if quoted.startswith(".") else quoted


def comment(value: str | int) -> str:
    """Make `value` fit for a `#` comment: whatever could end the line or steer a terminal becomes `?`."""
    return _ONE_LINE.sub("?", str(value))


def as_json(value: object) -> str:
    """Quote `value` as JSON (RFC 8259), ASCII only, so that the file's encoding does not matter."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True)


def line(value: str) -> str:
    """Pass `value` as what is left of its line, in a file that is read line by line and quotes nothing."""
    if found := re.search(r"[\0\r\n]", value):
        raise NbsshError(
            f"{found.group()!a} in {value!a} cannot stand in a line of a file", "take it out of the profile"
        )
    return value


def url(value: str) -> str:
    """Quote `value` as the path of an address (RFC 3986): what is no letter, digit or one of `_.-~/` becomes %XX."""
    return urllib.parse.quote(value, safe="/", errors="surrogateescape")


def verbatim(value: str) -> str:
    """Pass text that is program and not data: a rendered part, whose own values went through a filter already."""
    return value


FILTERS: dict[str, Callable[..., str]] = {
    "sh": sh,
    "shwords": shwords,
    "sshword": lambda value: grammar.word(str(value)),
    "sshpercent": lambda value: grammar.word(grammar.percent(str(value))),
    "fish": fish,
    "powershell": powershell,
    "argvpercent": lambda value: grammar.percent(argv(value)),
    "cmdpercent": lambda value: grammar.percent(cmd(value)),
    "shpercent": lambda value: grammar.percent(sh(value)),
    "html": html.escape,
    "systemd": systemd,
    "roff": roff,
    "json": as_json,
    "comment": comment,
    "line": line,
    "verbatim": verbatim,
}
