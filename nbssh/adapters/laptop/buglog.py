"""The log of bugs: each a report in Markdown, ready to paste, with what is needed to understand it and no secret.

Written when something is broken already: whatever cannot be found out is said to be unknown.
"""

from __future__ import annotations

import os
import stat
import traceback
from typing import TYPE_CHECKING

from nbssh.adapters.files import atomic
from nbssh.adapters.laptop.about import about, known
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core import masked
from nbssh.core.markdown import fenced
from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOG_BYTES = 256 * 1024  # a report that would make the log longer starts it again
REPORT_CHARACTERS = 32 * 1024  # of a traceback: its first and its last half
_ODD = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def described(error: BaseException) -> str:
    """Return `error` in one line, whatever its own words are: they may be endless, or fail themselves."""
    said = known(lambda: printable(masked.text(str(error).strip()), 300))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def report(error: BaseException, arguments: Sequence[str]) -> str:
    """Return the report of `error`, which the command `nbssh ARGUMENTS` ran into. Never raises."""
    text = known(lambda: _shortened(masked.text("".join(traceback.format_exception(error)))))
    command = known(lambda: printable(SYSTEM.spoken(["nbssh", *masked.words(arguments)]), REPORT_CHARACTERS // 8))
    return f"{about(type(error).__name__)}\n{fenced('console', f'$ {command}', text)}\n"


def append(path: Path, text: str) -> None:
    """Append `text` to the log, which only its owner can read, all of it or nothing. Raises OSError."""
    atomic.make_folders(str(path.parent), [], str(path.parent))
    data = text.encode("utf-8", "backslashreplace")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | _ODD, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is no regular file")
        SYSTEM.set_mode(descriptor, 0o600)
        size = found.st_size if found.st_size + len(data) <= LOG_BYTES else 0
        os.ftruncate(descriptor, size)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            os.ftruncate(descriptor, size)  # half a report helps nobody
            raise
    finally:
        os.close(descriptor)


def _shortened(text: str) -> str:
    half = REPORT_CHARACTERS // 2
    return text if len(text) <= 2 * half else f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"
