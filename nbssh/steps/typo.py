"""A destination that is a slip of the pen: told before anything is asked."""

from __future__ import annotations

import difflib
import shlex
import socket
from typing import TYPE_CHECKING

from nbssh.core.ssh import answer
from nbssh.core.ssh.destination import arguments_of, parse
from nbssh.errors import NbsshError
from nbssh.steps import include

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.context import Context

_BY_ANOTHER = ("proxycommand ", "proxyjump ")  # who looks the name up, then, is not this machine


def refuse(context: Context, name: str, profile: Profile) -> None:
    """Raise where no name service knows the destination of the new profile `name`, and an alias of hers is like it."""
    host = parse(profile.destination).host
    hosts = include.own_hosts(context)
    close = difflib.get_close_matches(host, sorted(each for each in hosts if not set(each) & set("*?!")), 1)
    if host in hosts or not close:
        return
    said = answer.lines(context.ssh.resolve(arguments_of(profile)))
    meant = next((line.partition(" ")[2] for line in said if line.startswith("hostname ")), host)
    if (
        "canonicalizehostname false" not in said
        or any(line.startswith(_BY_ANOTHER) for line in said)
        or _is_known(meant)
    ):
        return
    words = ["nbssh", "add", *([] if name in {host, profile.destination} else [name]), close[0]]
    raise NbsshError(f"no host is known as '{host}'", f"did you mean '{close[0]}': {shlex.join(words)}")


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False
