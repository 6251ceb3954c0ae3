"""`nbssh completions`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def command(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish|powershell", help="Your shell.", show_default=False)],
) -> None:
    """Print the completion script of a shell; a Tab then starts no Python.

    On a terminal, and at its top, it says the line that puts it where it
    belongs: ~/.local/share/bash-completion/completions/nbssh for bash.

    Example: nbssh completions fish > ~/.config/fish/completions/nbssh.fish
    """
    from nbssh.commands.completions import PLACES, script  # noqa: PLC0415

    typer.echo(script(shell), nl=False)
    if sys.stdout.isatty():
        typer.echo(f"nbssh: hint: {PLACES[shell]}", err=True)
