"""`nbssh list`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Json, world


def command(context: typer.Context, *, json: Json = False) -> None:
    """List the profiles, one line each.

    Example: nbssh list
    """
    from nbssh.commands.show import list_profiles  # noqa: PLC0415

    list_profiles(world(context), json=json)
