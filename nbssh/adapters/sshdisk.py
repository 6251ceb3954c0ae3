"""The file system as ssh sees it when it reads Include lines. It never writes; what fails is "not there"."""

# The glob of C and ssh work on plain text.
# ruff: noqa: PTH111, PTH207

from __future__ import annotations

import dataclasses
import glob
import os
import re

from nbssh.adapters.files import read
from nbssh.errors import NbsshError


@dataclasses.dataclass(frozen=True)
class SshDisk:
    """A `nbssh.core.userconfig.Disk`; `home` is $HOME, through which ssh expands `~` in Include."""

    home: str

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
            return sorted(glob.glob(pattern))
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
            return os.path.realpath(path)
        except (OSError, ValueError):
            return path
