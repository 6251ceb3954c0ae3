"""`nbssh status`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, Names, context


def command(
    ctx: typer.Context,
    names: Names = None,
    *,
    wide: Annotated[bool, typer.Option("--wide", help="Load, memory and GPUs of the hosts, too.")] = False,
    json: Json = False,
) -> None:
    """Show what runs where: tunnel, Jupyter, version, kernels, last activity.

    Example: nbssh status
    """
    from nbssh.commands.status import status  # noqa: PLC0415

    raise typer.Exit(status(context(ctx), names or [], wide=wide, json=json))
