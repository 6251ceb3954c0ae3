"""A profile's files for two homes, to be carried there by hand; what is not known of the host is left open. Pure."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import msgspec

from nbssh.core.files import server_files
from nbssh.core.files.laptop_files import far_end
from nbssh.core.files.program import program_of
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile import app as apps
from nbssh.core.profile.declared import share_folder, states_below
from nbssh.core.profile.place import own_folder
from nbssh.core.profile.profile import Server
from nbssh.core.server import choice
from nbssh.core.ssh import destination
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Profile


class Carried(NamedTuple):
    """One file: `path` is below a home."""

    path: str
    data: bytes
    mode: int


class Readme(Template, frozen=True, kw_only=True):
    """What goes where."""

    templates: ClassVar = ("carried/README",)
    name: str
    destination: str
    copy: str
    elsewhere: bool
    jupyter: str
    tunnel: str
    home: str


def unseen(name: str, profile: Profile, home: str, user: str) -> Server:
    """Return what is taken for granted of a host that nobody looked at, so that it works wherever Jupyter does.

    `home` is empty where it is not known: no path in any file then begins with it. A port, because old Jupyters and
    some sshd know no sockets, unless the profile wants a socket.
    """
    app = apps.described(profile.app)
    if app and not home:
        raise NbsshError(f"the files of {app.title} name the home on the host", "say it: --home DIR")
    wants_socket = app.listens == "socket" if app else profile.forward == "socket"
    folder = own_folder(profile)
    socket = f"{states_below(home, folder)}/{name}/sock" if wants_socket else ""
    return Server(
        home=home,
        folder=folder,
        uid=0 if user == "root" else 1000,
        hostname=destination.parse(profile.destination).host,
        os="unknown",
        jupyter=apps.program(profile.app),
        forward="socket" if socket else "tcp",
        socket=socket,
        port=0 if socket else choice.own_port(user, name),
        prompts=True,
        kill_joins=True,
    )


def on_server(declared: Declared) -> list[Carried]:
    """Return the program and the profile's files, below the home there, or below the root where they are elsewhere."""
    home, share = declared.server.home, share_folder(declared.server)
    program = program_of(declared.way)
    found = [Carried(f"{share}/program/{program.id}/{part.name}", part.data, part.mode) for part in program.parts]
    found += [
        Carried(file.path, file.text.encode("utf-8", "surrogateescape"), file.mode)
        for file in server_files.remote_files(declared)
    ]
    return [each._replace(path=below(home, each.path)) for each in found]


def below(home: str, path: str) -> str:
    """Return a path on the host relative to the home there, or to the root where it is not in it."""
    return path.removeprefix(f"{home}/").lstrip("/")


def readme(declared: Declared, home: str, *, seen: bool) -> str:
    """Return the ten lines; `home` is the laptop's, `seen`: the host was looked at before."""
    profile, name = declared.profile, declared.name
    at = destination.parse(profile.destination)
    port = ["-P", str(at.port)] if at.port else []
    where = msgspec.structs.replace(at, port=0).bracketed
    options = [f"-o{option}" for option in profile.ssh_options]
    folder = declared.server.folder
    top, above = (folder, f"{posixpath.dirname(folder)}/") if folder else ("/.local", "")
    title, program = apps.title(profile.app), profile.jupyter or declared.server.jupyter
    by_path = apps.program(profile.app)
    if "/" not in program:
        program += ", from the PATH of your login shell on the host (another one: --jupyter)"
    elif apps.is_jupyter(profile.app) and posixpath.basename(program) != by_path:  # as serve takes it
        program += f", or where that is a folder {program.rstrip('/')}/bin/{by_path}"
    return render(
        Readme(
            name=name,
            destination=profile.destination,
            elsewhere=bool(folder),
            copy=shlex.join(["scp", "-r", *port, *options, f"server{top}", f"{where}:{above}"]),
            jupyter=f"{title} is {program}",
            tunnel=f"The tunnel ends at {far_end(profile)} on the host; "
            + (
                "as the host's last look gave it." if seen else "what keeps strangers from it runs by a Python 3 there."
            ),
            home=home,
        )
    )
