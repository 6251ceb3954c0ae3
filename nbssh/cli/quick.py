"""Spares a command the 90 ms that Typer 0.29 takes to import pydantic, for values that need no conversion.

Must not change what any command is given: whatever is to be converted is left to Typer.
"""

from __future__ import annotations

from typing import Any, get_args

_TEXT = {str, list, type(None)}


class _AsTyped:
    """Stands where Typer keeps the converter of one parameter, which it makes at the first use."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401  Typer's own signature
        """Return text as it was typed, and a default that is no text as it was declared."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if _types(param.type_descriptor.annotation) <= _TEXT:
            return list(value) if several else value
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


def spare_conversions(group: Any) -> Any:  # noqa: ANN401  Typer keeps its classes to itself
    """Return `group`, the commands that Typer made, in which text is not converted to text.

    Without effect on a Typer that keeps its converters elsewhere: before 0.29 there were none.
    """
    for command in (group, *group.commands.values()):
        for param in command.params:
            if getattr(param, "_runtime_param", ...) is None:
                param._runtime_param = _AsTyped()  # noqa: SLF001
    return group
