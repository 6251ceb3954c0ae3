"""Takes away what nobody needs: files that killed runs left, folders that are empty. Never what somebody wrote."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from nbssh.adapters.files import access, atomic
from nbssh.adapters.files.lock import WAIT, held
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.terminal import trace
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def sweep(folders: Iterable[Path | str], *, lock: Path, wait: float = WAIT) -> list[str]:
    """Remove the temporary files that killed runs left in these folders; locks only if there are any."""
    names = sorted({str(folder) for folder in folders})
    if not any(atomic.leftovers(name) for name in names):
        return []
    with held(lock, wait):
        found = [path for name in names for path in atomic.leftovers(name)]
        for path in found:
            with access.in_words("remove", path):
                atomic.remove_if_there([path])
            trace.file("delete", path)
    return found


@contextlib.contextmanager
def removing_made(state: Path) -> Iterator[None]:
    """Remove the folders that nbssh made, those that are empty; those above `state` when the block has removed that."""
    made, above = atomic.made_folders(str(state)), set(map(str, state.parents))
    _remove_all_empty(folder for folder in made if folder not in above)
    atomic.forget_folders(str(state))
    yield
    _remove_all_empty(folder for folder in made if folder in above)


def _remove_all_empty(folders: Iterable[str]) -> None:
    for folder in folders:
        with contextlib.suppress(NbsshError):  # not hers to change any more
            remove_empty(folder)


def remove(*paths: Path) -> None:
    """Remove files, and folders with all that is in them; what is gone already counts, no symbolic link is followed."""
    for path in paths:
        with access.in_words("remove", path):
            if path.is_dir() and not path.is_symlink():
                remove(*path.iterdir())
                SYSTEM.rmdir(str(path))
            else:
                atomic.remove_if_there([str(path)])


def remove_empty(folder: Path | str) -> bool:
    """Remove a folder if it is empty; say whether it is gone now. A symbolic link to one is left alone."""
    try:
        SYSTEM.rmdir(str(folder))
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY}:
            return False
        raise access.explained("remove", folder, error) from error
    trace.file("delete", f"{folder}{os.sep}")
    return True


def remove_dangling(path: Path) -> None:
    """Remove a symbolic link whose target is not there: with nothing in it there is nothing to delete by a change."""
    if path.is_symlink() and not path.exists():
        with access.in_words("remove", path):
            atomic.remove_if_there([str(path)])
        trace.file("delete", str(path))
