"""The state of the user's own templates: which there are, and whether what they were made from has changed since."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import tidy
from nbssh.adapters.laptop import her_templates
from nbssh.core.files.render import is_plain, original, refuse_wrong
from nbssh.core.profile import app
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.files.overlay import Source
    from nbssh.steps.context import Context


class Kind(enum.Enum):
    """What is to be said of a template of hers; the value is the word of `--json`."""

    YOURS = "yours"
    OUTDATED = "outdated"  # nbssh's own has changed since
    UNKNOWN = "unknown"  # from which text it was made
    WRONG = "wrong"


_SAID = {
    Kind.YOURS: "yours",
    Kind.OUTDATED: "yours, but nbssh's own has changed since",
    Kind.UNKNOWN: "yours, from which version nobody knows",
    Kind.WRONG: "yours, but it cannot be used",
}


class State(msgspec.Struct, frozen=True):
    """One template of hers; `error` says why it cannot be used."""

    name: str
    kind: Kind
    error: NbsshError | None = None

    @property
    def said(self) -> str:
        """Return it in words."""
        return _SAID[self.kind]


def states(context: Context) -> list[State]:
    """Return the state of each template of hers. Raises NbsshError where none of them can be read."""
    known = her_templates.ejected(context.paths)
    return [_state(source, known.get(source.name, "")) for source in her_templates.read(context.paths)]


def _state(source: Source, made_from: str) -> State:
    ours = source.name in her_templates.names()
    try:
        if her_templates.is_app(source.name):
            app.read(source.file, source.text)
        else:
            refuse_wrong(source, plain=is_plain(source.name))
    except NbsshError as error:
        return State(source.name, Kind.WRONG, error)
    if not ours:  # an app of hers
        return State(source.name, Kind.YOURS)
    if not made_from:
        return State(source.name, Kind.UNKNOWN)
    return State(source.name, Kind.YOURS if made_from == her_templates.checksum(source.name) else Kind.OUTDATED)


def refuse_wrong_ones(context: Context) -> None:
    """Raise where a template of hers cannot be used, before anything is done that cannot be done without it."""
    for state in states(context):
        if state.error:
            raise state.error


def take_away(context: Context) -> str:
    """Delete the copies that she never changed; return what stays, in words, nothing where nothing does."""
    paths = context.paths
    folder = paths.templates_dir
    if not folder.is_dir() or folder.is_symlink():
        return ""
    for source in her_templates.read(paths):
        if source.name in her_templates.names() and source.text == original(source.name):
            tidy.remove(folder / source.name)
    tidy.remove(paths.ejected)
    for below in sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True):
        tidy.remove_empty(below)
    return "" if tidy.remove_empty(folder) else f"your own templates stay: {paths.shown(folder)}"
