"""From declarations to the one Plan: what is, against what should be, here and on the servers. Changes nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from nbssh import __version__
from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.adapters.terminal import trace
from nbssh.core.files import laptop_files, server_files
from nbssh.core.files.change import EXECUTABLE, NEVER_SHOWN, PRIVATE, Change, File, Kind, is_edited
from nbssh.core.server import batch
from nbssh.steps import aliases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbssh.core.profile.declared import Declared
    from nbssh.steps.profiles import Target
    from nbssh.steps.server_files import RemoteFile


def local_changes(target: Target) -> tuple[list[Change], tuple[str, ...]]:
    """Return what makes the local files of a profile right, and what its alias cannot express.

    Secrets come first, the file that ssh reads last.
    """
    name, profile, secret, paths = target.name, target.profile, target.secret, target.paths
    with trace.step(f"make the aliases of {name} equal to {profile.destination}"):
        blocks, unexpressed = aliases.blocks(target)
    toml = writer.read(paths.profile(name))
    profile_text = store.text_of(name, profile, toml.decode("utf-8", "replace") if toml is not None else None)
    opener = laptop_files.opener(str(paths.secrets_dir), paths.side.client)
    wanted = [
        File(
            str(paths.secret(name)),
            store.secret_text(secret),
            PRIVATE,
            f"secret of '{name}'",
            secret=True,
            kind=Kind.SECRET,
        ),
        File(str(paths.profile(name)), profile_text, PRIVATE, f"profile '{name}'", kind=Kind.PROFILE),
        File(str(paths.opener), opener, EXECUTABLE, "opens the browser", kind=Kind.OPENER),
        File(str(paths.conf(name)), blocks, PRIVATE, f"aliases of '{name}'", kind=Kind.ALIASES),
    ]
    if batch.has_own_key(profile):
        wanted.insert(
            1, File(str(paths.key(name)), secret.key, PRIVATE, f"ssh key of '{name}'", secret=True, kind=Kind.KEY)
        )
    if profile.scheduler:
        known = batch.known_hosts(name, profile.server.host_keys if profile.server else [])
        wanted.insert(
            1,
            File(
                str(paths.known_hosts(name)),
                known,
                PRIVATE,
                f"host keys of the nodes of '{name}'",
                kind=Kind.KNOWN_HOSTS,
            ),
        )
    if secret.token:
        page = laptop_files.redirect(name, profile, secret.token)
        wanted.insert(
            1,
            File(
                str(paths.redirect(name)),
                page,
                PRIVATE,
                f"takes the browser to '{name}'",
                secret=True,
                kind=Kind.REDIRECT,
            ),
        )
    changes = [_change(file, *writer.snapshot(file.path)) for file in wanted]
    if not secret.token:
        changes += deletions({paths.redirect(name): Kind.REDIRECT}, "no token any more")
    if not batch.has_own_key(profile):
        changes += deletions({paths.key(name): Kind.KEY}, "no sshd inside a job any more")
    if not profile.scheduler:
        changes += deletions({paths.known_hosts(name): Kind.KNOWN_HOSTS}, "no scheduler any more")
    return changes, unexpressed


def deletions(gone: Mapping[Path, Kind], why: str) -> list[Change]:
    """Return what deletes those of the local files that exist."""
    changes = []
    for path, kind in gone.items():
        old, mode = writer.snapshot(path)
        if old is not None:
            changes.append(Change(str(path), old, None, PRIVATE, mode, why, secret=kind in NEVER_SHOWN, kind=kind))
    return changes


def _change(file: File, old: bytes | None, old_mode: int | None, *, where: str = "") -> Change:
    new = file.text.encode("utf-8", "surrogateescape")
    # Where we put a seal, a file with a broken one or none at all is somebody's.
    edited = old is not None and old != new and is_edited(new) is not None and is_edited(old) is not False
    return Change(
        file.path, old, new, file.mode, old_mode, file.why, where=where, secret=file.secret, masked=file.masked,
        edited=edited, kind=file.kind,
    )  # fmt: skip


def remote_changes(declared: Declared, present: Mapping[str, RemoteFile]) -> list[Change]:
    """Return what makes the files on the server right; what else lies there is left alone."""
    name, profile, secret = declared.name, declared.profile, declared.secret
    if profile.server is None:
        return []
    wanted = server_files.remote_files(name, profile, profile.server, (secret.hash, secret.token), __version__)
    manifest, _ = present.get(server_files.manifest_path(declared.folder), (None, None))
    changes = [_change(file, *present.get(file.path, (None, None)), where=profile.destination) for file in wanted]
    return [
        dataclasses.replace(change, edited=True)
        if _is_unsealed(change) and server_files.is_unlisted(change.path, change.old or b"", declared.folder, manifest)
        else change
        for change in changes
    ]


def _is_unsealed(change: Change) -> bool:
    """Tell whether another content is overwritten by one that holds no seal."""
    overwrites = change.old is not None and change.new is not None and change.old != change.new
    return overwrites and is_edited(change.new or b"") is None
