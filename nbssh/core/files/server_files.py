"""From a declaration to its files on the host: (path, text, mode, why). Pure; the paths are absolute, over there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, ClassVar

import msgspec

from nbssh.core.files import app_files, change
from nbssh.core.files.change import PRIVATE, SEAL, Change, File, Kind
from nbssh.core.files.program import cksum, program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile import app as apps
from nbssh.core.profile.declared import Secret, share_folder
from nbssh.core.profile.profile import tcp_port
from nbssh.core.profile.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Profile, Server

FORMAT = 1
"""What all files of a profile on its host are written in; one more where any of their texts changes its form.

A laptop with an older nbssh leaves files of a higher one alone: two versions would otherwise rewrite them in turns.
"""
START_SECONDS = (
    120  # what templates/server/profile.sh gives a start: a cold JupyterLab on a busy file system takes a minute
)
# What nbssh 0.1 had in a profile's folder, and nothing of today names.
OLD_FILES = frozenset((
    "launch", "serve", "kill", "status", "wait", "job", "try", "manifest", "sshd/config", "config/jupyter_config.py",
    "fast/rfc3987_syntax.py",
))  # fmt: skip


class Settings(Template, frozen=True, kw_only=True):
    """What the program on the host reads of a profile: (key, value), a line each; a key may come again and again."""

    templates: ClassVar = ("profile",)
    name: str
    seal: str
    settings: list[tuple[str, str]]


class JupyterConfig(Template, frozen=True, kw_only=True):
    """What Jupyter's own configuration shows; `local_name` is what a browser may call it, to keep its cookies apart."""

    templates: ClassVar = (
        "jupyter/jupyter_server_config.json", "jupyter/jupyter_notebook_config.json", "jupyter/jupyter_lab_config.json",
        "jupyter/quiet/jupyter_server_config.json",
    )  # fmt: skip
    hash: str
    token: str
    socket: str
    jupyter_port: int
    generation: str
    root_dir: str
    idle_seconds: int
    allow_root: bool
    local_name: str


class Parcel(msgspec.Struct, frozen=True):
    """A file on its way into a here-document; `delimiter` is a line that does not occur in `text`."""

    path: str
    text: str
    mode: int
    delimiter: str


def parcel(path: str, data: bytes, mode: int) -> Parcel:
    """Return `data` ready for a here-document, which always ends its content with a line feed."""
    text = data.decode("utf-8", "surrogateescape")
    if not text.endswith("\n"):
        raise ValueError(f"{path} does not end in a line feed")
    return Parcel(path, text, mode, "nbssh-" + hashlib.sha256(data).hexdigest()[:16])


def root_dir(profile: Profile, server: Server) -> str:
    """Return the notebooks' folder, absolute: `dir` may be absolute, below `~/`, or relative to the home.

    Where the home is not known it stays relative to it.
    """
    folder = profile.dir.removeprefix("~/") if profile.dir != "~" else ""
    if not server.home:
        return folder
    return folder if folder.startswith("/") else f"{server.home}/{folder}".rstrip("/") or "/"


def program_change(declared: Declared, found: str) -> Change:
    """Return what puts the program in place; `found` is what there is of it: whole, damaged or missing."""
    program = program_of(declared.way)
    old = {"whole": program.stream, "damaged": b"damaged"}.get(found)
    return Change(
        f"{share_folder(declared.server)}/program/{program.id}", old, program.stream, 0o700, None,
        "nbssh's program there" + (", which was damaged" if found == "damaged" else ""),
        where=declared.profile.destination, kind=Kind.PROGRAM,
    )  # fmt: skip


def remote_files(declared: Declared) -> list[File]:
    """Return the files of a profile on its host."""
    if declared.profile.adopt:  # that one has its own configuration
        return [settings_file(declared), registration(declared)]
    data, model = declared.folder, jupyter_model(declared)
    config = [
        File(path, render(model, template), PRIVATE,
             "Jupyter's configuration", secret=True, masked=True, kind=Kind.JUPYTER_CONFIG)
        for path, template in zip(config_paths(data), model.templates, strict=True)
        if "/quiet/" not in template or model.generation == "server2"
    ]  # fmt: skip
    config += app_files.app_files(declared)
    # Last: where an install is cut off, what has its new content already is no hand edit to the old checksums.
    return [*config, settings_file(declared, config), registration(declared)]


def config_paths(data: str) -> list[str]:
    """Return where the files of a JupyterConfig lie in `data`, a profile's folder on its host."""
    return [f"{data}/config/{template.removeprefix('jupyter/')}" for template in JupyterConfig.templates]


def settings_file(declared: Declared, config: Sequence[File] = ()) -> File:
    """Return the file of a profile's parameters; it holds the checksums of the files that can hold no seal: JSON."""
    name, data = declared.name, declared.folder
    shared = Shared.of(declared.profile, Secret())
    common = [("format", str(FORMAT)), ("shared", json.dumps(msgspec.to_builtins(shared), sort_keys=True))]
    sums = [("file", f"{checksum(_bytes(file))} {file.path.removeprefix(f'{data}/')}") for file in config]
    text = render(Settings(name=name, seal=SEAL, settings=[*settings(declared), *common, *sums]))
    return File(settings_path(data), change.seal(text), PRIVATE, f"what '{name}' runs with there", kind=Kind.SETTINGS)


def settings(declared: Declared) -> list[tuple[str, str]]:
    """Return the parameters of a profile as templates/server/profile.sh reads them, without its defaults."""
    profile, server, token = declared.profile, declared.server, declared.secret.token.encode()
    found: list[tuple[str, str]] = []
    if profile.app != "lab":
        found += [("app", profile.app), ("title", apps.title(profile.app))]
    found += [("socket", server.socket)] if server.forward == "socket" else [("port", str(tcp_port(profile)))]
    found += [("gate", server.gate)] if server.gate else []
    if profile.adopt:
        found += [("hers", server.runtime), ("hers_sum", f"{cksum(token)} {len(token)}")]
    else:
        app = apps.described(profile.app)
        program = app_files.paths(declared.folder)[0] if app else profile.jupyter or server.jupyter
        found += [("jupyter", program), *([("ready", app.ready)] if app else [])]
    if server.python:
        found += [("python", server.python)]
    if profile.dir and (folder := root_dir(profile, server)):
        found += [("dir", folder)]
    if not profile.fast_start or not apps.is_jupyter(profile.app):
        found += [("fast_start", "no")]
    if profile.environment != "login":
        found += [("environment", profile.environment)]
    found += [("after_idle", profile.after_idle)] if profile.after_idle else []
    found += [("setup", line) for line in profile.setup]
    found += [("setup_shell", word) for word in profile.setup_shell]
    return [*found, *declared.way.settings()]


def settings_path(data: str) -> str:
    """Return the path of the parameters in `data`, a profile's folder on its host."""
    return f"{data}/profile"


def registration(declared: Declared) -> File:
    """Return the file by which this laptop says which program its aliases name, so that it is kept."""
    path = f"{declared.folder}/laptops/{declared.laptop}"
    return File(
        path,
        f"{program_of(declared.way).id}\n",
        PRIVATE,
        f"this laptop uses '{declared.name}'",
        kind=Kind.REGISTRATION,
    )


def checksum(data: bytes) -> str:
    """Return the checksum of a file's content as sha256sum(1) says it."""
    return hashlib.sha256(data).hexdigest()


def is_unlisted(path: str, content: bytes, data: str, lists: Sequence[bytes]) -> bool:
    """Tell whether `content`, found at `path` in the folder `data`, is something else than what was installed there.

    `lists` are the files that say it: a profile's parameters, and the manifest of nbssh 0.1. Without one nobody knows,
    and what nobody knows is taken for the user's.
    """
    name, found = path.removeprefix(f"{data}/"), checksum(content)
    known = {f"file {found} {name}".encode(), f"{found}  {name}".encode()}
    return not any(known & set(text.splitlines()) for text in lists)


def _bytes(file: File) -> bytes:
    return file.text.encode("utf-8", "surrogateescape")


def jupyter_model(declared: Declared) -> JupyterConfig:
    """Return what the Jupyter configuration shows: all that decides who gets in, where it listens and what it opens.

    What Jupyter couples with a setting of ours is set too, for the user's own ~/.jupyter may hold the other half.

    With a socket the port must be Jupyter's default: any other, from the user's own ~/.jupyter too, makes Jupyter
    abort ("--port and --sock are mutually exclusive").
    """
    profile, server, secret = declared.profile, declared.server, declared.secret
    folder = root_dir(profile, server) if profile.dir else ""
    return JupyterConfig(
        hash=secret.hash,
        token=secret.token,
        socket=server.socket if server.forward == "socket" else "",
        jupyter_port=8888 if server.forward == "socket" else tcp_port(profile),
        generation=server.generation,
        root_dir=folder if folder.startswith("/") else "",  # else the user's own counts, or where serve starts it
        idle_seconds=round((profile.idle_hours or 0) * 3600),
        allow_root=server.uid == 0,
        local_name=f"{declared.name.lower()}.localhost",  # browsers write host names small
    )
