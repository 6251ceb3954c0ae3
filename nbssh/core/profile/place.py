"""Where nbssh's files are on a host, and that every path there is one that ssh takes as it is. Pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from nbssh.core.server.values import is_server_path
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile

_OURS = ("nbssh", ".nbssh")


def own_folder(profile: Profile) -> str:
    """Return the folder of our own name in `server_dir`, or that itself where it has this name; empty: below the home.

    In a folder of hers a profile's name may be that of something else.
    """
    folder = posixpath.normpath(profile.server_dir) if profile.server_dir else ""
    return folder if not folder or posixpath.basename(folder) in _OURS else f"{folder}/nbssh"


def check(profile: Profile, source: str) -> None:
    """Raise NbsshError for a path that is none; `source` is the file or command that said it."""
    if profile.server_dir and not is_server_path(posixpath.normpath(profile.server_dir)):
        raise NbsshError(
            f"{source}: 'server_dir': '{printable(profile.server_dir, 60)}' is no absolute path of plain characters",
            "a folder on the host, as /scratch/you/.nbssh; only letters, digits and . _ / @ + , = - are accepted there",
        )
    server = profile.server
    found = (
        {"home": server.home, "folder": server.folder, "socket": server.socket, "gate": server.gate} if server else {}
    )
    for what, path in found.items():
        if path and not is_server_path(path):
            raise NbsshError(
                f"{source}: the host's {what} '{printable(path, 60)}' has characters that ssh would expand",
                "only letters, digits and . _ / @ + , = - are accepted there",
            )
