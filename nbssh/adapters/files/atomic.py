"""The steps of an atomic write: folder, temporary file, flush, backup. No decisions, no locks, no rollback.

Every function raises OSError as the system gave it; `nbssh.adapters.files.writer` says it in words.
"""

# System calls under their own names; a path object would only wrap them.
# ruff: noqa: PTH101, PTH102, PTH112, PTH114, PTH116, PTH118, PTH120, PTH123, PTH208

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.this_system import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable

# A dot file that does not end in .conf: matched by no `Include nbssh.d/*.conf`, shown by no completion.
_SUFFIX = ".nbssh-tmp"
_NO_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_MADE = ".folders"  # in the state folder; on a shared home no profile has such a name
_BACKUPS_KEPT = 10  # for each path: the first, which is what the user had before nbssh, and the latest


def temporary(target: str) -> str:
    """Return a fresh name beside `target`."""
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:100]}.{os.urandom(4).hex()}{_SUFFIX}")


def leftovers(folder: str) -> list[str]:
    """Return the temporary files in a folder; under the lock they are those of a run that was killed."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.startswith(".") and name.endswith(_SUFFIX)]


def make_folders(path: str, made: list[str], state: str) -> None:
    """Make a folder and its missing parents, 0700 whatever the umask; what was made is appended to `made`.

    It is noted in the folder `state`, so that `uninstall` knows what was not there before us; below that all is ours.
    """
    own: list[str] = []
    try:
        _make_folders(path, own, state)
    except OSError:
        take_back_folders(own, state)
        raise
    finally:
        made += own


def _make_folders(path: str, made: list[str], state: str) -> None:
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        _make_folders(parent, made, state)
    # Before the fact, so that an interrupt or a kill in between is undone too; the state folder itself right after it.
    made.append(path)
    if noted := os.path.isdir(state) and not path.startswith(os.path.join(state, "")):
        _note([path], state)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        made.remove(path)
        if noted:
            _keep_noted([path], state)
        if not os.path.isdir(path):
            raise
    else:
        os.chmod(path, 0o700)
        SYSTEM.restrict(path, folder=True)
    if path == state:
        _note(made, state)
    SYSTEM.flush_folder(parent)


def _note(paths: list[str], state: str) -> None:
    paths = [path for path in paths if path not in _noted(state)]
    with open(os.path.join(state, _MADE), "ab", opener=_private) as file:
        file.write(_lines(paths))


def _lines(paths: list[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def made_folders(state: str) -> list[str]:
    """Return the folders that nbssh made here, those below others first."""
    return sorted(_noted(state), key=len, reverse=True)


def _noted(state: str) -> list[str]:
    noted = _content(os.path.join(state, _MADE)) or b""
    return [os.fsdecode(path) for path in noted.split(b"\0") if path]


def take_back_folders(made: list[str], state: str) -> None:
    """Remove folders that were just made, where nobody else uses them already; they are ours no more."""
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            SYSTEM.rmdir(folder)
    if gone := [folder for folder in made if not os.path.isdir(folder)]:
        _keep_noted(gone, state)


def _keep_noted(but: list[str], state: str) -> None:
    """Note all that were noted `but` these; on a full disk they stay noted."""
    kept = [folder for folder in _noted(state) if folder not in but]
    staged = temporary(os.path.join(state, _MADE))
    with contextlib.suppress(OSError):
        try:
            write_new(staged, _lines(kept), 0o600)
            SYSTEM.replace(staged, os.path.join(state, _MADE))
        finally:
            remove_if_there([staged])


def forget_folders(state: str) -> None:
    """Delete what tells of the folders that were made."""
    remove_if_there([os.path.join(state, _MADE)])


def write_new(path: str, data: bytes, mode: int, like: str | None = None) -> None:
    """Make the file `path`, which must not exist: mode first, then data, flushed to the disk.

    `like` names a file whose group and extended attributes (ACLs, SELinux label) are taken over where
    we may.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    fd = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600)
    try:
        SYSTEM.restrict(path)
        if like is not None:
            SYSTEM.take_over(fd, like)
        SYSTEM.set_mode(fd, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def keep(path: str, kept: str) -> bool:
    """Give a file a second name, so that putting it back needs no space; False where that is impossible."""
    try:
        os.link(path, kept, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_HARD_LINKS:
            return False
        raise
    except NotImplementedError:  # follow_symlinks on some systems
        return False
    return True


def remove_if_there(paths: Iterable[str]) -> None:
    """Remove files, those that are gone already included."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            SYSTEM.unlink(path)


def back_up(path: str, data: bytes, backups: str) -> str:
    """Keep `data`, the content of `path`, in the folder `backups`; return the backup's name.

    `/home/me/.ssh/config` becomes `%home%me%.ssh%config.0001` (0600), numbers count up. The same
    content twice in a row makes one backup; the first and the latest nine stay.
    """
    make_folders(backups, [], os.path.dirname(backups))
    stem, numbers = _backups_of(path, backups)
    if numbers and _content(latest := os.path.join(backups, f"{stem}.{numbers[-1]:04d}")) == data:
        return latest
    made = free_backup(path, backups)
    staged = temporary(os.path.join(backups, "backup"))
    try:
        write_new(staged, data, 0o600)
        SYSTEM.replace(staged, made)
    finally:
        remove_if_there([staged])
    SYSTEM.flush_folder(backups)
    remove_if_there(os.path.join(backups, f"{stem}.{old:04d}") for old in numbers[1 : 2 - _BACKUPS_KEPT])
    return made


def moves(path: str, folder: str, error: OSError) -> bool:
    """Tell whether `error` is that of a full disk, on which a file can be moved into `folder` all the same."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return full and not os.path.islink(path) and os.stat(path).st_dev == os.stat(folder).st_dev


def free_backup(path: str, backups: str) -> str:
    """Return what the next backup of `path` is called."""
    stem, numbers = _backups_of(path, backups)
    return os.path.join(backups, f"{stem}.{numbers[-1] + 1 if numbers else 1:04d}")


def _backups_of(path: str, backups: str) -> tuple[str, list[int]]:
    """Return how the backups of `path` are called, and their numbers."""
    stem = SYSTEM.file_name(path)  # of a host's file too, HOST:PATH
    if len(stem) > 200:  # noqa: PLR2004  file names end at 255 bytes, and non-ASCII letters take up to four
        import hashlib  # noqa: PLC0415  for few

        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        stem = f"{digest}%{os.path.split(path)[1][-40:]}"
    return stem, sorted(
        int(found[1]) for name in os.listdir(backups) if (found := re.fullmatch(re.escape(stem) + r"\.(\d{4,})", name))
    )


def _content(path: str) -> bytes | None:
    """Return what a regular file holds, None if that cannot be said."""
    try:
        with open(path, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None
