"""Help as people write it: `NAME`, where Typer has `{NAME}` in the usage and `NAME <str>` in the list of arguments."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class PlainCommand(TyperCommand):
    """A command whose arguments are shown without Python's types. Where Typer shows none, nothing changes."""

    def get_params(self, ctx: Any) -> Any:  # noqa: ANN401  Typer keeps its classes to itself
        """Return the parameters, told how to be shown."""
        found = super().get_params(ctx)
        for param in found:
            if param.param_type_name == "argument":
                _be_plain(param)
        return found


def _be_plain(argument: Any) -> None:  # noqa: ANN401  as above
    usual = getattr(argument, "_usage_display_name", None)
    if usual:
        argument._usage_display_name = lambda: usual().replace("{", "").replace("}", "")  # noqa: SLF001
        argument.display_type_rich = lambda ctx: None  # noqa: ARG005
