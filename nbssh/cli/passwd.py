"""`nbssh passwd`."""

from __future__ import annotations

import typer

from nbssh.cli.options import Name, Offline, PasswordStdin, Token, Yes, context


def command(
    ctx: typer.Context,
    name: Name,
    *,
    token: Token = False,
    password_stdin: PasswordStdin = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Give a profile a new notebook password, or a new token.

    Example: nbssh passwd mybox
    """
    from nbssh.commands.passwd import passwd  # noqa: PLC0415

    passwd(context(ctx, yes=yes), name, token=token, password_stdin=password_stdin, offline=offline)
