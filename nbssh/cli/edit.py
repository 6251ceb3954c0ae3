"""`nbssh edit`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Offline, Yes, context


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.", show_default=False)] = "",
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Only print the path of the JSON schema of profile files.")
    ] = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Edit a profile in $VISUAL or $EDITOR, see what follows from it, apply it.

    Example: nbssh edit mybox
    """
    from nbssh.commands import edit  # noqa: PLC0415

    if schema:
        typer.echo(edit.schema_path())
    elif not name:
        raise typer.BadParameter("say which profile", param_hint="NAME")
    else:
        raise typer.Exit(edit.edit(context(ctx, yes=yes), name, offline=offline))
