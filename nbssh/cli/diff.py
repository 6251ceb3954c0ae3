"""`nbssh diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, Names, Offline, context


def command(
    ctx: typer.Context,
    names: Names = None,
    *,
    local: Annotated[bool, typer.Option("--local", help="Leave the hosts out.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Status 3 if there is a difference.")] = False,
    json: Json = False,
    offline: Offline = False,
) -> None:
    """Show as a unified diff what apply would change, here and on the hosts.

    Example: nbssh diff mybox
    """
    from nbssh.commands.apply import diff  # noqa: PLC0415

    raise typer.Exit(diff(context(ctx), names or [], exit_code=exit_code, json=json, offline=offline or local))
