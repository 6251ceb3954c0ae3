"""A command as it can be typed again, on this system. Starts nothing."""

from __future__ import annotations

import shlex
import subprocess  # only for the quoting of Windows
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spoken(words: Sequence[str]) -> str:
    """Return `words` as one line for the shell; on Windows as its programs split a line themselves."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
