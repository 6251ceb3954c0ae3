"""TERM and HUP end nbssh as Ctrl-C does: what was begun is put in order first, and a terminal echoes again."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("SIGTERM", "SIGHUP")  # the second is what a closed terminal sends, where a system has it


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first of these signals; die of it at the end, as who sent it expects.

    A signal that is ignored, as below nohup, stays so.
    """
    came: list[int] = []
    ours: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        # A second TERM ends at once. A second HUP is usual: a shell passes on what the terminal has sent already.
        for each in ours:
            signal.signal(each, signal.SIG_DFL if each == signal.SIGTERM else signal.SIG_IGN)
        raise KeyboardInterrupt

    try:
        with contextlib.suppress(ValueError):  # not in the main thread
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                if signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, end)
                    ours.append(number)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
        for number in came:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):  # the terminal may be gone
                    stream.flush()
            signal.raise_signal(number)
