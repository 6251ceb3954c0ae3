"""`nbssh apply`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, Names, Offline, Yes, context


def command(
    ctx: typer.Context,
    names: Names = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; status 3 if something is out of date.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Look at the servers again, for a Jupyter that was upgraded or moved.")
    ] = False,
    json: Json = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Make every file, here and on the servers, match the profiles.

    Example: nbssh apply mybox
    """
    from nbssh.commands.apply import apply  # noqa: PLC0415

    mode = "check" if check else "dry-run" if dry_run else "apply"
    ours = context(ctx, yes=yes)
    raise typer.Exit(apply(ours, names or [], mode=mode, json=json, offline=offline, probe=probe))
