"""What keeps a profile's tunnel up: a user unit of systemd, or an agent of launchd. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from nbssh.core.files.laptop_files import local_command_unseen
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile.profile import alias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.files.laptop_files import Local
    from nbssh.core.profile.declared import Declared

SERVICE, AGENT = "unit/service", "unit/agent.plist"


class Unit(Template, frozen=True, kw_only=True):
    """What is run, and for which profile."""

    templates: ClassVar = (SERVICE, AGENT)
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
