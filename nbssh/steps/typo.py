"""A destination that is a slip of the pen: told before anything is asked."""

from __future__ import annotations

import difflib
import shlex
import socket
from pathlib import PurePath
from typing import TYPE_CHECKING

from nbssh.core.ssh import answer
from nbssh.core.ssh.destination import arguments_of, parse, typed
from nbssh.errors import NbsshError
from nbssh.steps import include, profiles
from nbssh.steps.profiles import Target

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile
    from nbssh.steps.context import Context

_BY_ANOTHER = ("proxycommand ", "proxyjump ")  # who looks the name up, then, is not this machine


def refuse(context: Context, name: str, profile: Profile) -> None:
    """Raise where no name service knows the destination of the new profile `name`.

    It may be the name of another profile, or like an alias of hers.
    """
    said = answer.lines(context.ssh.resolved(arguments_of(profile)))
    host = parse(profile.destination).host
    meant = next((line.partition(" ")[2] for line in said if line.startswith("hostname ")), host)
    if (
        "canonicalizehostname false" not in said
        or any(line.startswith(_BY_ANOTHER) for line in said)
        or _is_known(meant)
    ):
        return
    of_profile = profiles.find(context, host) if host in profiles.names(context) else None
    if isinstance(of_profile, Target):
        raise NbsshError(
            f"no host is known as '{meant}'",
            f"where the profile '{host}' leads: {shlex.join(['nbssh', 'add', name, of_profile.profile.destination])}",
        )
    hosts = include.own_hosts(context)
    named = sorted(each for each in hosts if not set(each) & set("*?!"))
    close = [] if host in hosts else difflib.get_close_matches(host, named, 1)
    if not close and PurePath(context.ssh.command[0]).stem != "ssh":  # it may know names of its own
        return
    words = ["nbssh", "add", *([] if name in {host, profile.destination} else [name]), *close]
    raise NbsshError(
        f"no host is known as '{meant}'",
        f"did you mean '{close[0]}': {shlex.join(words)}"
        if close
        else f"see whether this works: {typed(profile.destination)}",
    )


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except (OSError, UnicodeError):
        return False
