"""`ssh NAME-nb` in a pseudo-terminal, as a person runs it; whatever it asks goes to the person in front of us.

The only module that imports pexpect; for `nbssh check` and the demo. Decides nothing: what to wait for is the caller's.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pexpect

from nbssh.adapters.terminal import screen, trace, ui
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A line that does not end, and after which nothing comes, is a question, in whatever language.
QUIET_SECONDS = 1.0
_ERASES = b"\b \b"
_MEMORY = 65536  # bytes of the screen that are searched


class _Seen(BaseException):
    """Ends the person's turn; no Exception, so that nothing on the way takes it for an error."""


@dataclass
class Ended:
    """How the command ended: its status, and what was on the screen."""

    status: int
    screen: str


class Session:
    """`command` in a terminal of its own, `environ` its whole environment; it ends with the `with` block.

    What it prints comes to our stderr if it is `shown`.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], *, shown: bool = False) -> None:
        self._name = command[-1]
        self._shown = shown
        self._screen = ""
        self._pieces = screen.Pieces()
        self._traced = trace.Program(command, None)
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=dict(environ),
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(24, 240),  # wide: a path must not be wrapped
            echo=True,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the terminal, which ends the command if it still runs (ssh hangs up)."""
        self._child.close(force=True)
        self._traced.ended(self._status())

    def wait_for(self, text: str, seconds: float) -> str:
        """Return the screen as soon as `text` is on it.

        A question is handed to the person, whose time does not count; without a terminal it is an error, as is the
        command's end.
        """
        until = time.monotonic() + seconds
        while text not in self._screen:
            if self._read(QUIET_SECONDS):
                continue
            if not self._child.isalive():
                self._drain()
                if text in self._screen:
                    break
                raise self._ended()
            if self._question():
                began = time.monotonic()
                self._hand_over(text)
                until += time.monotonic() - began
            elif time.monotonic() > until:
                raise NbsshError(
                    f"ssh {self._name} did not say '{text}' within {seconds:.0f} s{self._last_words()}",
                    f"see what it says: ssh {self._name}",
                )
        return self._screen

    def press_control_c(self, seconds: float) -> Ended:
        """Press Ctrl-C and return how the command ended; raise if it does not within `seconds`."""
        self._screen = ""
        self._child.sendintr()
        until = time.monotonic() + seconds
        while self._child.isalive():
            self._read(0.1)
            if time.monotonic() > until:
                raise NbsshError(
                    f"ssh {self._name} did not end within {seconds:.0f} s of Ctrl-C",
                    "~. on a line of its own ends an ssh that hangs",
                )
        self._drain()
        return Ended(self._status(), self._screen)

    def _read(self, seconds: float) -> bool:
        """Take what comes within `seconds`; tell whether anything did."""
        try:
            data = self._child.read_nonblocking(4096, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self._screen = (self._screen + data)[-_MEMORY:]
        if self._shown:
            with contextlib.suppress(OSError):  # our own terminal may be gone
                screen.write(sys.stderr, self._pieces.cleaned(data.encode()))
                sys.stderr.flush()
        return True

    def _drain(self) -> None:
        while self._read(0.1):
            pass

    def _question(self) -> str:
        """Return the line that waits for an answer, empty if there is none."""
        return self._screen.rpartition("\n")[2].strip()

    def _hand_over(self, text: str) -> None:
        """Let the person answer on her own terminal until `text` appears or the command ends.

        Her keys go through as they are: what ssh hides (it turns the echo of its terminal off) is hidden.
        """
        if not ui.is_terminal():
            raise NbsshError(
                f"ssh {self._name} asks: '{printable(self._question())}', and nobody can be asked without a terminal",
                "run this in a terminal, or use an ssh key",
            )
        screen.write(sys.stderr, printable(self._question()) + " ")
        sys.stderr.flush()
        self._child.STDOUT_FILENO = sys.stderr.fileno()  # stdout is the product

        pieces = screen.Pieces()

        def look(data: bytes) -> bytes:
            self._screen = (self._screen + data.decode("utf-8", "replace"))[-_MEMORY:]
            if text in self._screen:
                raise _Seen
            # what the terminal echoes for the key that deletes
            return _ERASES.join(pieces.cleaned(part).replace("\n", "\r\n").encode() for part in data.split(_ERASES))

        try:
            self._child.interact(escape_character=None, output_filter=look)
        except _Seen:
            sys.stderr.write("\n")

    def _ended(self) -> NbsshError:
        self._child.close()
        return NbsshError(
            f"ssh {self._name} ended with status {self._status()}{self._last_words()}",
            f"see what it says: ssh {self._name}",
        )

    def _status(self) -> int:
        if not self._child.closed:
            self._child.close()
        if self._child.exitstatus is not None:
            return int(self._child.exitstatus)
        return 128 + int(self._child.signalstatus or 0)

    def _last_words(self) -> str:
        """Return why, as far as the screen knows: its errors, otherwise its last line."""
        lines = [printable(line.strip()) for line in self._screen.splitlines() if line.strip()]
        errors = [line.removeprefix("nbssh: error: ") for line in lines if line.startswith("nbssh: error: ")]
        said = errors[:1] or lines[-1:]
        return f": {said[0]}" if said else ""
