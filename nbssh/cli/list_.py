"""`nbssh list`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Json, context


def command(ctx: typer.Context, *, json: Json = False) -> None:
    """List the profiles, one line each.

    Example: nbssh list
    """
    from nbssh.commands.show import list_profiles  # noqa: PLC0415

    raise typer.Exit(list_profiles(context(ctx), json=json))
