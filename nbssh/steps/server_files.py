"""Reads and installs a profile's files on its server. Nothing that is read is trusted."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zlib
from typing import TYPE_CHECKING

from nbssh.adapters.programs.process import OUTPUT_BYTES
from nbssh.adapters.ssh.connection import too_much
from nbssh.adapters.terminal import trace
from nbssh.core.files import server_files
from nbssh.core.files.change import Change, Plan
from nbssh.core.files.render import render
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.profile.declared import Declared

RemoteFile = tuple[bytes, int]
"""Content and permission bits of a file on a server."""

FOLDER_BYTES = 1 << 20  # what the files of one profile on its server may be together; they are 0.2 MiB
_GZIP = b"\x1f\x8b"  # RFC 1952


def read_remote(connection: Connection, folders: Sequence[str]) -> dict[str, RemoteFile]:
    """Return the regular files below `folders` on the server by absolute path. Nothing of it is trusted."""
    output = max(OUTPUT_BYTES, len(folders) * FOLDER_BYTES)
    with trace.step(f"read the files on {connection.shown}"):
        data = connection.run(render("remote/read", folders=list(folders)), output=output)
    found: dict[str, RemoteFile] = {}
    if not data:
        return found
    try:
        with tarfile.open(fileobj=io.BytesIO(_unpacked(data, connection.shown, output)), mode="r:") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content:
                    found["/" + member.name.removeprefix("/")] = content.read(), stat.S_IMODE(member.mode)
    except (tarfile.TarError, OSError, ValueError, EOFError, zlib.error) as error:
        raise NbsshError(
            f"{connection.shown}: what came back is no tar stream ({error})", "look at the server's tar"
        ) from None
    return found


def _unpacked(data: bytes, shown: str, output: int) -> bytes:
    """Return `data`, decompressed if need be; few bytes may stand for very many, so the limit counts once more."""
    if not data.startswith(_GZIP):
        return data
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        unpacked = file.read(output + 1)
    if len(unpacked) > output:
        raise too_much(shown, output)
    return unpacked


def install(connection: Connection, declared: Declared, changes: Sequence[Change]) -> None:
    """Put the changed files in place on the server, all of them or none."""
    plan = Plan(changes)
    if plan.empty:
        return
    new = [change for change in plan.changes if change.new is not None]
    script = render(
        "remote/install",
        name=declared.name,
        data=declared.folder,
        files=[server_files.parcel(change.path, change.new or b"", change.mode) for change in new],
        deleted=[change.path for change in plan.changes if change.new is None],
    )
    with trace.step(f"install on {connection.shown}"):
        connection.run(script)
    for change in plan.changes:
        trace.file(change.action, change.name, None if change.new is None else change.mode)
