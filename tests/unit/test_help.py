"""The help of every command, word for word, and what asking for it costs. After a wanted change: NBSSH_GOLDEN=write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbssh.cli.app import EVERYDAY, app

GOLDEN = Path(__file__).resolve().parent.parent / "golden_help"
COMMANDS = [str(command.name) for command in app.registered_commands]
PAGES = {"nbssh": ["--help"], **{name: [name, "--help"] for name in COMMANDS}}
HEAVY = ("argon2", "hashlib", "html", "jinja2", "pexpect", "rich", "secrets", "socket", "sshconf", "tomlkit")


def nbssh(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbssh", *words],
        env={**os.environ, "COLUMNS": "80", **environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("page", sorted(PAGES))
def test_help_is_as_before(page: str) -> None:
    done = nbssh(*PAGES[page])
    golden = GOLDEN / f"{page}.txt"
    if os.environ.get("NBSSH_GOLDEN") == "write":
        golden.write_text(done.stdout, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden.read_text(encoding="utf-8")


def test_no_page_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(PAGES)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_fits_into_80_columns_and_a_command_has_an_example(page: str) -> None:
    text = (GOLDEN / f"{page}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert page == "nbssh" or f"Example: nbssh {page}" in text


def test_the_short_option_says_the_same() -> None:
    assert nbssh("add", "-h").stdout == nbssh("add", "--help").stdout


def test_every_parameter_says_what_it_is() -> None:
    for page in PAGES:
        lines = (GOLDEN / f"{page}.txt").read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("  -") and len(line) < 30:
                following = lines[lines.index(line) + 1]
                assert following.startswith(" " * 10), f"{page}: {line} has no help"


def test_nbssh_alone_prints_the_everyday_commands() -> None:
    done = nbssh()
    assert (done.returncode, done.stdout, done.stderr) == (0, EVERYDAY, "")
    for line in ("nbssh add mybox", "ssh mybox-nb", "ssh mybox-nb-kill", "nbssh --help"):
        assert line in done.stdout


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["list"], ["list", "--json"], ["completions", "bash"]])
def test_the_fast_commands_import_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    # Typer itself shows --help without rich, and so does the list
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['nbssh', *{words!r}]\n"
        "try:\n    runpy.run_module('nbssh', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r})), file=sys.stderr)\n"
    )
    environ = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_check_for_heavy_imports_can_fail() -> None:
    program = f"import jinja2, sys; print(sorted({{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "'jinja2'" in done.stdout


def test_the_list_of_commands_cuts_no_line_off() -> None:
    listed = (GOLDEN / "nbssh.txt").read_text(encoding="utf-8").partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == COMMANDS
    assert "..." not in listed
