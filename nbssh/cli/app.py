"""The Typer app: one module per command, registered here in the order of the help text."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli import (
    add,
    apply,
    check,
    completions,
    demo,
    diff,
    doctor,
    edit,
    init,
    kill,
    list_,
    logs,
    open_,
    passwd,
    remove,
    show,
    status,
    uninstall,
    url,
)

EVERYDAY = """\
nbssh gives you Jupyter from a server with one word of plain ssh

  nbssh add mybox       set it up for an alias of your ~/.ssh/config
  ssh mybox-nb          start Jupyter there or attach, and open the browser
  ssh mybox-nb-kill     stop it
  nbssh status          what runs where
  nbssh remove mybox    take everything away again, here and there

all commands: nbssh --help
"""

app = typer.Typer(
    name="nbssh",
    help="Jupyter from a remote server with one word of plain OpenSSH: ssh mybox-nb",
    add_completion=False,  # static scripts instead: its own takes 200 ms per Tab and rewrites rc files
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def nbssh(
    context: typer.Context,
    color: Annotated[str, typer.Option(metavar="auto|always|never", help="When to use colours.")] = "auto",
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,  # noqa: FBT002
) -> None:
    """Jupyter from a remote server with one word of plain OpenSSH: ssh mybox-nb."""
    if color not in {"auto", "always", "never"}:
        raise typer.BadParameter(f"'{color}' is not one of auto, always, never", param_hint="--color")
    context.obj = color
    if version:
        from nbssh import __version__  # noqa: PLC0415

        typer.echo(f"nbssh {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(EVERYDAY, nl=False)


for module, name in (
    (add, "add"),
    (apply, "apply"),
    (diff, "diff"),
    (list_, "list"),
    (show, "show"),
    (status, "status"),
    (open_, "open"),
    (url, "url"),
    (logs, "logs"),
    (kill, "kill"),
    (passwd, "passwd"),
    (edit, "edit"),
    (remove, "remove"),
    (init, "init"),
    (uninstall, "uninstall"),
    (doctor, "doctor"),
    (check, "check"),
    (completions, "completions"),
    (demo, "demo"),
):
    app.command(name)(module.command)
