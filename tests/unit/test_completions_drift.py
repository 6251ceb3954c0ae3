"""The committed completions are those of today's commands. After a wanted change: NBSSH_GOLDEN=write make test."""

from __future__ import annotations

import os
import re

import pytest
import tree_sitter
import tree_sitter_powershell
import typer

from nbssh.cli.app import app
from nbssh.commands.completions import SCRIPTS, Offer, read_tree, render_scripts, script, scripts_dir
from nbssh.core.files.quoting import fish, powershell
from nbssh.errors import Exit, NbsshError

TREE = typer.main.get_command(app)


@pytest.mark.parametrize("shell", SCRIPTS)
def test_committed_as_rendered(shell: str) -> None:
    path, text = scripts_dir() / SCRIPTS[shell], render_scripts(TREE)[shell]
    if os.environ.get("NBSSH_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text, "stale: NBSSH_GOLDEN=write make test"
    assert script(shell) == text


def test_nothing_else_is_committed_there() -> None:
    assert {path.name for path in scripts_dir().iterdir()} == set(SCRIPTS.values())


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_command_and_option_is_in_every_script(shell: str) -> None:
    words = set(re.findall(r"[A-Za-z0-9-]+", script(shell)))
    for command in read_tree(TREE):
        assert command.name in words | {""}
        for option in command.options:
            for flag in option.flags:
                assert (flag.lstrip("-") if shell == "fish" else flag) in words, (command.name, flag)
            if option.value:
                assert words >= set(option.value.choices)


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_ascii_and_has_no_trailing_blanks(shell: str) -> None:
    assert script(shell).isascii()
    assert not [line for line in script(shell).splitlines() if line != line.rstrip()]


def test_a_later_command_is_picked_up_from_the_tree_alone() -> None:
    later = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})

    @later.callback()
    def program() -> None: ...

    @later.command("edit")
    def edit(
        name: str = typer.Argument(metavar="NAME"),
        way: str = typer.Option("a", "--way", "-w", metavar="fast|slow", help="How: it's [so]."),
        *,
        loud: bool = typer.Option(False, "--loud/--quiet", help=""),
    ) -> None:
        """Edit it, say `it's` done….

        Not this.
        """

    @later.command("hidden", hidden=True)
    def hidden() -> None: ...

    @later.command("doctor")
    def doctor_(name: str = typer.Argument("", metavar="[NAME]")) -> None: ...

    tree = typer.main.get_command(later)
    _, edit_, doctor = read_tree(tree)
    assert (edit_.name, edit_.help) == ("edit", "Edit it, say `it's` done...")
    assert [option.flags for option in edit_.options] == [("-w", "--way"), ("--loud", "--quiet"), ("-h", "--help")]
    assert edit_.options[0].value == Offer("fast|slow", "choice", ("fast", "slow"))
    assert edit_.options[1].value is None
    assert [(each.offer.kind, each.repeatable) for each in edit_.arguments + doctor.arguments] == [
        ("profile", False),
        ("profile", False),
    ]
    for text in render_scripts(tree).values():
        assert "edit" in text
        assert "hidden" not in text


def test_an_unknown_shell_is_a_usage_error() -> None:
    with pytest.raises(NbsshError, match="tcsh") as caught:
        script("tcsh")
    assert caught.value.code == Exit.USAGE
    assert "fish" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "in_fish", "in_powershell"),
    [
        ("plain", "plain", "'plain'"),
        ("", "''", "''"),
        ("-x", "'-x'", "'-x'"),
        ("it's", r"'it\'s'", "'it''s'"),
        ("it\u2019s", "'it\u2019s'", "'it\u2019\u2019s'"),
        ("a\\b $(id)", r"'a\\b $(id)'", r"'a\b $(id)'"),
    ],
)
def test_words_are_quoted_for_fish_and_powershell(word: str, in_fish: str, in_powershell: str) -> None:
    assert fish(word) == in_fish
    assert powershell(word) == in_powershell


def test_powershells_grammar_accepts_its_script() -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert parser.parse(b"if ($a { 1 }").root_node.has_error
    assert not parser.parse(script("powershell").encode()).root_node.has_error


def test_bash_3_can_read_its_script() -> None:
    """Nothing that came after 3.2: macOS will never have more."""
    text = re.sub(r"(?m)^\s*#.*$", "", script("bash"))
    newer = (
        r"\b(mapfile|readarray|compopt|coproc)\b", r"\b(declare|local) -[a-zA-Z]*[Angl]", r"\$\{\w+[,^@]", r"&>>",
        r"\|&", r";;?&", r"\[\[ -[vR] ", r"\[-\d", r"%\(", r"\$\{\w+: -?\d+:-", r"\bwait -n\b", r"EPOCH|BASHPID",
    )  # fmt: skip
    assert not [pattern for pattern in newer if re.search(pattern, text)]
