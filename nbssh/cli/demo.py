"""`nbssh demo`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nbssh.errors import NbsshError


def command(
    *,
    once: Annotated[bool, typer.Option("--once", help="Do not wait: log in, run one cell, clean up.")] = False,
) -> None:
    """Show the whole thing on this machine alone, with a throw-away sshd and a temporary home.

    Example: nbssh demo
    """
    if sys.platform == "win32":
        raise NbsshError("the demo needs a Unix system", "run it on Linux, macOS or in WSL")
    from nbssh.demo.show import run  # noqa: PLC0415  --help needs none of it

    raise typer.Exit(run(once=once))
