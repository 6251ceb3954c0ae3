"""What the files of a laptop look like that Windows, its cmd.exe, PowerShell and OpenSSH read. Pure.

That OpenSSH has no ControlMaster, and to it an inherited ControlPath is fatal.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from nbssh.core.files import client


class Opener(client.Opener, frozen=True, kw_only=True):
    """What the browser's opener knows, for PowerShell."""

    templates: ClassVar = ("windows/open.ps1",)


class LocalCommand(client.LocalCommand, frozen=True, kw_only=True):
    """How ssh calls the opener, through cmd.exe."""

    templates: ClassVar = ("windows/local_command",)


class ProxyCommand(client.ProxyCommand, frozen=True, kw_only=True):
    """The words of a command that ssh starts directly: no cmd.exe reads them."""

    templates: ClassVar = ("windows/proxy_command",)


class WindowsClient(client.Client):
    """Windows with its own OpenSSH."""

    multiplexes: ClassVar = False
    skips_mark: ClassVar = True
    opener_name: ClassVar = "open.ps1"

    def text(self, lines: str) -> str:
        """Return rendered text with CR LF at the lines' ends."""
        return lines.replace("\n", "\r\n")

    def opener(self, model: client.Opener) -> str:
        """Return the script that opens the browser.

        Windows PowerShell 5.1 takes a script without a byte order mark for one in the code page of the day.
        """
        return "\ufeff" + self.text(super().opener(Opener(**msgspec.structs.asdict(model))))

    def local_command(self, model: client.LocalCommand) -> str:
        """Return the argument of LocalCommand."""
        return super().local_command(LocalCommand(**msgspec.structs.asdict(model)))

    def proxy_command(self, model: client.ProxyCommand) -> str:
        """Return the argument of ProxyCommand."""
        return super().proxy_command(ProxyCommand(**msgspec.structs.asdict(model)))


class OldWindowsClient(WindowsClient):
    """One whose OpenSSH ends a session at any LocalCommand: no browser opens."""

    def local_command(self, model: client.LocalCommand) -> str:  # noqa: ARG002
        """Return none."""
        return ""


WINDOWS, OLD = WindowsClient(), OldWindowsClient()
LOCAL_COMMANDS = (7, 9)  # the release that has them
