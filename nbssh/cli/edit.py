"""`nbssh edit`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Offline, Yes, context


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.", show_default=False)] = "",
    change: Annotated[
        list[str] | None,
        typer.Argument(metavar="CHANGE", help="What to change, as a hint says it: NAME: KEY.", show_default=False),
    ] = None,
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
    elif change and not name.endswith(":"):
        raise typer.BadParameter(f"what is '{' '.join(change)}'? One profile at a time", param_hint="NAME")
    else:
        ours = context(ctx, yes=yes)
        if change:
            ours.ui.say(f"to be changed: {' '.join(change)}")
        raise typer.Exit(edit.edit(ours, name.removesuffix(":"), offline=offline))
