"""`nbssh passwd`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, Offline, Yes, world


def command(
    context: typer.Context,
    name: Name,
    *,
    token: Annotated[bool, typer.Option("--token", help="A random token instead of a password.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the notebook password from stdin.")
    ] = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Give a profile a new notebook password, or a new token.

    Example: nbssh passwd mybox
    """
    from nbssh.operations.passwd import passwd  # noqa: PLC0415

    passwd(world(context, yes=yes), name, token=token, password_stdin=password_stdin, offline=offline)
