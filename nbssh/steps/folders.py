"""Whether our folders on a host can be made and written, asked before anything is put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbssh.core import answers
from nbssh.core.files.quoting import sh
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import server_folder, share_folder
from nbssh.core.server.values import is_server_path
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.declared import Declared


class Folders(Template, frozen=True, kw_only=True):
    """The folders that are asked about."""

    templates: ClassVar = ("sent/folders",)
    folders: list[str]


def refuse_unwritable(connection: Connection, declared: Declared) -> None:
    """Raise unless the share and the state folder of a profile can be written, with what stands in the way."""
    state = server_folder(declared.name, declared.server, "state")
    out, _ = connection.attempt(render(Folders(folders=[share_folder(declared.server), declared.folder, state])))
    for row in answers.rows(out):
        match row:
            case ["link" | "file" | "mode" | "closed" as reason, path, owner] if is_server_path(path):
                raise _unwritable(declared.server.hostname, reason, path, printable(owner, 40))
            case _:
                pass


def _unwritable(host: str, reason: str, path: str, owner: str) -> NbsshError:
    if reason == "link":
        return NbsshError(
            f"{path} on {host} is a link that leads nowhere; nbssh needs a folder below it",
            f"see where it leads, there: ls -l {sh(path)}; make that folder, or take the link away: rm {sh(path)}",
        )
    if reason == "file":
        return NbsshError(
            f"{path} on {host} is no folder; nbssh needs one there",
            f"look at it and give it another name, there: mv {sh(path)} {sh(f'{path}.old')}",
        )
    if reason == "mode":
        return NbsshError(
            f"{path} on {host} cannot be written: it is yours, but its mode is {owner}",
            f"there: chmod u+rwx {sh(path)}",
        )
    return NbsshError(
        f"{path} on {host} cannot be written: it belongs to {owner}, or its file system is read-only",
        f'there: ls -ld {sh(path)}; if it should be yours: sudo chown -R "$(id -un)" {sh(path)}',
    )
