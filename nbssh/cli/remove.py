"""`nbssh remove`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Everywhere, Name, Offline, Yes, context


def command(
    ctx: typer.Context, name: Name, *, offline: Offline = False, everywhere: Everywhere = False, yes: Yes = False
) -> None:
    """Stop Jupyter and remove everything of one profile, there and here.

    Example: nbssh remove mybox
    """
    from nbssh.commands.remove import remove  # noqa: PLC0415

    raise typer.Exit(remove(context(ctx, yes=yes), name, offline=offline, everywhere=everywhere))
