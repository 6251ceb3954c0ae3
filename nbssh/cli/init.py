"""`nbssh init`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Yes, world


def command(
    context: typer.Context,
    *,
    show: Annotated[
        bool, typer.Option("--print", help="Only print the lines, for who manages dotfiles otherwise.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Put nbssh's one Include line into ~/.ssh/config.

    Example: nbssh init
    """
    from nbssh.operations import include  # noqa: PLC0415

    if show:
        typer.echo(include.SNIPPET, nl=False)
    else:
        include.put_in(world(context, yes=yes))
