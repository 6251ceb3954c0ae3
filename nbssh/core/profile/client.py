"""The platform of the laptop for which files are rendered: what differs between Unix and Windows, as data.

A value that is handed through the pure middle; which one it is, is decided at the rim and never looked up here.
Windows' OpenSSH has no ControlMaster, and there an inherited ControlPath is fatal.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Name = Literal["posix", "windows"]


class Client(msgspec.Struct, frozen=True):
    """One platform. `opener` is the browser opener's file name, `newline` ends the lines of generated files."""

    name: Name
    newline: str
    opener: str
    multiplexes: bool
    byte_order_mark: str = ""

    def text(self, lines: str) -> str:
        """Return rendered text with the platform's line ends."""
        return lines.replace("\n", self.newline)


POSIX = Client("posix", "\n", "open", multiplexes=True)
# Windows PowerShell 5.1 takes a script without the mark for one in the code page of the day
WINDOWS = Client("windows", "\r\n", "open.ps1", multiplexes=False, byte_order_mark="\ufeff")
