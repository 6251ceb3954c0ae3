"""`nbssh check`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the notebook password from stdin.")
    ] = False,
) -> None:
    """Try it as a person would: ssh NAME-nb, load the page, log in, detach.

    Example: nbssh check mybox
    """
    from nbssh.commands.check import check  # noqa: PLC0415

    check(context(ctx), name, password_stdin=password_stdin)
