"""`nbssh job`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, Name, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="WORD", help="Submit the job with this word more, for once; again and again."),
    ] = None,
    join: Annotated[
        str,
        typer.Option("--join", metavar="ID", help="Start Jupyter in a job that you have (salloc).", show_default=False),
    ] = "",
    json: Json = False,
) -> None:
    """Show the job in which Jupyter runs: state, node, time left, expected start.

    Example: nbssh job gpu --option=--time=2:00:00
    """
    from nbssh.commands.job import job  # noqa: PLC0415

    raise typer.Exit(job(context(ctx), name, option or [], join=join, json=json))
