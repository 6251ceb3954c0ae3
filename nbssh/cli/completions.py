"""`nbssh completions`."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish|powershell", help="Your shell.", show_default=False)],
) -> None:
    """Print the completion script of a shell; a Tab then starts no Python.

    Example: nbssh completions fish > ~/.config/fish/completions/nbssh.fish
    """
    from nbssh.commands.completions import script  # noqa: PLC0415

    typer.echo(script(shell), nl=False)
