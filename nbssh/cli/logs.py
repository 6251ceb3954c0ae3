"""`nbssh logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows, until Ctrl-C.")] = False,
) -> None:
    """Print Jupyter's log.

    Example: nbssh logs mybox -f
    """
    from nbssh.commands.logs import logs  # noqa: PLC0415

    raise typer.Exit(logs(context(ctx), name, follow=follow))
