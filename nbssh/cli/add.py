"""`nbssh add`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nbssh.cli.options import Destination, Name, Offline, PasswordStdin, Yes, context, with_options
from nbssh.core.profile.options import OPTIONS


@with_options(OPTIONS)
def command(
    ctx: typer.Context,
    name: Name,
    destination: Destination = "",
    *,
    editor: Annotated[
        bool, typer.Option("--editor", help="For an editor: a port and a token; prints the address to paste.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Look at the host, write nothing; show what would be, as a diff.")
    ] = False,
    password_stdin: PasswordStdin = False,
    offline: Offline = False,
    yes: Yes = False,
    **options: Any,  # noqa: ANN401  the table's
) -> None:
    """Set up a profile: look at the host, install what is needed there and here.

    Example: nbssh add mybox alice@10.0.0.5
    """
    from nbssh.commands.add import add  # noqa: PLC0415
    from nbssh.steps.request import Wish, for_editor  # noqa: PLC0415

    given = for_editor(options, password_stdin=password_stdin) if editor else options
    how = {"password_stdin": password_stdin, "offline": offline, "editor": editor, "dry_run": dry_run}
    add(context(ctx, yes=yes or dry_run), Wish.of(name, destination, **how, **given))
