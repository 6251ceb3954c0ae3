"""What the files of a laptop look like that Windows, its cmd.exe and OpenSSH read. Pure.

That OpenSSH has no ControlMaster, and to it an inherited ControlPath is fatal.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from nbssh.core.files import client
from nbssh.core.files.change import MARK
from nbssh.core.files.template import Template


class Opener(Template, frozen=True, kw_only=True):
    """What the browser's opener knows, for cmd.exe: nothing of its user, whose name it could not spell."""

    templates: ClassVar = ("windows/open.cmd",)
    seal: str


class LocalCommand(client.LocalCommand, frozen=True, kw_only=True):
    """How ssh calls the opener, through cmd.exe. Its words are counted, so none is left out but the last."""

    templates: ClassVar = ("windows/local_command",)
    page: str


class ProxyCommand(client.ProxyCommand, frozen=True, kw_only=True):
    """The words of a command that ssh starts directly: no cmd.exe reads them."""

    templates: ClassVar = ("windows/proxy_command",)


class WindowsClient(client.Client):
    """Windows with its own OpenSSH."""

    multiplexes: ClassVar = False
    skips_mark: ClassVar = True
    opener_name: ClassVar = "open.cmd"
    former_openers: ClassVar = ("open.ps1",)

    def text(self, lines: str) -> str:
        """Return rendered text with CR LF at the lines' ends."""
        return lines.replace("\n", "\r\n")

    def opener(self, model: client.Opener) -> str:  # noqa: ARG002  its words say where the pages are
        """Return the script that opens the browser."""
        return self.text(client.rendered(Opener(seal=f":: {MARK}")))

    def local_command(self, model: client.LocalCommand, page: str) -> str:
        """Return the argument of LocalCommand."""
        return client.rendered(LocalCommand(**msgspec.structs.asdict(model), page=page))

    def proxy_command(self, model: client.ProxyCommand) -> str:
        """Return the argument of ProxyCommand."""
        return client.rendered(ProxyCommand(**msgspec.structs.asdict(model)))


class OldWindowsClient(WindowsClient):
    """One whose OpenSSH ends a session at any LocalCommand: no browser opens."""

    def local_command(self, model: client.LocalCommand, page: str) -> str:  # noqa: ARG002
        """Return none."""
        return ""


WINDOWS, OLD = WindowsClient(), OldWindowsClient()
LOCAL_COMMANDS = (7, 9)  # the release that has them
