"""What a profile can run: three Jupyters, or an app of another kind that a file describes. Pure."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from nbssh.core.profile.line import Line  # noqa: TC001  msgspec reads the annotations
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Mapping

Jupyter = Literal["lab", "notebook", "server"]
_NAME = r"\A[a-z][a-z0-9_-]{0,31}\Z"
App = Annotated[str, msgspec.Meta(pattern=_NAME)]

PROGRAMS: dict[Jupyter, str] = {"lab": "jupyter-lab", "notebook": "jupyter-notebook", "server": "jupyter-server"}
TITLES: dict[Jupyter, str] = {"lab": "JupyterLab", "notebook": "Jupyter Notebook", "server": "Jupyter Server"}
PLACES = ("program", "python", "socket", "port", "token_file")

_Word = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z", max_length=10_000)]


class NoAppError(NbsshError):
    """Nobody describes an app of that name."""


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An app that is no Jupyter, as templates/apps/NAME.toml describes it; templates/apps/marimo.toml says each key."""

    title: Line
    program: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._+-]{1,100}\Z")]
    command: Annotated[list[_Word], msgspec.Meta(min_length=1)]
    listens: Literal["socket", "port"]
    ready: Annotated[str, msgspec.Meta(pattern=r"\A/[A-Za-z0-9._~/-]{0,200}\Z")] = "/"
    login: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._-]{0,100}\Z")] = ""

    def words(self, places: Mapping[str, str]) -> list[str]:
        """Return the words of its command, `places` filled in."""
        return [re.sub(r"\{(\w+)\}", lambda found: places.get(found[1], found[0]), word) for word in self.command]

    def names(self, place: str) -> bool:
        """Tell whether its command says `{place}`."""
        return any(f"{{{place}}}" in word for word in self.command)


def is_jupyter(app: str) -> bool:
    """Tell whether nbssh knows it by itself: its configuration, its pages, its password."""
    return app in PROGRAMS


def described(app: str) -> Described | None:
    """Return what its file says, None for a Jupyter. Raises NbsshError where there is none, or it is wrong."""
    if is_jupyter(app):
        return None
    from nbssh.core.files import render  # noqa: PLC0415  the template engine, for those profiles alone

    name = f"apps/{app}.toml"
    source = render.plain(name) if re.match(_NAME, app) else None
    if source is None:
        raise NoAppError(
            f"there is no app '{printable(app, 60)}'",
            f"{' or '.join(PROGRAMS)}; or describe it in ~/.config/nbssh/templates/{name}",
        )
    return read(*source)


def title(app: str) -> str:
    """Return how people call it; of one that nobody describes, its name."""
    try:
        found = described(app)
    except NbsshError:
        return app
    return found.title if found else _of_jupyter(TITLES, app)


def program(app: str) -> str:
    """Return the name of its program."""
    found = described(app)
    return found.program if found else _of_jupyter(PROGRAMS, app)


def login(app: str) -> str:
    """Return the parameter of an address that carries the token; empty where none does."""
    found = described(app)
    return found.login if found else "token"


def asks(app: str) -> bool:
    """Tell whether it lets nobody in without the profile's token or password."""
    found = described(app)
    return not found or bool(found.login) or found.names("token_file")


def _of_jupyter(names: Mapping[Jupyter, str], app: str) -> str:
    return next(name for known, name in names.items() if known == app)


@cache
def read(file: str, text: str) -> Described:
    """Return what `text`, that of `file`, describes; raise NbsshError where it is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(text), Described)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        said = printable(str(error), 200)
        raise NbsshError(f"{file}: {said[:1].lower()}{said[1:]}", "correct it; as in apps/marimo.toml") from None
    _refuse_open(found, file)
    return found


def _refuse_open(app: Described, file: str) -> None:
    """Raise where anybody else on the host could use the app: a port is everybody's, and so needs a login."""
    if app.listens == "port" and not (app.login and app.names("token_file")):
        raise NbsshError(
            f"{file}: everybody on the host reaches a port, and nothing asks for a login there",
            'say "login", and {token_file} in the command; or let it listen on a socket: listens = "socket"',
        )
    if not app.names(app.listens):
        raise NbsshError(f"{file}: the command does not say where to listen", f"put {{{app.listens}}} into it")
