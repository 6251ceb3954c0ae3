"""What keeps a profile's tunnel up: a user unit of systemd, or an agent of launchd. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbssh.core.files.change import PRIVATE
from nbssh.core.files.laptop_files import local_command_unseen
from nbssh.core.files.render import render
from nbssh.core.files.server_files import parcel
from nbssh.core.files.template import Template
from nbssh.core.profile.declared import share_folder
from nbssh.core.profile.profile import alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.files.laptop_files import Local
    from nbssh.core.profile.declared import Declared

SERVICE, AGENT, HOST = "unit/service", "unit/agent.plist", "unit/host"


class Unit(Template, frozen=True, kw_only=True):
    """What is run, and for which profile."""

    templates: ClassVar = (SERVICE, AGENT, HOST)
    name: str
    words: Sequence[str]


def command(declared: Declared, local: Local, ssh: str) -> list[str]:
    """Return `ssh NAME-nb` as words, without terminal, question and browser; `ssh` is the absolute path of ssh.

    With ControlPersist it would go into the background, and what started it would take it for ended.
    """
    name = declared.name
    opener = local_command_unseen(name, declared.profile, local, declared.way)
    quiet = f"-oLocalCommand={opener}" if opener else "-oPermitLocalCommand=no"
    options = ("-oBatchMode=yes", "-oControlPersist=no", "-oRequestTTY=no", quiet)
    return [ssh, *local.ssh[1:], *options, alias(name)]


def text(declared: Declared, local: Local, ssh: str, template: str) -> str:
    """Return the text of the unit or agent."""
    return render(Unit(name=declared.name, words=command(declared, local, ssh)), template)


# Which program is there today, the host knows: an upgrade on a laptop moves it.
_KEEP = (
    'for laptop in "$1/$2"/laptops/*; do read -r id <"$laptop" && [ -f "$1/program/$id/keep" ] && '
    'exec /bin/sh "$1/program/$id/keep" "$2"; done; exit 1'
)


class Send(Template, frozen=True, kw_only=True):
    """What puts a unit in place on a host, or takes it away where `install` is empty."""

    templates: ClassVar = ("sent/unit",)
    file: str
    share: str
    install: str
    text: str
    delimiter: str


def host_file(name: str) -> str:
    """Return how the unit of a profile's Jupyter is called on its host."""
    return f"nbssh-{name}-jupyter.service"


def host_text(declared: Declared) -> str:
    """Return the unit that starts Jupyter on its host."""
    share = share_folder(declared.server)
    words = ["/bin/sh", "-c", _KEEP, "nbssh", share, declared.name]
    return render(Unit(name=declared.name, words=words), HOST)


def sent(declared: Declared, *, install: bool) -> str:
    """Return the script that does it there."""
    part = parcel("unit", host_text(declared).encode(), PRIVATE)
    return render(
        Send(
            file=host_file(declared.name), share=share_folder(declared.server), install="yes" if install else "",
            text=part.text, delimiter=part.delimiter,
        )
    )  # fmt: skip
