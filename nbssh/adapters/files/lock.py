"""The lock that lets one nbssh at a time write files. What is written under it is none of its business."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from nbssh.adapters.files.atomic import make_folders
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT = 10.0  # seconds; a plan is applied within one, a check callback runs ssh -G


@contextlib.contextmanager
def held(path: Path, wait: float = WAIT) -> Iterator[None]:
    """Hold the lock file `path` for the time of the block; wait at most `wait` seconds for another process.

    The lock ends with the process that holds it, however that ends. Raises NbsshError naming the holder.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  only writing needs it

    try:
        make_folders(str(path.parent), [], str(path.parent))
        lock = FileLock(path, mode=0o600)
        lock.acquire(timeout=wait)
    except Timeout:
        raise NbsshError(
            f"another nbssh{_holder(path)} is writing files and did not finish within {wait:g} s",
            f"wait for it or end it, then run this again; the lock is {path}",
        ) from None
    except OSError as error:
        raise NbsshError(
            f"cannot lock {path}: {(error.strerror or str(error)).lower()}",
            f"make {path.parent} a directory that you can write to",
        ) from error
    try:
        # For the message above alone, which has no number where that is forbidden (some systems lock the bytes).
        with contextlib.suppress(OSError):
            path.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        pid = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" (process {pid})" if pid.isdigit() else ""
