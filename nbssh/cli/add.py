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
    editor: Annotated[
        bool, typer.Option("--editor", help="For an editor: a port and a token; prints the address to paste.")
    ] = False,
    password_stdin: PasswordStdin = False,
    offline: Offline = False,
    yes: Yes = False,
    **options: Any,  # noqa: ANN401  the table's
) -> None:
    """Set up a profile: look at the server, install what is needed there and here.

    Example: nbssh add mybox alice@10.0.0.5
    """
    from nbssh.commands.add import add  # noqa: PLC0415
    from nbssh.steps.request import Wish, for_editor  # noqa: PLC0415

    given = for_editor(options, password_stdin=password_stdin) if editor else options
    wish = Wish.of(name, destination, password_stdin=password_stdin, offline=offline, editor=editor, **given)
    add(context(ctx, yes=yes), wish)
