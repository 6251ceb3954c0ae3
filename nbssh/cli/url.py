"""`nbssh url`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Json, Name, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    json: Json = False,
    env: Annotated[bool, typer.Option("--env", help="Print lines for a shell: JUPYTER_URL, JUPYTER_TOKEN.")] = False,
) -> None:
    """Print the address for other programs: VS Code, PyCharm, a browser elsewhere.

    Example: nbssh url mybox
    """
    from nbssh.commands.url import url  # noqa: PLC0415

    url(context(ctx), name, json=json, env=env)
