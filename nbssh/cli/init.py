"""`nbssh init`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Yes, context


def command(
    ctx: typer.Context,
    *,
    show: Annotated[
        bool, typer.Option("--print", help="Only print the lines, if something else manages your dotfiles.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Put nbssh's one Include line into ~/.ssh/config.

    Example: nbssh init
    """
    from nbssh.commands import init  # noqa: PLC0415

    if show:
        typer.echo(init.SNIPPET, nl=False)
    else:
        init.init(context(ctx, yes=yes))
