"""`nbssh templates`: templates of the user's own, in place of those of the package. Contacts nobody."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection, writer
from nbssh.adapters.laptop import her_templates
from nbssh.adapters.terminal.ui import columns
from nbssh.core.files.change import Change, Kind, Plan
from nbssh.core.files.diff import painted, unified
from nbssh.core.files.render import original
from nbssh.core.text import printable
from nbssh.errors import Exit, NbsshError
from nbssh.steps import overlay, writing

if TYPE_CHECKING:
    from nbssh.steps.context import Context

ACTIONS = ("list", "eject", "diff")
FILE = 0o600


def templates(context: Context, action: str, name: str, *, json: bool) -> int:
    """List the templates, copy one to the user's folder, or show what hers change; return the exit code."""
    if action not in ACTIONS:
        raise NbsshError(f"there is no '{printable(action, 60)}' here", " or ".join(ACTIONS), code=Exit.USAGE)
    if action == "eject" and not name:
        raise NbsshError("which template?", "see them: nbssh templates list", code=Exit.USAGE)
    if name and name not in her_templates.names():
        close = difflib.get_close_matches(name, her_templates.names(), 1)
        raise NbsshError(
            f"there is no template '{printable(name, 60)}'",
            f"did you mean '{close[0]}'?" if close else "see them: nbssh templates list",
        )
    if action == "eject":
        _eject(context, name)
    elif action == "diff":
        _diff(context, name)
    else:
        _list(context, name, json=json)
    return Exit.DONE


def _list(context: Context, name: str, *, json: bool) -> None:
    """Show all templates and which of them are the user's own, or one of them."""
    mine = {state.name: state for state in overlay.states(context)}
    names = [name] if name else sorted({*her_templates.names(), *mine})
    if json:
        context.ui.json(
            templates=[{"name": each, "state": mine[each].kind.value if each in mine else ""} for each in names],
            errors=[],
        )
        return
    context.ui.product(columns((each, mine[each].said if each in mine else "") for each in names))
    if not mine:
        context.ui.say("none of them is yours; to have one of your own: nbssh templates eject NAME")


def _eject(context: Context, name: str) -> None:
    """Copy the package's template to the user's folder; of one that is there say only that today's text was seen."""
    paths = context.paths
    folder = paths.templates_dir
    if found := inspection.entry(folder):
        her_templates.refuse_others(paths, found)
    file = folder / name
    changes = []
    if not inspection.entry(file):
        text = original(name).encode()
        changes.append(Change(str(file), None, text, FILE, None, f"your own '{name}'", kind=Kind.OTHER))
    old, mode = writer.snapshot(paths.ejected)
    known = her_templates.ejected(paths) | {name: her_templates.checksum(name)}
    text = her_templates.ejected_text(known).encode()
    changes.append(Change(str(paths.ejected), old, text, FILE, mode, "what yours are made from", kind=Kind.OTHER))
    writing.write_local(context, Plan(changes))
    shown = paths.shown(file)
    if len(changes) > 1:
        context.ui.say(f"{shown} is yours now; edit it, see the outcome with nbssh diff, then: nbssh apply")
    else:
        context.ui.say(f"{shown} is yours already, and is kept; that nbssh's own of today was seen is noted")


def _diff(context: Context, name: str) -> None:
    """Show what the user's own templates change in the package's."""
    plan = Plan(
        Change(
            str(context.paths.templates_dir / source.name),
            original(source.name).encode() if source.name in her_templates.names() else None,
            source.text.encode(), FILE, FILE, "nbssh's own, and yours",
        )
        for source in her_templates.read(context.paths)
        if name in {"", source.name}
    )  # fmt: skip
    if plan.empty:
        context.ui.say("no template of yours differs from nbssh's own")
    else:
        context.ui.product(unified(plan), paint=painted)
