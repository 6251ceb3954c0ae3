"""From a declaration to its files on the server: (path, text, mode, why). Pure; the paths are absolute, over there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.core.files import change
from nbssh.core.files.change import EXECUTABLE, PRIVATE, SEAL, File, Kind
from nbssh.core.files.render import render
from nbssh.core.profile.declared import server_folder
from nbssh.core.profile.profile import TITLES, tcp_port
from nbssh.core.server import batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.profile.profile import Profile, Server

SCRIPTS = ("launch", "serve", "kill", "status", "wait")
START_SECONDS = 120  # a cold JupyterLab on a busy parallel file system takes a minute


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
    """Return the notebooks' folder, absolute: `dir` may be absolute, below `~/`, or relative to the home."""
    folder = profile.dir.removeprefix("~/") if profile.dir != "~" else ""
    return folder if folder.startswith("/") else f"{server.home}/{folder}".rstrip("/") or "/"


def script_model(name: str, profile: Profile, server: Server, version: str) -> dict[str, Any]:
    """Return the parameters that every server script shares."""
    return {
        "name": name,
        "version": version,
        "seal": SEAL,
        "home": server.home,
        "data": server_folder(name, server, "share"),
        "state": server_folder(name, server, "state"),
        "port": profile.port,
        "forward": server.forward,
        "socket": server.socket,
        "remote_port": tcp_port(profile) if server.forward == "tcp" else 0,
        "app": profile.app,
        "title": TITLES[profile.app],
        "scheduler": profile.scheduler.kind if profile.scheduler else "",
        "options": list(profile.scheduler.options) if profile.scheduler else [],
        "job_variable": batch.JOB_VARIABLES[profile.scheduler.kind] if profile.scheduler else "",
        "via": batch.via(profile) or "",
        "jupyter": profile.jupyter or server.jupyter,
        "python": server.python,
        "setup": list(profile.setup),
        "setup_shell": list(profile.setup_shell) or ["/bin/sh"],
        "root_dir": root_dir(profile, server),
        "start_timeout": START_SECONDS,
        "fast": fast_folder(name, server) if profile.fast_start else "",
    }


def remote_files(name: str, profile: Profile, server: Server, secret: tuple[str, str], version: str) -> list[File]:
    """Return the files on the server; `secret` is (password hash, token), one of them empty."""
    data = server_folder(name, server, "share")
    scripts = script_model(name, profile, server, version)
    files = _scripts(name, data, SCRIPTS, scripts)
    files += job_files(name, profile, server, version)
    config = jupyter_model(profile, server, *secret)
    files += [
        File(
            f"{data}/config/{file}",
            render(f"jupyter/{file}", **config),
            PRIVATE,
            "Jupyter's configuration",
            secret=True,
            masked=True,
            kind=Kind.JUPYTER_CONFIG,
        )
        for file in ("jupyter_server_config.json", "jupyter_notebook_config.json", "jupyter_lab_config.json")
    ]
    files += _fast_files(name, server, version)
    # Last: where an install is cut off, what has its new content already is no hand edit to the old manifest.
    return [*files, _manifest(name, data, files)]


def _scripts(name: str, data: str, scripts: Sequence[str], model: dict[str, Any]) -> list[File]:
    why = f"server script of '{name}'"
    return [
        File(
            f"{data}/{script}",
            change.seal(render(f"remote/{script}", **model)),
            EXECUTABLE,
            why,
            kind=Kind.SERVE if script == "serve" else Kind.SERVER_PROGRAM,
        )
        for script in scripts
    ]


def job_files(name: str, profile: Profile, server: Server, version: str, *, trial: bool = False) -> list[File]:
    """Return what a batch job needs on the server besides; `trial`: to try the ways to its node."""
    if profile.scheduler is None:
        return []
    data = server_folder(name, server, "share")
    model = script_model(name, profile, server, version)
    config = change.seal(render("remote/sshd_config", **model))
    files = _scripts(name, data, ["job", *(["try"] if trial else [])], model)
    if trial or batch.has_own_key(profile):
        files.append(
            File(f"{data}/sshd/config", config, PRIVATE, f"sshd in the job of '{name}'", kind=Kind.SERVER_PROGRAM)
        )
    return files


def _manifest(name: str, data: str, files: Sequence[File]) -> File:
    """Return the list of what was installed, for files that can hold no seal of their own: JSON knows no comment."""
    sums = [
        (checksum(file.text.encode("utf-8", "surrogateescape")), file.path.removeprefix(f"{data}/"))
        for file in files
        if change.is_edited(file.text.encode("utf-8", "surrogateescape")) is None
    ]
    text = change.seal(render("remote/manifest", name=name, seal=SEAL, sums=sums))
    return File(manifest_path(data), text, PRIVATE, f"list of what was installed of '{name}'", kind=Kind.MANIFEST)


def manifest_path(data: str) -> str:
    """Return the path of the manifest in `data`, a profile's folder on its server."""
    return f"{data}/manifest"


def checksum(data: bytes) -> str:
    """Return the checksum of a file's content as the manifest has it: that of sha256sum(1)."""
    return hashlib.sha256(data).hexdigest()


def is_unlisted(path: str, content: bytes, data: str, manifest: bytes | None) -> bool:
    """Tell whether `content`, found at `path` in the folder `data`, is something else than what was installed there.

    Without a manifest nobody knows, and what nobody knows is taken for the user's.
    """
    line = f"{checksum(content)}  {path.removeprefix(f'{data}/')}"
    return line.encode() not in (manifest or b"").splitlines()


def fast_folder(name: str, server: Server) -> str:
    """Return the folder that makes Jupyter's start quicker, to be put on its PYTHONPATH."""
    return f"{server_folder(name, server, 'share')}/fast"


def _fast_files(name: str, server: Server, version: str) -> list[File]:
    """Return the module that stands in for a slow one, and what cleans up where nothing imports it.

    They are there with `fast_start = false` too, and then do nothing: `serve` alone decides.
    """
    fast = fast_folder(name, server)
    model = {"name": name, "version": version, "seal": SEAL, "fast": fast}
    return [
        File(
            path,
            change.seal(render(f"jupyter/{path.rpartition('/')[2]}.in", **model)),
            PRIVATE,
            "Jupyter's quicker start",
            kind=kind,
        )
        for path, kind in (
            (f"{fast}/rfc3987_syntax.py", Kind.SERVER_PROGRAM),
            (f"{server_folder(name, server, 'share')}/config/jupyter_config.py", Kind.JUPYTER_CONFIG),
        )
    ]


def jupyter_model(profile: Profile, server: Server, hash_: str, token: str) -> dict[str, Any]:
    """Return what the Jupyter configuration shows.

    With a socket the port must be Jupyter's default: any other, from the user's own ~/.jupyter too, makes Jupyter
    abort ("--port and --sock are mutually exclusive").
    """
    return {
        "hash": hash_,
        "token": token,
        "socket": server.socket if server.forward == "socket" else "",
        "jupyter_port": 8888 if server.forward == "socket" else tcp_port(profile),
        "root_dir": root_dir(profile, server),
        "idle_seconds": round((profile.idle_hours or 0) * 3600),
        "allow_root": server.uid == 0,
    }
