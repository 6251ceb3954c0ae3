"""`nbssh apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from nbssh.cli.options import Json, Names, Offline, Yes, context

if TYPE_CHECKING:
    from nbssh.core.profile.shared import Prefer


def command(
    ctx: typer.Context,
    names: Names = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; status 3 if something is out of date.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Look at the hosts again, for a Jupyter that was upgraded or moved.")
    ] = False,
    prefer: Annotated[
        str, typer.Option("--prefer", metavar="here|there", help="Who wins where this laptop and another one changed.")
    ] = "",
    json: Json = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Make every file, here and on the hosts, match the profiles.

    Example: nbssh apply mybox
    """
    from nbssh.commands.apply import apply  # noqa: PLC0415
    from nbssh.errors import Exit, NbsshError  # noqa: PLC0415

    if prefer not in {"", "here", "there"}:
        raise NbsshError(f"--prefer {prefer}: there is no such side", "here or there", code=Exit.USAGE)

    mode = "check" if check else "dry-run" if dry_run else "apply"
    ours = context(ctx, yes=yes)
    side = cast("Prefer", prefer)
    raise typer.Exit(apply(ours, names or [], mode=mode, json=json, offline=offline, probe=probe, prefer=side))
