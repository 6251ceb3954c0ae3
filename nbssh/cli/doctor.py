"""`nbssh doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, context


def command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A profile; all of them without one.", show_default=False)
    ] = "",
    *,
    offline: Annotated[bool, typer.Option("--offline", "--local", help="Contact no host.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Print a report to paste, without secrets.")] = False,
    json: Json = False,
) -> None:
    """Check everything, here and on the hosts, and say what repairs each finding.

    Example: nbssh doctor mybox
    """
    from nbssh.commands.doctor import doctor  # noqa: PLC0415

    raise typer.Exit(doctor(context(ctx), name, offline=offline, report=report, json=json))
