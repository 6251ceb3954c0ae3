"""What is being edited: from the moment that the editor closed it is a file of its own, until it has been taken up.

So neither a mistake in it, nor a full disk, a dead host or a closed terminal loses what was typed.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.files import access, atomic, tidy, writer
from nbssh.adapters.files.lock import held
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable

BYTES = 1 << 20
LOCK = "lock"  # beside the copy that an editor has, for as long as its nbssh lives


class Draft:
    """The text kept in the file `kept`, if there is one; `put` adds what only editors see, `take` takes it out."""

    def __init__(self, kept: Path, put: Callable[[str], str], take: Callable[[str], str]) -> None:
        self.kept, self._put, self._take_out = kept, put, take

    def read(self) -> bytes | None:
        """Return what is kept, None if nothing is. Raises NbsshError."""
        self._take_up()
        data = writer.read(self.kept, limit=BYTES)
        return None if data is None else _changed(data, self._take_out)

    def edit(self, text: bytes, editor: Callable[[Path], None]) -> bytes:
        """Let `editor` change a private copy of `text` and return what it leaves, which is kept if it is another.

        It is kept whatever the editor raises. Raises NbsshError.
        """
        begin = _changed(text, self._put)
        with access.in_words("write", self.kept.parent):
            atomic.make_folders(str(self.kept.parent), [], str(self.kept.parent.parent))
            folder = Path(tempfile.mkdtemp(prefix=".", dir=self.kept.parent))
        copy = folder / self.kept.name
        is_safe = True
        try:
            with held(folder / LOCK):
                with access.in_words("write", copy):
                    new = folder / "new"  # a half-written one is nobody's words
                    atomic.write_new(str(new), begin, 0o600)
                    new.replace(copy)
                try:
                    editor(copy)
                finally:
                    is_safe = False
                    left = self._take(copy, begin)
                    is_safe = True
        finally:
            if is_safe:
                shutil.rmtree(folder, ignore_errors=True)  # with what an editor put beside it
            self._tidy()
        if left is None:
            raise NbsshError("the editor left no file", "save it under its own name")
        return _changed(left, self._take_out)

    def throw_away(self) -> None:
        """Delete what is kept. Raises NbsshError."""
        with access.in_words("remove", self.kept):
            self.kept.unlink(missing_ok=True)
        self._tidy()

    def _take_up(self) -> None:
        """Keep what the editor of a killed run left, whose lock nobody holds; the newest counts."""
        folders = [folder for folder in self.kept.parent.glob(".*") if folder.is_dir()]
        for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime):
            copy = folder / self.kept.name
            if not copy.exists() and any(folder.glob("*.toml")):
                continue  # another profile's
            with contextlib.suppress(NbsshError, OSError):
                with held(folder / LOCK, wait=0):
                    if copy.exists():
                        copy.replace(self.kept)
                shutil.rmtree(folder, ignore_errors=True)
        self._tidy()

    def _take(self, copy: Path, begin: bytes) -> bytes | None:
        """Move the copy to where it is kept, which needs no room on a disk, unless it is as it was."""
        try:
            left = writer.read(copy, limit=BYTES)
            if left == begin:
                copy.unlink()
            elif left is not None:
                copy.chmod(0o600)  # of an editor that makes a new file at each saving
                copy.replace(self.kept)
        except (OSError, NbsshError) as error:
            reason = error.message if isinstance(error, NbsshError) else error.strerror
            raise NbsshError(f"what you wrote is in {copy}: {reason}", f"move it to {self.kept} or away") from error
        return left

    def _tidy(self) -> None:
        with contextlib.suppress(NbsshError):
            tidy.remove_empty(self.kept.parent)


def _changed(data: bytes, change: Callable[[str], str]) -> bytes:
    """Apply `change` to a text whose bytes may be anything."""
    return change(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
