"""Templates to text: the Jinja2 environment, its quoting filters and the template lookup.

The only module that imports jinja2. A template sees one typed struct (template.py) and nothing else, and every `{{ }}`
in every template ends in one of the quoting filters below (a test walks the syntax trees). Must not read anything but
templates.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import msgspec

from nbssh.core.ssh import grammar
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.core.files.template import Template

_PACKAGE = Path(__file__).resolve().parent.parent.parent
_ONE_LINE = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]")


def templates_dir() -> Path:
    """Return the folder of templates: the repository's in a checkout, the package's own copy once installed.

    An editable install can leave a stale copy in site-packages, so the repository's wins where the package lies in one.
    """
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "templates").is_dir():
        return checkout / "templates"
    return _PACKAGE / "templates"


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
    "json": as_json,
    "comment": comment,
    "line": line,
    "verbatim": verbatim,
}


@cache
def environment() -> jinja2.Environment:
    """Return the one environment: undefined names fail, nothing is stripped that sh could miss."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # `{#` would open a comment inside the shell's `${#x}`
        comment_start_string="{%#",
        comment_end_string="#%}",
        auto_reload=False,  # a program that runs for a second need not look whether a template has changed
        autoescape=False,  # noqa: S701  no HTML here; each value goes through the filter of its language
    )
    env.filters.update(FILTERS)
    return env


def render(model: Template, template: str = "") -> str:
    """Return the template of `model`, or that one of its templates, filled with it. Same input, same text."""
    name = template or model.templates[0]
    if name not in model.templates:
        raise ValueError(f"{name} is no template of {type(model).__name__}")
    return environment().get_template(name).render(msgspec.structs.asdict(model))


def static(path: str) -> bytes:
    """Return a file below templates/ that is installed as it is."""
    return (templates_dir() / path).read_bytes()


def static_text(path: str) -> str:
    """Return such a file as text, to be sent as part of another one."""
    return static(path).decode("ascii")


def listed(folder: str) -> list[str]:
    """Return the files below a folder of templates/, relative to it and sorted; no backups and caches."""
    root = templates_dir() / folder
    found = (str(path.relative_to(root).as_posix()) for path in root.rglob("*") if path.is_file())
    return sorted(
        name for name in found if re.fullmatch(r"([a-z0-9_]+/)*[a-z0-9_]+(\.[a-z]+)?", name) and "__" not in name
    )
