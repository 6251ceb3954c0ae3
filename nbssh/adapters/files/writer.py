"""Writes the local files that stay, all but lock and log: every change of a plan or none, each file whole at all times.

Symbolic links stay, modes, groups and extended attributes too; what is not ours is backed up first.
Decides nothing about contents: those come with the Change.
"""

# System calls under their own names; a path object would only wrap them.
# ruff: noqa: PTH101, PTH110, PTH120

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
from typing import TYPE_CHECKING

from nbssh.adapters.files import access, atomic, swap, tidy
from nbssh.adapters.files.lock import WAIT, held
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.terminal import trace
from nbssh.core.files.change import is_edited
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nbssh.core.files.change import Change


class ChangedError(NbsshError):
    """A file is no longer what its Change says: somebody else wrote it since it was looked at."""


def read(path: Path | str, *, limit: int = -1) -> bytes | None:
    """Return a regular file's content, None only if there is none; any other failure is an NbsshError."""
    return snapshot(path, limit=limit)[0]


def snapshot(path: Path | str, *, limit: int = -1) -> tuple[bytes | None, int | None]:
    """Return a regular file's content and permission bits, (None, None) if there is no such file.

    Symbolic links are followed; a dangling one counts as no file. "Permission denied", "is a
    directory", a loop of links and the like are errors: otherwise they would look like an empty file, and
    be overwritten. So is a file of more than `limit` bytes, if that is not negative.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    with access.in_words("read", path):
        try:
            fd = os.open(path, flags)  # non-blocking: a FIFO would wait for its writer for ever
        except FileNotFoundError:
            return None, None
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise NbsshError(f"{path} is no regular file", "move it out of the way, then run this again")
            data, some = b"", max(found.st_size, 4096)  # it may grow, or not tell its size
            some = min(some, limit + 1) if limit >= 0 else some
            while (limit < 0 or len(data) <= limit) and (more := os.read(fd, some)):
                data += more
        finally:
            os.close(fd)
        if 0 <= limit < len(data):
            raise NbsshError(f"{path} has more than {limit >> 10} KiB", f"look at what it is: {SYSTEM.to_look(path)}")
        return data, SYSTEM.mode(found)


def apply_changes(
    changes: Sequence[Change],
    *,
    lock: Path,
    backups: Path,
    check: Callable[[Change, str], None] | None = None,
    live: Callable[[], None] | None = None,
    wait: float = WAIT,
) -> list[str]:
    """Apply local changes in their order and return the paths written; nothing to do writes nothing at all.

    `check(change, candidate)` is called for every file with the path of its finished temporary file,
    before it is renamed; `live()` once after the last. What they raise, as any failure and Ctrl-C,
    undoes all changes of this call. A file that no longer is what its Change says (`old`, `old_mode`)
    is left alone: "changed meanwhile". `wait` is in seconds. Raises NbsshError.
    """
    if any(change.where for change in changes):
        raise ValueError("remote changes are not for this writer")
    tidy.sweep({os.path.dirname(os.path.realpath(change.path)) for change in changes}, lock=lock, wait=wait)
    todo = [change for change in changes if change.real]
    if not todo:
        return []
    with held(lock, wait):
        steps: list[_Step] = []
        try:
            for change in todo:
                steps.append(_Step(change))
                steps[-1].take(str(lock.parent), str(backups), check)
                steps[-1].tell()
            if live is not None:
                live()
            for step in steps:
                step.refuse_overtaken()
        except BaseException as error:
            _undo(steps, error)
            raise
        with SYSTEM.uninterrupted():
            for step in steps:
                with contextlib.suppress(OSError):  # all is written; the next sweep takes what is left
                    step.tidy()
    return [change.path for change in todo]


def back_up(name: str, data: bytes, *, lock: Path, backups: Path) -> str:
    """Keep `data`, what `name` (a path, or HOST:PATH) held, among the backups; return the backup's path."""
    with held(lock), access.in_words("write", backups):
        kept = atomic.back_up(name, data, str(backups))
    trace.file("back up", kept, 0o600)
    return kept


@dataclasses.dataclass(slots=True)
class _Step:
    """One change under way, and what undoes it. Every field is set before the fact that it speaks of."""

    change: Change
    state: str = ""
    target: str = ""
    staged: str = ""
    kept: str = ""
    backup: str = ""
    folders: list[str] = dataclasses.field(default_factory=list)
    replacing: bool = False
    remoding: bool = False
    moves: bool = False
    told: bool = False

    def take(self, state: str, backups: str, check: Callable[[Change, str], None] | None) -> None:
        self.state, change = state, self.change
        # Deleting takes the link and leaves what it points to, as rm does.
        self.target = access.resolve(change.path) if change.new is not None else access.unlinked(change.path)
        access.refuse_foreign(self.target)
        if change.new not in {None, change.old} and self._is_hers():
            access.refuse_linked(self.target)
        self._refuse_changed()
        with access.in_words("write", self.target):
            if change.old is not None and change.old == change.new:
                self.remoding = True
                os.chmod(self.target, change.mode)
                return
            atomic.make_folders(os.path.dirname(self.target), self.folders, state)
            if change.old is not None and self._is_hers():
                self._back_up(change.old, backups)
            if change.new is not None:
                self.staged = atomic.temporary(self.target)
                like = None if change.old is None else self.target
                atomic.write_new(self.staged, change.new, change.mode, like)
        if change.new is not None and check is not None:
            check(change, self.staged)
        self._refuse_changed()
        with access.in_words("write", self.target):
            self._replace()

    def _back_up(self, data: bytes, backups: str) -> None:
        """Keep what is hers among the backups; on a full disk what is to be deleted is moved there itself."""
        try:
            self.backup = atomic.back_up(self.target, data, backups)
        except OSError as error:
            if self.change.new is not None or not atomic.moves(self.target, backups, error):
                raise
            self.backup, self.moves = atomic.free_backup(self.target, backups), True

    def tell(self) -> None:
        """Show, where it is asked for, what was written."""
        self.told = True
        for folder in self.folders:
            trace.file("create", folder + os.sep, 0o700)
        if self.backup:
            trace.file("back up", self.backup, 0o600)
        trace.file(self.change.action, self.target, None if self.change.new is None else self.change.mode)

    def _replace(self) -> None:
        if self.change.new is None:
            self.kept = self.backup if self.moves else atomic.temporary(self.target)
            SYSTEM.rename(self.target, self.kept)
        else:
            self.replacing = True
            if self.change.old is None:
                self._put()
            elif not swap.exchange(self.staged, self.target):
                self._overwrite()
        SYSTEM.flush_folder(os.path.dirname(self.target))
        self.refuse_overtaken()

    def _put(self) -> None:
        """Give the new file its name, which was free when we looked."""
        try:
            if not swap.rename_to_free(self.staged, self.target):
                SYSTEM.replace(self.staged, self.target)
        except FileExistsError:
            raise self._changed() from None

    def _overwrite(self) -> None:
        """Rename over the old file where the two cannot be swapped; keep it under a second name."""
        self.kept = atomic.temporary(self.target)
        if not atomic.keep(self.target, self.kept):
            self.kept = ""
        elif not os.path.samestat(os.lstat(self.target), os.lstat(self.kept)):
            raise self._changed()
        SYSTEM.replace(self.staged, self.target)

    def _taken_out(self) -> str:
        """Return the path of what was at the target until now; empty where nothing is kept of it."""
        if self.kept and os.path.lexists(self.kept):
            return self.kept
        swapped = self.replacing and os.path.lexists(self.staged) and read(self.staged) != self.change.new
        return self.staged if swapped else ""

    def refuse_overtaken(self) -> None:
        """Raise if what came out is not what we looked at: somebody saved the file between our look and the rename."""
        path = "" if self.remoding else self._taken_out()
        if path and read(path) != self.change.old:
            raise self._changed()

    def _is_hers(self) -> bool:
        """Tell whether there is a file that is not ours alone."""
        change = self.change
        return change.old is not None and not change.secret and is_edited(change.old) is not False

    def _changed(self) -> ChangedError:
        return ChangedError(f"{self.change.path} changed meanwhile, nothing written", "run this again")

    def _refuse_changed(self) -> None:
        data, mode = snapshot(self.change.path)
        wanted = self.change.old_mode
        same_mode = wanted is None or mode is None or mode == wanted
        if data != self.change.old or not same_mode:
            raise self._changed()

    def undo(self) -> None:
        """Put back what was, or raise OSError or NbsshError; harmless for a step that never began."""
        change = self.change
        theirs = False  # somebody's newer content is worth more than our order
        if self.remoding and change.old_mode is not None:
            os.chmod(self.target, change.old_mode)
        elif change.new is None and self.kept and os.path.lexists(self.kept):
            theirs = os.path.lexists(self.target)
            if not theirs:
                SYSTEM.replace(self.kept, self.target)
        elif self.replacing and self._is_replaced():
            theirs = read(self.target) != change.new
            if not theirs:
                self._put_back()
        self.tidy()
        atomic.take_back_folders(self.folders, self.state)
        if theirs:
            raise NbsshError(f"{self.target} changed meanwhile")

    def _is_replaced(self) -> bool:
        return not os.path.lexists(self.staged) or read(self.staged) != self.change.new

    def _put_back(self) -> None:
        change = self.change
        if change.old is None:
            SYSTEM.unlink(self.target)
            return
        self.kept = self._taken_out()
        if self.kept == self.staged and swap.exchange(self.staged, self.target):
            if read(self.staged) != change.new:  # saved at this very moment
                swap.exchange(self.staged, self.target)
            SYSTEM.flush_folder(os.path.dirname(self.target))
            return
        if not self.kept:
            self.kept = atomic.temporary(self.target)
            mode = change.mode if change.old_mode is None else change.old_mode
            atomic.write_new(self.kept, change.old, mode, self.target)
        SYSTEM.replace(self.kept, self.target)
        SYSTEM.flush_folder(os.path.dirname(self.target))

    def tidy(self) -> None:
        """Remove what only undoing needs."""
        atomic.remove_if_there(path for path in (self.staged, "" if self.moves else self.kept) if path)


def _undo(steps: list[_Step], error: BaseException) -> None:
    failed: list[str] = []
    with SYSTEM.uninterrupted():
        for step in reversed(steps):
            try:
                step.undo()
            except (OSError, NbsshError) as trouble:
                said = trouble.message if isinstance(trouble, NbsshError) else f"{step.target}: {trouble.strerror}"
                old = next((path for path in (step.backup, step.kept) if path and os.path.exists(path)), "")
                failed.append(f"{said}, its old content is in {old}" if old else said)
    for step in reversed(steps):
        if step.told:
            trace.file("undo", step.target)
    if failed:
        raise NbsshError(
            f"{str(error) or type(error).__name__}; not everything could be put back: {'; '.join(failed)}",
            "look at these files, then run this again",
        ) from error
