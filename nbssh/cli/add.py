"""`nbssh add`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, Offline, PasswordStdin, Token, Yes, context


def command(
    ctx: typer.Context,
    name: Name,
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION",
            help="An alias of your ~/.ssh/config (default: NAME), user@host[:port], or your 'ssh -L …' in quotes.",
            show_default=False,
        ),
    ] = "",
    *,
    port: Annotated[
        int,
        typer.Option(metavar="N", help="Local port (default: the first free one from 8888).", show_default=False),
    ] = 0,
    jupyter: Annotated[
        str | None, typer.Option(metavar="PATH", help="Jupyter's program on the server.", show_default=False)
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(metavar="lab|notebook|server", help="What to run (default: lab).", show_default=False),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option("--dir", metavar="DIR", help="Notebook folder on the server (default: home).", show_default=False),
    ] = None,
    setup: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE", help="Shell line to run before Jupyter; repeatable.", show_default=False),
    ] = None,
    setup_shell: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="Shell for the --setup lines, e.g. 'bash -l'.", show_default=False),
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option(metavar="auto|socket|tcp", help="How the tunnel ends on the server.", show_default=False),
    ] = None,
    remote_port: Annotated[int, typer.Option(metavar="N", help="Port on the server, for tcp.", show_default=False)] = 0,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="slurm|gridengine|pbs|lsf", help="Run Jupyter in a batch job of this scheduler.", show_default=False
        ),
    ] = None,
    job_option: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION", help="Option of its submission command; repeatable.", show_default=False),
    ] = None,
    idle: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="Shut down after so long without use.", show_default=False),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Never open a browser.")] = False,
    token: Token = False,
    password_stdin: PasswordStdin = False,
    offline: Offline = False,
    yes: Yes = False,
) -> None:
    """Set up a profile: look at the server, install what is needed there and here.

    Example: nbssh add mybox alice@10.0.0.5
    """
    import shlex  # noqa: PLC0415

    from nbssh.commands.add import add  # noqa: PLC0415
    from nbssh.steps.request import Wish  # noqa: PLC0415

    wish = Wish(
        name=name, destination=destination, port=port, app=app, jupyter=jupyter, dir=folder, setup=tuple(setup or ()),
        setup_shell=tuple(shlex.split(setup_shell or "")), forward=forward, remote_port=remote_port, idle_hours=idle,
        scheduler=scheduler, job_options=tuple(job_option or ()),
        browser=not no_browser, token=token, password_stdin=password_stdin, offline=offline,
    )  # fmt: skip
    add(context(ctx, yes=yes), wish)
