"""`nbssh show`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Json, Name, context


def command(ctx: typer.Context, name: Name, *, json: Json = False) -> None:
    """Show everything about one profile: what is declared, what was found, which files there are.

    Example: nbssh show mybox
    """
    from nbssh.commands.show import show_profile  # noqa: PLC0415

    show_profile(context(ctx), name, json=json)
