"""What `launch` says on the terminal of a session, read as values: the one place that knows its words."""

from __future__ import annotations

from dataclasses import dataclass

from nbssh.core.text import printable

READY = "Ctrl-C detaches"
"""The last of what launch says once Jupyter is verified."""
_SAYS = "nbssh: "
_STARTED, _RUNNING = " started on ", " already running "


@dataclass(frozen=True)
class Greeting:
    """The first that launch says of Jupyter. `text` is for people; `started`: it did not run before."""

    text: str
    started: bool


def greeting(screen: str) -> Greeting:
    """Return what `screen` says of Jupyter."""
    for line in screen.splitlines():
        if line.startswith(_SAYS) and (_STARTED in line or _RUNNING in line):
            return Greeting(printable(line.strip().removeprefix(_SAYS)), started=_STARTED in line)
    return Greeting("ready", started=False)
