"""`nbssh open`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Name, world


def command(context: typer.Context, name: Name) -> None:
    """Open the tunnel in the background, if none is up, and the browser.

    Example: nbssh open mybox
    """
    from nbssh.commands.open_ import open_  # noqa: PLC0415

    raise typer.Exit(open_(world(context), name))
