"""`nbssh templates`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, context


def command(
    ctx: typer.Context,
    action: Annotated[str, typer.Argument(metavar="list|eject|diff", help="What to do; list by default.")] = "list",
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="One of them.", show_default=False)] = "",
    *,
    json: Json = False,
) -> None:
    """List the templates of all files, copy one to be your own (eject), or show what yours change (diff).

    Example: nbssh templates eject ssh/profile.conf
    """
    from nbssh.commands.templates import templates  # noqa: PLC0415

    raise typer.Exit(templates(context(ctx), action, template, json=json))
