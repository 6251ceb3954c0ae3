"""Writes a folder of files that belongs to nobody yet: no backup, no lock, no atomic step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbssh.adapters.files import access
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def refuse_used(folder: Path) -> None:
    """Raise if there is something in `folder`, or it is none."""
    try:
        used = any(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise access.explained("list", folder, error) from None
    if used:
        raise NbsshError(f"{folder} is not empty", "name a new folder; only that one is written")


def write(folder: Path, files: Iterable[tuple[str, bytes, int]]) -> None:
    """Write files, as (path below `folder`, content, mode); their folders are 0700 whatever the umask."""
    try:
        for path, data, mode in files:
            file = folder / path
            missing = [each for each in (file.parent, *file.parent.parents) if not each.exists()]
            for each in reversed(missing):
                each.mkdir(0o700)
                each.chmod(0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(data)
            file.chmod(mode)
    except OSError as error:
        raise access.explained("write", folder, error) from None
