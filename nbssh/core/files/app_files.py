"""The files on a host of an app that is no Jupyter: what starts it, and the token in a file of its own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbssh.core.files import change
from nbssh.core.files.change import EXECUTABLE, PRIVATE, SEAL, File, Kind
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.app import described
from nbssh.core.profile.profile import tcp_port

if TYPE_CHECKING:
    from nbssh.core.profile.declared import Declared


class Start(Template, frozen=True, kw_only=True):
    """How the app is started."""

    templates: ClassVar = ("apps/start",)
    name: str
    title: str
    seal: str
    program: str
    command: list[str]


class Token(Template, frozen=True, kw_only=True):
    """What the app reads its token from: no secret is ever in a command line."""

    templates: ClassVar = ("apps/token",)
    token: str


def paths(data: str) -> tuple[str, str]:
    """Return where they are in `data`, a profile's folder on its host: what starts it, the token."""
    return f"{data}/config/start", f"{data}/config/token"


def app_files(declared: Declared) -> list[File]:
    """Return the files of the app that `declared` runs; none for a Jupyter."""
    profile, server = declared.profile, declared.server
    app = described(profile.app)
    if app is None:
        return []
    start, token = paths(declared.folder)
    program = server.jupyter if "/" in server.jupyter else profile.jupyter or server.jupyter
    places = {
        "program": program,
        "python": server.python or "python3",
        "socket": server.socket,
        "port": str(tcp_port(profile)),
        "token_file": token,
    }
    model = Start(name=declared.name, title=app.title, seal=SEAL, program=program, command=app.words(places))
    text = change.seal(render(model))
    return [
        File(start, text, EXECUTABLE, f"starts {app.title}", kind=Kind.JUPYTER_CONFIG),
        File(
            token, render(Token(token=declared.secret.token)), PRIVATE, "the token, for the app", secret=True,
            kind=Kind.JUPYTER_CONFIG,
        ),
    ]  # fmt: skip
