"""Where a path leads, whether we may write there, and a failure of the system in words. Writes nothing."""

# System calls under their own names; a path object would only wrap them.
# ruff: noqa: PTH112, PTH114, PTH116, PTH118, PTH120

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from nbssh.adapters.files import atomic
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def resolve(path: str) -> str:
    """Return where a path leads with all symbolic links followed; the last may dangle, but not go round."""
    target = os.path.realpath(path)
    if os.path.islink(target):
        raise NbsshError(f"{path} is a symbolic link that leads to itself", f"look at it with: {SYSTEM.to_look(path)}")
    if os.path.islink(path) and not os.path.isdir(os.path.dirname(target)):
        # A disk that is not mounted, perhaps: making its folders would hide what is on it.
        raise NbsshError(
            f"{path} points to {target}, whose folder does not exist",
            "make that folder, or remove the link, then run this again",
        )
    return target


def unlinked(path: str) -> str:
    """Return the path with the links of its folder followed, but not its own: what unlink(2) takes."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def refuse_foreign(target: str) -> None:
    """Refuse a file or folder that is not ours to write; a rename would silently ignore the file's mode."""
    folder = os.path.dirname(target)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    for path in (folder, target):
        try:
            with in_words("write", path):
                found = os.stat(path) if path == folder else os.lstat(path)
        except NbsshError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue
            raise
        _refuse_owner(path, found)
        if stat.S_ISLNK(found.st_mode):
            continue
        if not found.st_mode & stat.S_IWUSR or not os.access(path, os.W_OK):
            mode = stat.S_IMODE(found.st_mode)
            raise NbsshError(
                f"{path} is read-only (mode {mode:04o})", f"{SYSTEM.to_make_writable(path)}, then run this again"
            )


def _refuse_owner(path: str, found: os.stat_result) -> None:
    owner = SYSTEM.strange_owner(found)
    if owner is None:
        return
    raise NbsshError(
        f"{path} belongs to user {owner}, not to you (user {os.geteuid()})",
        "run nbssh as that user, without sudo, or give the file to yours with chown",
    )


def refuse_linked(target: str) -> None:
    """Refuse a file that has more names than one (hard links): a new file would leave the others with the old text."""
    try:
        found = os.lstat(target)
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        return
    ours = 0  # names that a run which was killed, or is at work, has beside it
    for path in atomic.leftovers(os.path.dirname(target)):
        with contextlib.suppress(OSError):
            ours += os.path.samestat(os.lstat(path), found)
    if found.st_nlink - ours > 1:
        raise NbsshError(
            f"{target} has {found.st_nlink - ours} names (hard links), and the others would keep the old text",
            f"find them with: find ~ -samefile {target}",
        )


@contextlib.contextmanager
def in_words(verb: str, path: Path | str) -> Iterator[None]:
    """Turn an OSError of the block into "cannot VERB PATH: reason", with what to do about it."""
    try:
        yield
    except OSError as error:
        raise explained(verb, path, error) from error


def explained(verb: str, path: Path | str, error: OSError) -> NbsshError:
    """Return "cannot VERB PATH: reason", with what to do about it."""
    hints = {
        errno.ENOSPC: "make room on the disk, then run this again",
        errno.EDQUOT: "make room in your quota, then run this again",
        errno.EROFS: "the file system is mounted read-only",
        errno.ELOOP: f"look at the symbolic links with: {SYSTEM.to_look(path)}",
    }
    reason = (error.strerror or str(error)).lower()
    hint = hints.get(error.errno or 0, f"look at its owner and mode with: {SYSTEM.to_look(path)}")
    return NbsshError(f"cannot {verb} {path}: {reason}", hint)
