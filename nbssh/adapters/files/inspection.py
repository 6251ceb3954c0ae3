"""Looks at files and folders without opening what could hang: kinds, modes, owners. Changes nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nbssh.adapters.files import access, atomic
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["file", "folder", "fifo", "socket", "other", "dangling"]


@dataclass(frozen=True)
class Entry:
    """One directory entry; links are followed. `mode` are permission bits, `readable` and `ours` are ours to say."""

    path: Path
    kind: Kind
    mode: int
    readable: bool
    ours: bool


def entry(path: Path) -> Entry | None:
    """Return what is at `path`, None if there is nothing."""
    try:
        found = path.stat()
    except OSError:
        return Entry(path, "dangling", 0, readable=False, ours=True) if path.is_symlink() else None
    mode = SYSTEM.mode(found)
    # without permission bits an access list says who may what
    return Entry(
        path,
        _kind(found.st_mode),
        0o600 if mode is None else mode,
        os.access(path, os.R_OK),
        SYSTEM.is_trusted(found),
    )


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "fifo"
    return "socket" if stat.S_ISSOCK(mode) else "other"


def entries(folder: Path) -> list[Entry]:
    """Return what is in `folder`, sorted by name.

    Nothing if the folder is not there. Raises NbsshError where it cannot be read.
    """
    try:
        with access.in_words("list", folder):
            names = sorted(os.listdir(folder))  # noqa: PTH208  a thousand paths are slow to make, and to sort
    except NbsshError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return []
        raise
    return [found for name in names if (found := entry(folder / name))]


def temporary_files(folders: list[Path]) -> list[str]:
    """Return what killed runs left in `folders`."""
    return [path for folder in folders for path in atomic.leftovers(str(folder))]
