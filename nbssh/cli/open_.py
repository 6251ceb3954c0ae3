"""`nbssh open`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Name, context


def command(ctx: typer.Context, name: Name) -> None:
    """Open the tunnel in the background, if none is up, and the browser.

    Example: nbssh open mybox
    """
    from nbssh.commands.open_ import open_  # noqa: PLC0415

    raise typer.Exit(open_(context(ctx), name))
