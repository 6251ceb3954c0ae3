"""The one error type that users see, and the exit codes. Imports nothing of ours."""

from __future__ import annotations

import enum
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exit(enum.IntEnum):
    """Exit codes of every nbssh command; ssh's own status passes through where a command is ssh's."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    OUT_OF_DATE = 3
    BUG = 70  # EX_SOFTWARE in sysexits(3)
    INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


class NbsshError(Exception):
    """An expected failure: what went wrong, naming the thing, and what to run or change next.

    Both texts are lower case and have no full stop; the printer puts `nbssh: error:` and `nbssh: hint:` in front.
    """

    def __init__(self, message: str, hint: str = "", *, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


_REFUSED = 1  # how a script of ours ends on a host once it has said why, with a hint


class SaidError(NbsshError):
    """A failure that the host has told already, on the user's terminal, with the way out: ours would only follow."""


def of_a_script(status: int, message: str) -> NbsshError:
    """Return the failure of a script of ours on a host, which wrote to the user's terminal and ended with `status`."""
    return (SaidError if status == _REFUSED else NbsshError)(message, "its message is above")


def of_the_machine(error: BaseException, hints: Mapping[int, str]) -> NbsshError | None:
    """Return what is said where this machine itself is at its end (a full disk, no memory), None for anything else.

    No bug of ours, wherever it is met: what is only written on the way to an answer needs room, too. `hints` are those
    of the system, by errno.
    """
    if not isinstance(error, OSError):
        return None
    # tempfile's own: it writes into each folder that it knows, and says so where none can be written
    if error.errno == errno.ENOENT and error.filename is None and error.strerror != os.strerror(errno.ENOENT):
        return NbsshError(str(error.strerror), f"set TMPDIR to a folder that can be written, or {hints[errno.ENOSPC]}")
    if not (hint := hints.get(error.errno or 0)):
        return None
    where = f": {error.filename}" if error.filename else ""
    return NbsshError(f"{error.strerror}{where}", hint)
