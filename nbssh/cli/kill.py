"""`nbssh kill`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Name, context


def command(ctx: typer.Context, name: Name) -> None:
    """Stop the Jupyter of one profile, as `ssh NAME-nb-kill` does.

    Example: nbssh kill mybox
    """
    from nbssh.commands.kill import kill  # noqa: PLC0415

    raise typer.Exit(kill(context(ctx), name))
