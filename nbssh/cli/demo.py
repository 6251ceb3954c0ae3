"""`nbssh demo`."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    *,
    once: Annotated[bool, typer.Option("--once", help="Do not wait: log in, run one cell, clean up.")] = False,
) -> None:
    """Show the whole thing on this machine alone, with a throw-away sshd and a temporary home.

    Example: nbssh demo
    """
    from nbssh.commands.demo import demo  # noqa: PLC0415  --help needs none of it

    raise typer.Exit(demo(once=once))
