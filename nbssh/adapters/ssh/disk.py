"""The file system as ssh sees it when it reads Include lines. It never writes.

What is not there is not there; what is there and cannot be read is an error, and never "empty": aliases that are made
meanwhile would lack what it says. Only what another user keeps to himself ssh passes over for good, and so do we.
"""

# The glob of C and ssh work on plain text.
# ruff: noqa: PTH111, PTH112, PTH116, PTH207, PTH208

from __future__ import annotations

import dataclasses
import glob
import os
import re
from typing import TYPE_CHECKING

from nbssh.adapters.files import access
from nbssh.adapters.files.writer import read
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class SshDisk:
    """A `nbssh.core.ssh.include.Disk`; `home` is $HOME, through which ssh expands `~` in Include."""

    home: str

    @classmethod
    def of(cls, home: Path) -> SshDisk:
        """Return the disk whose home is `home`; with slashes, which ssh takes everywhere."""
        return cls(home.as_posix())

    def glob(self, pattern: str) -> list[str]:
        """Find paths as the glob of C does with GLOB_TILDE; sorted. Raises NbsshError where one cannot be listed."""
        if pattern == "~" or pattern.startswith("~/"):
            pattern = glob.escape(self.home) + pattern[1:]
        elif pattern.startswith("~"):
            user, slash, rest = pattern.partition("/")
            pattern = glob.escape(os.path.expanduser(user)) + slash + rest
        # Python's glob knows no backslash: `\*` is `[*]` there, `\a` just `a`.
        pattern = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), pattern)
        try:
            _require_listing(pattern)
            return sorted(map(SYSTEM.with_slashes, glob.glob(pattern)))
        except (ValueError, re.error):
            return []

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no such file. Raises NbsshError where it cannot be read."""
        try:
            return read(path)
        except ValueError:
            return None
        except NbsshError:
            if _is_anothers(path):
                return None
            raise

    def real(self, path: str) -> str:
        """Return the path with all symbolic links resolved."""
        try:
            return SYSTEM.with_slashes(os.path.realpath(path))
        except (OSError, ValueError):
            return path


def _require_listing(pattern: str) -> None:
    """Raise NbsshError if a folder that `pattern` looks through is there and cannot be listed."""
    folder, last = os.path.split(pattern)
    if not folder or folder == pattern:
        return
    _require_listing(folder)
    if not glob.has_magic(last):
        return
    for found in glob.glob(folder) if glob.has_magic(folder) else [folder]:
        try:
            os.listdir(found)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if not (isinstance(error, PermissionError) and _is_anothers(found)):
                raise access.explained("list", found, error) from error


def _is_anothers(path: str) -> bool:
    """Tell whether another user keeps `path` to himself, or it is a folder, which ssh reads no lines from."""
    try:
        found = os.stat(path)
        return os.path.isdir(path) or (SYSTEM.mode(found) is not None and found.st_uid != os.geteuid())
    except PermissionError:  # the folder above it, already
        return True
    except OSError:
        return False
