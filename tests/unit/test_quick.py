"""Without Typer's conversions of text to text every command is given, refuses and says what it does with them."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command

from nbssh.cli.app import app
from nbssh.cli.quick import KNOWN, only, spare_conversions

WORDS = [
    ["add", "mybox"],
    ["add", "mybox", "alice@10.0.0.5", "--port", "8890", "--app", "notebook", "--idle", "1.5", "--no-browser", "--yes"],
    ["add", "mybox", "--setup", "module load a", "--setup", "conda activate ß", "--setup-shell", "bash -l"],
    ["add", "mybox", "--port", "08890", "--remote-port", "0"],
    ["add", "mybox", "--port", "-1", "--remote-port", "99999999999"],
    ["add", "mybox", "--remote-port", "10080", "--dir", "", "--token", "--offline"],
    ["apply"],
    ["apply", "a", "b", "--check", "--json"],
    ["diff", "a", "--exit-code"],
    ["doctor"],
    ["logs", "mybox", "-f"],
    ["status", "--", "-odd"],
    ["list", "--json"],
]
REFUSED = [
    ["add"],
    ["add", "mybox", "--port", "http"],
    ["add", "mybox", "--port", "1.5"],
    ["add", "mybox", "--port", "٣"],
    ["add", "mybox", "--port", ""],
    ["add", "mybox", "--idle", "a while"],
    ["add", "mybox", "--no-such-option"],
    ["add", "mybox", "--port"],
    ["completions"],
    ["list", "one-too-many"],
]


def command(*, quick: bool) -> Any:  # noqa: ANN401  Typer keeps its classes to itself
    made = get_command(app)
    return spare_conversions(made) if quick else made


def given(words: list[str], *, quick: bool) -> dict[str, Any]:
    """Return what the command's function would be called with."""
    group = command(quick=quick)
    context = group.make_context("nbssh", list(words))
    inner = group.commands[words[0]].make_context(words[0], words[1:], parent=context)
    return {key: copy.copy(value) for key, value in inner.params.items()}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_command_is_given_the_same_values(words: list[str]) -> None:
    ours, typers = given(words, quick=True), given(words, quick=False)
    assert ours == typers
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in typers.items()}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_refusal_says_the_same(words: list[str]) -> None:
    said = []
    for quick in (True, False):
        with pytest.raises(Exception) as refused:  # noqa: PT011  Typer's own, which nobody can name
            given(words, quick=quick)
        said.append((type(refused.value), refused.value.format_message()))  # type: ignore[attr-defined]
    assert said[0] == said[1]


@pytest.mark.parametrize("name", [str(info.name) for info in app.registered_commands])
def test_help_and_what_completions_are_made_of_are_the_same(name: str) -> None:
    pages = []
    for quick in (True, False):
        group = command(quick=quick)
        chosen = group.commands[name]
        context = chosen.make_context(name, [], parent=group.make_context("nbssh", [name]), resilient_parsing=True)
        options = [(param.name, param.opts, param.nargs, param.help) for param in chosen.get_params(context)]
        pages.append((chosen.get_help(context), options))
    assert pages[0] == pages[1]


def test_another_typer_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "__version__", "0.30.0")
    made = get_command(app)
    before = [each.get_params for each in made.commands.values()]
    assert spare_conversions(made) is made
    assert [each.get_params for each in made.commands.values()] == before


@pytest.mark.skipif(not typer.__version__.startswith(KNOWN), reason="another Typer")
@pytest.mark.parametrize(("quick", "imported"), [(True, False), (False, True)])
def test_what_it_is_for(*, quick: bool, imported: bool) -> None:
    """No pydantic for `nbssh add mybox --port 8888`; and Typer alone imports it, or this module has had its day."""
    program = (
        "import sys\n"
        "from typer.main import get_command\n"
        "from nbssh.cli.app import app\n"
        "from nbssh.cli.quick import spare_conversions\n"
        "group = get_command(app)\n"
        f"group = spare_conversions(group) if {quick} else group\n"
        "words = ['add', 'mybox', '--port', '8888']\n"
        "context = group.make_context('nbssh', words)\n"
        "group.commands['add'].make_context('add', words[1:], parent=context)\n"
        "print('pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{imported}\n"


@pytest.mark.parametrize("words", [["list"], ["add", "list"], ["list", "--help"]])
def test_the_command_that_is_named_is_made_alone(words: list[str]) -> None:
    assert list(get_command(only(app, words)).commands) == words[:1]
    assert len(get_command(app).commands) > 1


@pytest.mark.parametrize("words", [[], ["--help"], ["--color", "never", "list"], ["lits"]])
def test_all_commands_are_made_where_the_first_word_names_none(words: list[str]) -> None:
    assert only(app, words) is app
