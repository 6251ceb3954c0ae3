"""What the files of a laptop look like that its own system reads: all that the core knows of that system. Pure.

`Client` itself is a Unix. A wing's subclass says what is different. Which one it is, is decided at the rim and never
looked up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbssh.core.files.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence


class Opener(Template, frozen=True, kw_only=True):
    """What the browser's opener knows, the same for all profiles."""

    templates: ClassVar = ("ssh/open",)
    seal: str
    secrets: str


class LocalCommand(Template, frozen=True, kw_only=True):
    """How ssh calls the opener; `show` is its word for the page, empty for the first one."""

    templates: ClassVar = ("ssh/local_command",)
    opener: str
    name: str
    port: int
    program: str
    without_master: str
    show: str


class ProxyCommand(Template, frozen=True, kw_only=True):
    """The words of a command that ssh runs in place of a connection."""

    templates: ClassVar = ("ssh/proxy_command",)
    words: Sequence[str]


class Client:
    """A Unix, as all of them are. The texts end their lines as the system does."""

    multiplexes: ClassVar[bool] = True
    """Its ssh has masters (ControlMaster)."""
    skips_mark: ClassVar[bool] = False
    """Its ssh reads a config that begins with a byte order mark in UTF-8."""
    opener_name: ClassVar[str] = "open"
    former_openers: ClassVar[Sequence[str]] = ()
    """What it was called by earlier releases."""

    def text(self, lines: str) -> str:
        """Return rendered text with the system's line ends."""
        return lines

    def opener(self, model: Opener) -> str:
        """Return the script that opens the browser."""
        return rendered(model)

    def local_command(self, model: LocalCommand, page: str) -> str:  # noqa: ARG002  its opener knows the folder
        """Return the argument of LocalCommand, in which ssh expands `%`; `page` is where that with a token is."""
        return rendered(model)

    def proxy_command(self, model: ProxyCommand) -> str:
        """Return the argument of ProxyCommand, in which ssh expands `%`."""
        return rendered(model)


def rendered(model: Template) -> str:
    """Return the text of a template."""
    from nbssh.core.files.render import render  # noqa: PLC0415  paths need no template engine

    return render(model)


POSIX = Client()
