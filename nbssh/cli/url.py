"""`nbssh url`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Name, context


def command(ctx: typer.Context, name: Name) -> None:
    """Print the address for other programs: VS Code, PyCharm, a browser elsewhere.

    Example: nbssh url mybox
    """
    from nbssh.commands.url import url  # noqa: PLC0415

    url(context(ctx), name)
