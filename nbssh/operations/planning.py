"""From declarations to the one Plan: what is, against what should be, here and on the servers. Changes nothing."""

from __future__ import annotations

import dataclasses
import gzip
import io
import stat
import tarfile
import zlib
from typing import TYPE_CHECKING

import msgspec

from nbssh import __version__
from nbssh.adapters import files, store
from nbssh.adapters.connection import too_much
from nbssh.adapters.process import OUTPUT_BYTES
from nbssh.adapters.store import Secret  # noqa: TC001  msgspec reads the annotations
from nbssh.core import cluster, localfiles, serverfiles
from nbssh.core.desired import EXECUTABLE, PRIVATE, File
from nbssh.core.plan import Change, Plan, is_edited
from nbssh.core.profile import Profile  # noqa: TC001  the same
from nbssh.core.render import render
from nbssh.errors import NbsshError
from nbssh.operations import aliases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nbssh.adapters.connection import Connection
    from nbssh.operations.world import World

RemoteFile = tuple[bytes, int]
"""Content and permission bits of a file on a server."""


FOLDER_BYTES = 1 << 20  # what the files of one profile on its server may be together; they are 0.2 MiB
_GZIP = b"\x1f\x8b"  # RFC 1952
_SECRET = {".json", ".html", ".key"}


class Declared(msgspec.Struct, frozen=True):
    """One profile as it shall be, with its secret."""

    name: str
    profile: Profile
    secret: Secret

    @property
    def folder(self) -> str:
        """The profile's folder on its server."""
        if self.profile.server is None:
            raise ValueError(f"nothing is known of the server of {self.name}")
        return serverfiles.server_folder(self.name, self.profile.server, "share")


def local_changes(world: World, declared: Declared) -> tuple[list[Change], tuple[str, ...]]:
    """Return what makes the local files of a profile right, and what its alias cannot express.

    Secrets come first, the file that ssh reads last.
    """
    name, secret, paths, side = declared.name, declared.secret, world.paths, world.paths.side
    blocks, unexpressed = aliases.blocks(world, name, declared.profile)
    toml = files.read(paths.profile(name))
    profile_text = store.text_of(name, declared.profile, toml.decode("utf-8", "replace") if toml is not None else None)
    opener = localfiles.opener(side.names(paths.secrets_dir), side.client)
    wanted = [
        File(str(paths.secret(name)), store.secret_text(secret), PRIVATE, f"secret of '{name}'", secret=True),
        File(str(paths.profile(name)), profile_text, PRIVATE, f"profile '{name}'"),
        File(str(paths.opener), opener, EXECUTABLE, "opens the browser"),
        File(str(paths.conf(name)), blocks, PRIVATE, f"aliases of '{name}'"),
    ]
    if cluster.has_own_key(declared.profile):
        wanted.insert(1, File(str(paths.key(name)), secret.key, PRIVATE, f"ssh key of '{name}'", secret=True))
    if declared.profile.scheduler:
        known = cluster.known_hosts(name, declared.profile.server.host_keys if declared.profile.server else [])
        wanted.insert(1, File(str(paths.known_hosts(name)), known, PRIVATE, f"host keys of the nodes of '{name}'"))
    if secret.token:
        page = localfiles.redirect(name, declared.profile, secret.token)
        wanted.insert(1, File(str(paths.redirect(name)), page, PRIVATE, f"takes the browser to '{name}'", secret=True))
    changes = [_change(file, *files.snapshot(file.path)) for file in wanted]
    if not secret.token:
        changes += deletions([paths.redirect(name)], "no token any more")
    if not cluster.has_own_key(declared.profile):
        changes += deletions([paths.key(name)], "no sshd inside a job any more")
    if not declared.profile.scheduler:
        changes += deletions([paths.known_hosts(name)], "no scheduler any more")
    return changes, unexpressed


def deletions(gone: Sequence[Path], why: str) -> list[Change]:
    """Return what deletes those of the local files that exist."""
    changes = []
    for path in gone:
        old, mode = files.snapshot(path)
        if old is not None:
            changes.append(Change(str(path), old, None, PRIVATE, mode, why, secret=path.suffix in _SECRET))
    return changes


def _change(file: File, old: bytes | None, old_mode: int | None, *, where: str = "") -> Change:
    new = file.text.encode("utf-8", "surrogateescape")
    # Where we put a seal, a file with a broken one or none at all is somebody's.
    edited = old is not None and old != new and is_edited(new) is not None and is_edited(old) is not False
    return Change(
        file.path, old, new, file.mode, old_mode, file.why, where=where, secret=file.secret, masked=file.masked,
        edited=edited,
    )  # fmt: skip


def remote_changes(declared: Declared, present: Mapping[str, RemoteFile]) -> list[Change]:
    """Return what makes the files on the server right; what else lies there is left alone."""
    name, profile, secret = declared.name, declared.profile, declared.secret
    if profile.server is None:
        return []
    wanted = serverfiles.remote_files(name, profile, profile.server, (secret.hash, secret.token), __version__)
    manifest, _ = present.get(serverfiles.manifest_path(declared.folder), (None, None))
    changes = [_change(file, *present.get(file.path, (None, None)), where=profile.destination) for file in wanted]
    return [
        dataclasses.replace(change, edited=True)
        if _is_unsealed(change) and serverfiles.is_unlisted(change.path, change.old or b"", declared.folder, manifest)
        else change
        for change in changes
    ]


def _is_unsealed(change: Change) -> bool:
    """Tell whether another content is overwritten by one that holds no seal."""
    overwrites = change.old is not None and change.new is not None and change.old != change.new
    return overwrites and is_edited(change.new or b"") is None


def read_remote(connection: Connection, folders: Sequence[str]) -> dict[str, RemoteFile]:
    """Return the regular files below `folders` on the server by absolute path. Nothing of it is trusted."""
    output = max(OUTPUT_BYTES, len(folders) * FOLDER_BYTES)
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
    connection.run(
        render(
            "remote/install",
            name=declared.name,
            data=declared.folder,
            files=[serverfiles.parcel(change.path, change.new or b"", change.mode) for change in new],
            deleted=[change.path for change in plan.changes if change.new is None],
        )
    )
