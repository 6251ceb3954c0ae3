"""Looks at files and folders without opening what could hang: kinds, modes, owners. Changes nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal, NamedTuple

from nbssh.adapters.files import access, atomic
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError

Kind = Literal["file", "folder", "fifo", "socket", "other", "dangling"]


class Entry(NamedTuple):
    """One directory entry; links are followed. `mode` are permission bits, `ours` is ours to say."""

    place: str
    name: str
    kind: Kind
    mode: int
    ours: bool

    @property
    def path(self) -> Path:
        """Where it is; slow to make, and to take apart, for each of a thousand."""
        return Path(self.place)

    @property
    def readable(self) -> bool:
        """We may read it."""
        return os.access(self.place, os.R_OK)

    @property
    def suffix(self) -> str:
        """The end of its name, as a path has it."""
        dot = self.name.rfind(".")
        return self.name[dot:] if dot > 0 else ""

    @property
    def stem(self) -> str:
        """Its name without that."""
        return self.name.removesuffix(self.suffix)


def entry(path: Path) -> Entry | None:
    """Return what is at `path`, None if there is nothing."""
    return _entry(str(path), path.name)


def _entry(place: str, name: str) -> Entry | None:
    try:
        found = os.stat(place)  # noqa: PTH116  as above
    except OSError:
        return Entry(place, name, "dangling", 0, ours=True) if os.path.islink(place) else None  # noqa: PTH114
    mode = SYSTEM.mode(found)
    # without permission bits an access list says who may what
    return Entry(place, name, _kind(found.st_mode), 0o600 if mode is None else mode, SYSTEM.is_trusted(found))


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
            names = sorted(os.listdir(folder))  # noqa: PTH208  a thousand paths are slow
    except NbsshError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return []
        raise
    return [found for name in names if (found := _entry(f"{folder}{os.sep}{name}", name))]


def temporary_files(folders: list[Path]) -> list[str]:
    """Return what killed runs left in `folders`."""
    return [path for folder in folders for path in atomic.leftovers(str(folder))]
