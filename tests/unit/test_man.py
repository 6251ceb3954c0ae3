"""The man pages: committed as they are rendered, complete, clean for mandoc; and roff quotes what it must.

After a wanted change: NBSSH_GOLDEN=write make test.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from nbssh import __version__
from nbssh.cli.app import app
from nbssh.core.files.man import pages
from nbssh.core.files.quoting import roff
from nbssh.core.profile.options import OPTIONS
from nbssh.core.profile.profile import Profile
from nbssh.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
MAN = REPOSITORY / "docs" / "man"
RELEASED = re.findall(
    r"(?m)^## \d+\.\d+\.\d+ - (\d{4}-\d\d-\d\d)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
)
PAGES = pages(typer.main.get_command(app), RELEASED[0])


def plain(page: str) -> str:
    """Return what a reader sees of a page, as far as these tests ask."""
    text = re.sub(r"(?m)\\f[BIR]|^\\&", "", PAGES[page])
    for quoted, char in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\(dq", '"'), (r"\e", "\\")):
        text = text.replace(quoted, char)
    return text


@pytest.mark.parametrize("page", PAGES)
def test_committed_as_rendered(page: str) -> None:
    if os.environ.get("NBSSH_GOLDEN") == "write":
        (MAN / page).write_text(PAGES[page], encoding="utf-8", newline="\n")
    assert (MAN / page).read_text(encoding="utf-8") == PAGES[page], "stale: NBSSH_GOLDEN=write make test"
    assert PAGES[page].isascii()
    assert f'"nbssh {__version__}"' in PAGES[page]


def test_nothing_else_is_committed_there() -> None:
    assert {path.name for path in MAN.iterdir()} == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_mandoc_has_nothing_to_say(page: str, needs: Callable[..., None]) -> None:
    needs("mandoc")
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning"], input=PAGES[page], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_command_and_option_is_there() -> None:
    commands = vars(typer.main.get_command(app))["commands"]
    sections = dict(re.findall(r"(?ms)^\.SS nbssh ([a-z]+)(.*?)(?=^\.S[SH] )", plain("nbssh.1")))
    assert list(sections) == [name for name, command in commands.items() if not command.hidden]
    for name, command in commands.items():
        for parameter in command.params:
            if not parameter.hidden and parameter.name != "verbose":
                assert all(
                    flag in sections[name] for flag in [*parameter.opts, *parameter.secondary_opts] if flag[:1] == "-"
                )
                assert " ".join((parameter.help or "").replace("…", "").split())[:20] in sections[name]
    for option in OPTIONS:
        assert f"{option.flag} {option.metavar}".strip() in sections["add"]


def test_every_key_variable_and_exit_code_is_there() -> None:
    keys = re.findall(r"(?m)^\.TP\n([a-z0-9_.]+) \(", plain("nbssh-profile.5"))
    assert [key for key in keys if "." not in key] == list(Profile.__struct_encode_fields__)
    assert {"scheduler.kind", "scheduler.options", "scheduler.via"} <= set(keys)
    reference = (REPOSITORY / "docs/reference.md").read_text(encoding="utf-8")
    variables = re.search(r"(?s)## Environment variables\n(.*)", reference)
    assert variables
    said = plain("nbssh.1")
    assert [name for name in re.findall(r"`([A-Z_]{4,})", variables[1]) if f"{name}" not in said] == []
    statuses = re.search(r"(?s)\.SH EXIT STATUS\n(.*?)\.SH", said)
    assert statuses
    assert [int(code) for code in re.findall(r"(?m)^(\d+)$", statuses[1])] == sorted(Exit)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (".TH is none", r"\&.TH is none"),
        ("'tis", r"\(aqtis"),
        (r"a\fBb \n", r"a\efBb \en"),
        ("--port=1-2", r"\-\-port=1\-2"),
        ("one\n.two  three", "one .two three"),
        ('~/x "y" ^`', r"\(ti/x \(dqy\(dq \(ha\(ga"),
        ("é… 😀", r"\[u00E9]\[u2026] \[u1F600]"),
        ("a\x1b[2J", "a?[2J"),
        ("", ""),
    ],
)
def test_text_is_quoted_for_roff(text: str, quoted: str) -> None:
    assert roff(text) == quoted


def test_a_reader_sees_what_was_quoted(needs: Callable[..., None]) -> None:
    needs("mandoc")
    texts = [".TH x", "'so y", r"a \fBb\fR \\ \(aq", "--x ~ ^ ` ' \"", "..", "\\"]
    page = '.TH X 1 2026-01-01 "x" "y"\n.SH NAME\nx \\- y\n.SH TEXT\n.nf\n' + "".join(
        f"{roff(each)}\n" for each in texts
    )
    done = subprocess.run(["mandoc", "-T", "ascii"], input=page, capture_output=True, text=True, check=True)
    seen = [line.strip() for line in re.sub(r".\x08", "", done.stdout).splitlines()]
    assert [text for text in texts if text not in seen] == []
