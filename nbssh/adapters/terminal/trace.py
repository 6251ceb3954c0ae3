"""What `-v` shows on stderr: every program, file and step, with its time. Shows names, never a content.

One switch for the whole process. Off, it costs a comparison; on, it must not change what is done: a terminal that is
gone or full is no error here.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.terminal import screen
from nbssh.core import masked
from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_SECONDS = 20.0  # a program that may run for longer is shown when it starts, too: it may ask, or hang


@dataclass
class _Switch:
    on: bool = False


_switch = _Switch()


def show() -> None:
    """Show everything from here on."""
    _switch.on = True


class Program:
    """One program from its start to its end. `seconds` is its time limit, None where it has none.

    Set `limit` to what ended it, `left` if it goes on by itself.
    """

    def __init__(self, command: Sequence[str], seconds: float | None) -> None:
        self.limit = ""
        self.left = False
        self._began = time.monotonic()
        self._shown = SYSTEM.spoken(masked.words(command)) if _switch.on else ""
        if seconds is None or seconds > LONG_SECONDS:
            _say(f"run: {self._shown} (started)")

    def ended(self, status: int | None) -> None:
        """Show how it ended: its status, minus a signal's number as Popen has it, None if that is not known."""
        how = "not known how" if status is None else f"status {status}" if status >= 0 else f"signal {-status}"
        if self.limit:
            how += f", {self.limit} limit"
        _say(f"run: {self._shown} ({'left running' if self.left else f'{_since(self._began)}, {how}'})")

    def failed(self, reason: str) -> None:
        """Show that it could not be started."""
        _say(f"run: {self._shown} (not started: {reason})")


class Step:
    """One step from here to `ended`; `step` is the same as a block."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()

    def ended(self, how: str = "") -> None:
        """Show its time and, if it did not go well, how it ended."""
        _say(f"step: {self._name} ({_since(self._began)}{how})")


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Show the time that the block takes."""
    begun, how = Step(name), ", failed"
    try:
        yield
        how = ""
    finally:
        begun.ended(how)


def file(action: str, name: str, mode: int | None = None) -> None:
    """Show what happened to a file: `create`, `change`, `mode`, `delete`, and where; on a host as HOST:PATH."""
    _say(f"file: {action} {name}" + (f" (mode {mode:04o})" if mode is not None else ""))


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.3f} s"


def _say(line: str) -> None:
    if _switch.on:
        with contextlib.suppress(OSError, ValueError):
            # one write: threads do not get into each other's lines
            screen.write(sys.stderr, f"nbssh: {printable(line)}\n")
            sys.stderr.flush()
