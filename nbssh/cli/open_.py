"""`nbssh open`."""

from __future__ import annotations

from typing import Annotated

import typer

from nbssh.cli.options import Name, context


def command(
    ctx: typer.Context,
    name: Name,
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A notebook or folder in the notebooks' folder.", show_default=False),
    ] = "",
    *,
    lab: Annotated[bool, typer.Option("--lab", help="Show it in JupyterLab.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="Show it as Jupyter Notebook does.")] = False,
) -> None:
    """Open the tunnel in the background, if none is up, and the browser.

    Example: nbssh open mybox runs/today.ipynb
    """
    from nbssh.commands.open_ import open_  # noqa: PLC0415

    if lab and tree:
        raise typer.BadParameter("say one of the two", param_hint="--lab, --tree")
    raise typer.Exit(open_(context(ctx), name, path, view="lab" if lab else "tree" if tree else ""))
