"""`nbssh add`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nbssh.cli.options import Name, Offline, PasswordStdin, Yes, context, with_options
from nbssh.core.profile.options import OPTIONS


@with_options(OPTIONS)
def command(
    ctx: typer.Context,
    name: Name,
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION",
            help="An alias of your ~/.ssh/config, user@host[:port], or your 'ssh -L …' in quotes.",
            show_default=False,
        ),
    ] = "",
    *,
    password_stdin: PasswordStdin = False,
    offline: Offline = False,
    yes: Yes = False,
    **options: Any,  # noqa: ANN401  the table's
) -> None:
    """Set up a profile: look at the server, install what is needed there and here.

    Example: nbssh add mybox alice@10.0.0.5
    """
    from nbssh.commands.add import add  # noqa: PLC0415
    from nbssh.steps.request import Wish  # noqa: PLC0415

    wish = Wish.of(name, destination, password_stdin=password_stdin, offline=offline, **options)
    add(context(ctx, yes=yes), wish)
