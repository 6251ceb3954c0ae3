"""From a declaration to every file it stands for: (path, text, mode, why). Pure; the texts come from templates.

`why` is what a plan shows. The remote paths are absolute and on the server; the local ones are given by the caller.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nbssh.core import cluster, plan
from nbssh.core.client import POSIX, Client
from nbssh.core.profile import TITLES
from nbssh.core.render import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.alias import Directive
    from nbssh.core.profile import Profile, Server

PRIVATE, EXECUTABLE = 0o600, 0o700
SCRIPTS = ("launch", "serve", "kill", "status", "wait")
# The local ControlPath is a socket and ssh adds a random suffix of 17 characters while it makes it; sun_path holds
# 108 bytes on Linux and 104 on macOS (unix(7), unix(4)).
CONTROL_PATH_BYTES = 86
START_SECONDS = 120  # a cold JupyterLab on a busy parallel file system takes a minute
_SEAL = f"# {plan.SEAL}"


class File(msgspec.Struct, frozen=True):
    """One file as it should be. `secret`: its content is never shown; `masked`: but for its secret values."""

    path: str
    text: str
    mode: int
    why: str
    secret: bool = False
    masked: bool = False


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


class Local(msgspec.Struct, frozen=True):
    """The local paths that the ssh_config blocks name, absolute."""

    conf: str
    opener: str
    control_socket: str
    redirect: str
    known_hosts: str = ""
    key: str = ""
    ssh: tuple[str, ...] = ("ssh",)
    client: Client = POSIX


def far_end(profile: Profile) -> str:
    """Return where the tunnel ends on the server: the socket, or 127.0.0.1 and a port."""
    server = profile.server
    if server and server.forward == "socket":
        return server.socket
    return f"127.0.0.1:{tcp_port(profile)}"


def is_private_end(profile: Profile) -> bool:
    """Tell whether nobody else can listen where the tunnel ends: ports and /tmp are everybody's."""
    server = profile.server
    return server is not None and server.forward == "socket" and server.socket.startswith(f"{server.home}/")


def _without_master(profile: Profile) -> str:
    """Return what the opener does where no master can be asked whether the server is verified.

    Nothing: it believes the page. `ask`: it logs in by itself, if that asks nobody; `hold`: it opens nothing.
    """
    if is_private_end(profile):
        return ""
    if profile.scheduler:
        return "hold"
    return "ask" if profile.server and not profile.server.prompts else "hold"


def tcp_port(profile: Profile) -> int:
    """Return the server's TCP port: declared, else probed, else the same as the local one."""
    if profile.remote_port:
        return profile.remote_port
    if profile.server and profile.server.port:
        return profile.server.port
    return profile.port


def control_path(profile: Profile, local: Local) -> str:
    """Return the ControlPath, or nothing where it would be too long for a socket or does not exist.

    Nor where sshd permits one session for each connection: a master needs one for launch and one for the opener.
    """
    fits = len(local.control_socket.encode()) <= CONTROL_PATH_BYTES
    alone = profile.server is not None and profile.server.one_session
    return local.control_socket if local.client.multiplexes and fits and not alone else ""


def ssh_config(name: str, profile: Profile, local: Local, directives: Sequence[Directive]) -> str:
    """Return the ssh_config blocks of one profile, sealed."""
    text = render(
        "ssh/profile.conf",
        name=name,
        seal=_SEAL,
        port=profile.port,
        far=far_end(profile),
        client=local.client.name,
        opener=local.opener if profile.browser else "",
        without_master=_without_master(profile),
        control_path=control_path(profile, local),
        node=_node(name, profile, local),
        directives=list(directives),
    )
    return plan.seal(local.client.text(text))


def _node(name: str, profile: Profile, local: Local) -> dict[str, Any] | None:
    """Return how a session reaches the node of a batch job, and whom it trusts there; None without a scheduler."""
    if profile.scheduler is None:
        return None
    return {
        "proxy": cluster.proxy_words(local.ssh, name, profile, persists=bool(control_path(profile, local))),
        "alias": cluster.host_key_alias(name),
        "known_hosts": local.known_hosts,
        "key": local.key if cluster.has_own_key(profile) else "",
    }


def opener(secrets_dir: str, client: Client = POSIX) -> str:
    """Return the browser opener, one script for all profiles; `secrets_dir` as the client's programs name it."""
    text = render(f"ssh/{client.opener}", seal=_SEAL, secrets=secrets_dir)
    return plan.seal(client.byte_order_mark + client.text(text))


def redirect(name: str, profile: Profile, token: str) -> str:
    """Return the page that carries the token into the browser."""
    return render("ssh/redirect.html", name=name, url=token_url(profile.port, token))


def token_url(port: int, token: str = "") -> str:
    """Return the address in the browser; 127.0.0.1 because `localhost` may be a second, foreign address."""
    return f"http://127.0.0.1:{port}/" + (f"?token={token}" if token else "")


def server_folder(name: str, server: Server, kind: Literal["share", "state"]) -> str:
    """Return the absolute folder of a profile on its server: files (`share`) or runtime (`state`)."""
    return f"{server.home}/.local/{kind}/nbssh/{name}"


def root_dir(profile: Profile, server: Server) -> str:
    """Return the notebooks' folder, absolute: `dir` may be absolute, below `~/`, or relative to the home."""
    folder = profile.dir.removeprefix("~/") if profile.dir != "~" else ""
    return folder if folder.startswith("/") else f"{server.home}/{folder}".rstrip("/") or "/"


def script_model(name: str, profile: Profile, server: Server, version: str) -> dict[str, Any]:
    """Return the parameters that every server script shares."""
    return {
        "name": name,
        "version": version,
        "seal": _SEAL,
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
        "job_variable": cluster.JOB_VARIABLES[profile.scheduler.kind] if profile.scheduler else "",
        "via": cluster.via(profile) or "",
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
        )
        for file in ("jupyter_server_config.json", "jupyter_notebook_config.json", "jupyter_lab_config.json")
    ]
    files += _fast_files(name, server, version)
    # Last: where an install is cut off, what has its new content already is no hand edit to the old manifest.
    return [*files, _manifest(name, data, files)]


def _scripts(name: str, data: str, scripts: Sequence[str], model: dict[str, Any]) -> list[File]:
    why = f"server script of '{name}'"
    return [
        File(f"{data}/{script}", plan.seal(render(f"remote/{script}", **model)), EXECUTABLE, why) for script in scripts
    ]


def job_files(name: str, profile: Profile, server: Server, version: str, *, trial: bool = False) -> list[File]:
    """Return what a batch job needs on the server besides; `trial`: to try the ways to its node."""
    if profile.scheduler is None:
        return []
    data = server_folder(name, server, "share")
    model = script_model(name, profile, server, version)
    config = plan.seal(render("remote/sshd_config", **model))
    files = _scripts(name, data, ["job", *(["try"] if trial else [])], model)
    if trial or cluster.has_own_key(profile):
        files.append(File(f"{data}/sshd/config", config, PRIVATE, f"sshd in the job of '{name}'"))
    return files


def _manifest(name: str, data: str, files: Sequence[File]) -> File:
    """Return the list of what was installed, for files that can hold no seal of their own: JSON knows no comment."""
    sums = [
        (checksum(file.text.encode("utf-8", "surrogateescape")), file.path.removeprefix(f"{data}/"))
        for file in files
        if plan.is_edited(file.text.encode("utf-8", "surrogateescape")) is None
    ]
    text = plan.seal(render("remote/manifest", name=name, seal=_SEAL, sums=sums))
    return File(manifest_path(data), text, PRIVATE, f"list of what was installed of '{name}'")


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
    model = {"name": name, "version": version, "seal": _SEAL, "fast": fast}
    return [
        File(
            path,
            plan.seal(render(f"jupyter/{path.rpartition('/')[2]}.in", **model)),
            PRIVATE,
            "Jupyter's quicker start",
        )
        for path in (f"{fast}/rfc3987_syntax.py", f"{server_folder(name, server, 'share')}/config/jupyter_config.py")
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
