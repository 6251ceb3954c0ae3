"""Options that several commands share, and the world as the global options want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from nbssh.adapters.terminal.ui import When
    from nbssh.steps.world import World

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.", show_default=False)]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Profiles; all of them if none is named.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Offline = Annotated[bool, typer.Option("--offline", help="Contact no server.")]
Token = Annotated[bool, typer.Option("--token", help="A random token instead of a password.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the notebook password from stdin.")]


def world(context: typer.Context, *, yes: bool = False) -> World:
    """Return what the command may touch, talking as the global options say."""
    from nbssh.adapters.terminal.ui import Ui  # noqa: PLC0415  commands import late, so that --help is fast
    from nbssh.steps.world import World  # noqa: PLC0415

    return World(ui=Ui(when=cast("When", context.obj or "auto"), yes=yes))
