"""The file system as ssh sees it when it reads Include lines. It never writes; what fails is "not there"."""

# The glob of C and ssh work on plain text.
# ruff: noqa: PTH111, PTH207

from __future__ import annotations

import dataclasses
import glob
import os
import re
from typing import TYPE_CHECKING

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
        """Find paths as the glob of C does with GLOB_TILDE; sorted."""
        if pattern == "~" or pattern.startswith("~/"):
            pattern = glob.escape(self.home) + pattern[1:]
        elif pattern.startswith("~"):
            user, slash, rest = pattern.partition("/")
            pattern = glob.escape(os.path.expanduser(user)) + slash + rest
        # Python's glob knows no backslash: `\*` is `[*]` there, `\a` just `a`.
        pattern = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), pattern)
        try:
            return sorted(map(SYSTEM.with_slashes, glob.glob(pattern)))
        except (OSError, ValueError, re.error):
            return []

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if it cannot be read."""
        try:
            return read(path)
        except (NbsshError, ValueError):
            return None

    def real(self, path: str) -> str:
        """Return the path with all symbolic links resolved."""
        try:
            return SYSTEM.with_slashes(os.path.realpath(path))
        except (OSError, ValueError):
            return path
