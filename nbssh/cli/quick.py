"""Spares a command the making of all others, and the 90 ms that Typer 0.29 takes to import pydantic for nothing.

Must not change what any command is given: whatever is more than a plain number is left to Typer.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, get_args

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KNOWN = "0.29."
_TEXT = {str, list, type(None)}
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")  # what every converter reads in the same way


class _AsTyped:
    """Stands where Typer keeps the converter of one parameter, which it makes at the first use."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401  Typer's own signature
        """Return text as it was typed, and a default that is no text as it was declared."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if _types(param.type_descriptor.annotation) <= _TEXT:
            return list(value) if several else value
        if _types(param.type_descriptor.annotation) <= {int, type(None)} and _NUMBER.fullmatch(str(value)):
            return int(value)
        if not isinstance(value, str | list | tuple):
            return value
        param._runtime_param = None  # noqa: SLF001  Typer makes its own
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _types(annotation: Any) -> set[Any]:  # noqa: ANN401  a type, or what makes one of types
    """Return the types that an annotation is made of: of `list[str] | None` these are list, str and None's."""
    arguments = get_args(annotation)
    inner = set[Any]().union(*map(_types, arguments))
    if not arguments:
        return {annotation}
    return inner | ({list} if getattr(annotation, "__origin__", None) is list else set())


def only(app: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """Return `app` with the one command that the first of `words` names, or with all of them."""
    found = copy.copy(app)
    found.registered_commands = [each for each in app.registered_commands if each.name in words[:1]]
    return found if found.registered_commands else app


def spare_conversions(group: Any) -> Any:  # noqa: ANN401  Typer keeps its classes to itself
    """Return `group`, the commands that Typer made, in which text is not converted to text.

    Only on the Typer that was looked at: another may keep its converters elsewhere or call them otherwise, and then
    nothing but the 90 ms is lost.
    """
    if not typer.__version__.startswith(KNOWN):
        return group
    for command in (group, *group.commands.values()):
        command.get_params = _sparing(command.get_params)
    return group


def _sparing(get_params: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    def params(context: Any) -> list[Any]:  # noqa: ANN401  as above
        found = get_params(context)  # with --help, which is made here
        for param in found:
            if getattr(param, "_runtime_param", ...) is None:
                param._runtime_param = _AsTyped()  # noqa: SLF001
        return found

    return params
