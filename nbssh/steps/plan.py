"""From declarations to the one Plan: what is, against what should be, here and on the hosts. Changes nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.adapters.laptop import store
from nbssh.adapters.terminal import trace
from nbssh.core import way
from nbssh.core.files import app_files, laptop_files, server_files, server_record
from nbssh.core.files.change import AT_NEXT_START, EXECUTABLE, NEVER_SHOWN, PRIVATE, Change, File, Kind, is_edited
from nbssh.core.profile.app import is_jupyter
from nbssh.steps import blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nbssh.core.profile.declared import Declared
    from nbssh.steps.profiles import Target
    from nbssh.steps.server_files import Present


def local_changes(target: Target) -> tuple[list[Change], tuple[str, ...]]:
    """Return what makes the local files of a profile right, and what its alias cannot express.

    Secrets come first, the file that ssh reads last.
    """
    name, profile, secret, paths = target.name, target.profile, target.secret, target.paths
    own_key, leads_on = target.way.own_key, target.way.leads_on
    with trace.step(f"make the aliases of {name} equal to {profile.destination}"):
        aliases, unexpressed = blocks.wanted(target)
    toml = writer.read(paths.profile(name))
    profile_text = store.text_of(name, profile, toml.decode("utf-8", "replace") if toml is not None else None)
    opener = laptop_files.opener(str(paths.secrets_dir), paths.system.client)
    wanted = [
        File(
            str(paths.laptop),
            f"{target.declared.laptop}\n",
            PRIVATE,
            "what this laptop is called on its hosts",
            kind=Kind.LAPTOP,
        ),
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
        File(str(paths.conf(name)), aliases, PRIVATE, f"aliases of '{name}'", kind=Kind.ALIASES),
    ]
    if own_key:
        wanted.insert(
            1, File(str(paths.key(name)), secret.key, PRIVATE, f"ssh key of '{name}'", secret=True, kind=Kind.KEY)
        )
    if leads_on:
        known = way.known_hosts(name, profile.server.host_keys if profile.server else [])
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
        gone = (paths.redirect(name), paths.redirect_once(name))
        changes += deletions(dict.fromkeys(gone, Kind.REDIRECT), "no token any more")
    if not own_key:
        changes += deletions({paths.key(name): Kind.KEY}, "no sshd asks for it any more")
    if not leads_on:
        changes += deletions({paths.known_hosts(name): Kind.KNOWN_HOSTS}, "sessions end at the destination now")
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


def remote_changes(declared: Declared, present: Present) -> list[Change]:
    """Return what makes the program and the files on the host right; what else lies there is left alone."""
    if declared.profile.server is None:
        return []
    data, where, files = declared.folder, declared.profile.destination, present.files
    lists = present.lists(data)
    changes = [server_files.program_change(declared, present.program(declared))]
    newer = server_record.is_newer(files, data)
    for file in server_files.remote_files(declared):
        if newer and file.kind in AT_NEXT_START:
            continue
        change = _change(file, *files.get(file.path, (None, None)), where=where)
        if _is_unsealed(change) and file.kind is Kind.JUPYTER_CONFIG:
            edited = server_files.is_unlisted(change.path, change.old or b"", data, lists)
            change = dataclasses.replace(change, edited=edited)
        changes.append(change)
    return [*changes, *_old_files(declared, present), *_unused_config(declared, present, lists)]


def _old_files(declared: Declared, present: Present) -> list[Change]:
    """Return what deletes the scripts that nbssh 0.1 had in the profile's folder: no alias names them any more.

    Those of another laptop may: what was not deleted when this one registered itself is not ours to delete.
    """
    changes: list[Change] = []
    if server_files.registration(declared).path in present.files:
        return changes
    for name in sorted(server_files.OLD_FILES):
        path = f"{declared.folder}/{name}"
        old, mode = present.files.get(path, (None, None))
        edited = is_edited(old) if old is not None else None
        if edited is not None:  # one without our seal is none of ours
            where = declared.profile.destination
            changes.append(Change(path, old, None, PRIVATE, mode, "of nbssh 0.1", where=where, edited=edited))
    return changes


def _unused_config(declared: Declared, present: Present, lists: Sequence[bytes]) -> list[Change]:
    """Return what deletes the configuration of what ran before: a Jupyter of our own, an app."""
    changes: list[Change] = []
    unused = server_files.config_paths(declared.folder) if declared.profile.adopt else []
    if is_jupyter(declared.profile.app):
        unused += app_files.paths(declared.folder)
    for path in unused:
        old, mode = present.files.get(path, (None, None))
        if old is not None:
            edited = server_files.is_unlisted(path, old, declared.folder, lists)
            where, why = declared.profile.destination, "what runs now does not read it"
            changes.append(
                Change(path, old, None, PRIVATE, mode, why, where=where, secret=True, masked=True, edited=edited,
                       kind=Kind.JUPYTER_CONFIG)
            )  # fmt: skip
    return changes


def _is_unsealed(change: Change) -> bool:
    """Tell whether another content is overwritten by one that holds no seal."""
    overwrites = change.old is not None and change.new is not None and change.old != change.new
    return overwrites and is_edited(change.new or b"") is None
