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
    job,
    kill,
    list_,
    logs,
    open_,
    passwd,
    remove,
    render,
    show,
    status,
    templates,
    uninstall,
    unit,
    url,
)
from nbssh.cli.options import Verbose, be_verbose, with_verbose
from nbssh.cli.plain import PlainCommand

EVERYDAY = """\
nbssh gives you Jupyter from a host with one word of plain ssh

  nbssh add mybox       set it up for an alias of your ~/.ssh/config
  ssh mybox-nb          start Jupyter there or attach, and open the browser
  ssh mybox-nb-kill     stop it
  nbssh status          what runs where
  nbssh remove mybox    take everything away again, here and there

all commands: nbssh --help
"""

app = typer.Typer(
    name="nbssh",
    help="Jupyter from a remote host with one word of plain OpenSSH: ssh mybox-nb",
    add_completion=False,  # static scripts instead: its own takes 200 ms per Tab and rewrites rc files
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def nbssh(
    ctx: typer.Context,
    color: Annotated[str, typer.Option(metavar="auto|always|never", help="When to use colours.")] = "auto",
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,  # noqa: FBT002
    verbose: Verbose = False,  # noqa: FBT002
) -> None:
    """Jupyter from a remote host with one word of plain OpenSSH: ssh mybox-nb."""
    if color not in {"auto", "always", "never"}:
        raise typer.BadParameter(f"'{color}' is not one of auto, always, never", param_hint="--color")
    ctx.obj = color
    be_verbose(verbose=verbose)
    if version:
        from nbssh import __version__  # noqa: PLC0415

        typer.echo(f"nbssh {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(EVERYDAY, nl=False)
        from nbssh.cli.options import context  # noqa: PLC0415
        from nbssh.commands.show import overview  # noqa: PLC0415

        raise typer.Exit(overview(context(ctx)))


# each with its line in `nbssh --help`: Typer would take the first one of its own help, and cut it off
for module, name, line in (
    (add, "add", "Set up a profile: probe the host, install here and there."),
    (apply, "apply", "Make every file, here and there, match the profiles."),
    (diff, "diff", "Show what apply would change, as a unified diff."),
    (list_, "list", "List the profiles, one line each."),
    (show, "show", "Show everything about one profile."),
    (status, "status", "Show what runs where, for all profiles at once."),
    (open_, "open", "Open the tunnel in the background, then the browser."),
    (url, "url", "Print the address for VS Code, PyCharm, a script."),
    (unit, "unit", "Keep the tunnel up after sleep and network changes."),
    (logs, "logs", "Print Jupyter's log."),
    (kill, "kill", "Stop Jupyter, as `ssh NAME-nb-kill` does."),
    (job, "job", "Show the job in which Jupyter runs, or submit one."),
    (passwd, "passwd", "Give a profile a new notebook password, or a token."),
    (edit, "edit", "Edit a profile in $EDITOR, see what follows, apply it."),
    (render, "render", "Write all files into a folder, to be carried over by hand."),
    (templates, "templates", "List the templates of all files; have your own of them."),
    (remove, "remove", "Stop Jupyter and remove everything of one profile."),
    (init, "init", "Put nbssh's one Include line into ~/.ssh/config."),
    (uninstall, "uninstall", "Take out everything nbssh ever wrote."),
    (doctor, "doctor", "Check everything, and say what repairs each finding."),
    (check, "check", "Try `ssh NAME-nb` as a person would, step by step."),
    (completions, "completions", "Print the completion script of a shell."),
    (demo, "demo", "Show the whole thing on this machine alone."),
):
    app.command(name, short_help=line, cls=PlainCommand)(with_verbose(module.command))
