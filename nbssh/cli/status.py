"""`nbssh status`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Json, Names, world


def command(context: typer.Context, names: Names = None, *, json: Json = False) -> None:
    """Show what runs where: tunnel, server, version, kernels, last activity.

    Example: nbssh status
    """
    from nbssh.commands.status import status  # noqa: PLC0415

    raise typer.Exit(status(world(context), names or [], json=json))
