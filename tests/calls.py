"""Calls of nbssh as somebody is told to type them: whether the real command line takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer.main

from nbssh.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = typer.main.get_command(app)
COMMANDS: dict[str, Any] = vars(COMMAND)["commands"]
NAMED_ONLY = ("MissingParameter", "BadOptionUsage")


def parsed(words: Sequence[str], shown: str) -> dict[str, Any]:
    """Return what the parser makes of the words behind `nbssh`; raise AssertionError with `shown` if it refuses them.

    Nothing is returned of what has no argument, because it is only named: `nbssh add`, `nbssh url --env`.
    """
    words = [word for word in words if word not in {"-v", "COMMAND"}]  # -v may stand anywhere
    words = words[: next((number for number, word in enumerate(words) if word in {">", ">>"}), None)]
    while words[:1] == ["help"]:  # as __main__ takes it
        words = words[1:]
    if words in ([], ["--version"], ["version"]):
        return {}
    name, *rest = words
    assert name in COMMANDS, shown
    try:
        found: dict[str, Any] = COMMANDS[name].make_context(name, rest, parent=COMMAND.make_context("nbssh", [])).params
    except Exception as error:
        # The parser's classes are private to Typer. A command or option that is only named has no argument.
        if type(error).__name__ not in NAMED_ONLY or (rest and not rest[-1].startswith("-")):
            raise AssertionError(shown) from error
        return {}
    return found


def arguments(name: str, found: dict[str, Any]) -> dict[str, list[str]]:
    """Return the arguments, not the options, among what the parser made of a call of command `name`."""
    named = {each.name for each in COMMANDS[name].params if each.param_type_name == "argument"}
    values = {key: value for key, value in found.items() if key in named and value}
    return {key: [value] if isinstance(value, str) else list(value) for key, value in values.items()}
