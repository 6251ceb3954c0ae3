"""`nbssh render`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nbssh.cli.options import Destination, Name, PasswordStdin, context, with_options
from nbssh.core.profile.options import OPTIONS


@with_options(OPTIONS)
def command(
    ctx: typer.Context,
    name: Name,
    destination: Destination = "",
    *,
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="The folder to write, a new one.", show_default=False)],
    home: Annotated[
        str, typer.Option("--home", metavar="DIR", help="Your home on the host, if it is known.", show_default=False)
    ] = "",
    password_stdin: PasswordStdin = False,
    **options: Any,  # noqa: ANN401  the table's
) -> None:
    """Write all files of a profile into a folder, for two homes, to be carried there by hand; contact nobody.

    Example: nbssh render mybox alice@10.0.0.5 --to mybox-files
    """
    from nbssh.commands.render import render  # noqa: PLC0415
    from nbssh.steps.request import Wish  # noqa: PLC0415

    wish = Wish.of(name, destination, password_stdin=password_stdin, **options)
    render(context(ctx), wish, to=to, home=home)
