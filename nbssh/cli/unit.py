"""`nbssh unit`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    server: Annotated[
        bool, typer.Option("--server", help="One for the host: it starts Jupyter with the machine.")
    ] = False,
    install: Annotated[bool, typer.Option("--install", help="Write it, and let the system run it.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="End it, and delete it.")] = False,
) -> None:
    """Print a systemd user unit, or a launchd agent, that keeps the tunnel up after sleep and network changes.

    With --server: one for the host, that starts Jupyter with the machine, and again when it dies.

    Example: nbssh unit mybox --install
    """
    from nbssh.commands.unit import unit  # noqa: PLC0415

    unit(context(ctx), name, server=server, install=install, remove=remove)
