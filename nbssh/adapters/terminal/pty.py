"""A command in a pseudo-terminal, driven as by a person who reads the screen and presses keys.

Must not decide anything: what is typed, and what must be on the screen, is the caller's.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Terminal:
    """`command` in a terminal of its own; what it prints is shown on stderr. Ends with the `with` block."""

    def __init__(self, command: Sequence[str], environ: dict[str, str]) -> None:
        self._master, child = pty.openpty()
        self._screen = b""
        self._name = " ".join(command[-1:])
        try:
            self._process = subprocess.Popen(
                command, env=environ, stdin=child, stdout=child, stderr=child, start_new_session=True
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(child)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the command if it still runs, and close the terminal."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def wait_for(self, text: str, seconds: float) -> None:
        """Return as soon as `text` is on the screen; raise if it is not within `seconds`, or cannot be."""
        until = time.monotonic() + seconds
        while text.encode() not in self._screen:
            if not self._read() and self._process.poll() is not None:
                raise NbsshError(f"ssh {self._name} ended with status {self._process.returncode}", "see above")
            if time.monotonic() > until:
                raise NbsshError(f"ssh {self._name} did not say '{text}' within {seconds:.0f} s", "see above")

    def press_control_c(self, seconds: float) -> None:
        """Press Ctrl-C; raise if the command does not end with 0 within `seconds`."""
        os.write(self._master, b"\x03")
        until = time.monotonic() + seconds
        while self._process.poll() is None:
            self._read()
            if time.monotonic() > until:
                raise NbsshError(f"ssh {self._name} did not end within {seconds:.0f} s of Ctrl-C", "see above")
        while self._read():
            pass
        if self._process.returncode:
            raise NbsshError(f"ssh {self._name} ended with status {self._process.returncode}", "see above")

    def _read(self) -> bool:
        """Take what is there, or wait a moment for more; tell whether there was anything."""
        if not select.select([self._master], [], [], 0.1)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            time.sleep(0.05)
            return False
        self._screen += data
        with contextlib.suppress(OSError):
            sys.stderr.write(data.decode("utf-8", "replace").replace("\r\n", "\n"))
            sys.stderr.flush()
        return bool(data)
