"""The only way to stdout and stderr: whatever is written is cleaned here, so that no caller can forget it.

A host, a log or a file must not move the cursor, set a title, fill the clipboard or hide text. Colours are put on
afterwards, by `paint`. Decides nothing else.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import sys
import threading
from typing import TYPE_CHECKING, TextIO

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.core.text import cleaned, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# IND and RI scroll where the cursor is at the bottom; the position is kept, IL moves the line down, then the cursor
_ABOVE = "\x1bD\x1bM\x1b7\r\x1b[L{}\x1b8\x1bD"
END_SECONDS = 2.0  # for the last words of a program, where a pipe cannot be waited for


def write(stream: TextIO, text: str, *, paint: Callable[[str], str] | None = None) -> None:
    """Write `text`, cleaned; `paint` colours each line of it, without its end."""
    lines = cleaned(text).split("\n")
    stream.write("\n".join(paint(line) if paint and line else line for line in lines))


def write_above(stream: TextIO, line: str) -> None:
    """Write `line`, cleaned, above the cursor's, where another program may have asked something and wait.

    Without a terminal that can, and where the line does not fit into a row, it is written as any other.
    """
    text, room = printable(line), 0
    with contextlib.suppress(OSError, ValueError):
        if os.environ.get("TERM", "dumb") != "dumb" and stream.isatty():
            room = os.get_terminal_size(stream.fileno()).columns
    # twice: a character may take two cells
    if len(text) * (1 if text.isascii() else 2) < room:
        stream.write(_ABOVE.format(text))
    else:
        stream.write(f"{text}\n")
    stream.flush()


class Pieces:
    """Bytes of a program, cleaned piece by piece as they come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = ""

    def cleaned(self, data: bytes, *, final: bool = False) -> str:
        """Return what can be shown by now: up to two CRs are kept back until their LF comes.

        ssh ends its own lines with CR LF, and a terminal makes CR CR LF of it.
        """
        text = self._kept + self._decoder.decode(data, final)
        shown = text if final else re.sub(r"\r{1,2}\Z", "", text)
        self._kept = text[len(shown) :]
        return "\n".join(map(printable, re.split(r"\r{0,2}\n", shown)))


@contextlib.contextmanager
def relay() -> Iterator[int]:
    """Yield a descriptor for a program's stderr: what the program writes there is shown at once, cleaned.

    It is a terminal where our stderr is one: ssh tells of a key to be touched on a terminal alone (readpass.c).
    """
    ours, theirs = _pair()
    stop, stopped = os.pipe()
    thread = threading.Thread(target=_show, args=(ours, stop), daemon=True)
    thread.start()
    try:
        yield theirs
    finally:
        if not SYSTEM.waits_for_pipes:
            os.close(theirs)  # the end, unless somebody else holds the pipe
        os.close(stopped)
        thread.join(END_SECONDS)
        if not thread.is_alive():
            for descriptor in (ours, stop):
                os.close(descriptor)
        if SYSTEM.waits_for_pipes:
            os.close(theirs)


def _pair() -> tuple[int, int]:
    if SYSTEM.waits_for_pipes and sys.stderr.isatty():
        import tty  # noqa: PLC0415  not every system has one

        with contextlib.suppress(OSError):  # all terminals are in use
            ours, theirs = os.openpty()
            tty.setraw(theirs)
            return ours, theirs
    return os.pipe()


def _show(ours: int, stop: int) -> None:
    """Show what comes, until `stop` has an end and all that had come by then is shown."""
    pieces, final = Pieces(), False
    while not final:
        data = b""
        if not SYSTEM.waits_for_pipes:
            with contextlib.suppress(OSError):
                data = os.read(ours, 65536)
            final = not data
        else:
            ready, _, _ = select.select([ours, stop], [], [])
            if ours in ready:
                with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
                    data = os.read(ours, 65536)
            final = not data
        with contextlib.suppress(OSError, ValueError):  # our own stderr has gone
            sys.stderr.write(pieces.cleaned(data, final=final))
            sys.stderr.flush()
