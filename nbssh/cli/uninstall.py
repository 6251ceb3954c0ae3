"""`nbssh uninstall`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Everywhere, Offline, Yes, context


def command(ctx: typer.Context, *, offline: Offline = False, everywhere: Everywhere = False, yes: Yes = False) -> None:
    """Take out all that nbssh ever wrote, on hosts too: profiles, aliases, the Include line.

    Example: nbssh uninstall
    """
    from nbssh.commands.remove import uninstall  # noqa: PLC0415

    raise typer.Exit(uninstall(context(ctx, yes=yes), offline=offline, everywhere=everywhere))
