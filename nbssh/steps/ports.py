"""The local port of a profile: made from its name, free, and nobody else's. It stays the profile's.

8888 is where every Jupyter sits that runs on the laptop itself.
"""

from __future__ import annotations

import errno
import hashlib
import socket
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import listening
from nbssh.core.profile.wrong import FIRST_PORT, PORTS, UNPRIVILEGED, port_refused
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nbssh.adapters.programs.lsof import Holder
    from nbssh.steps.profiles import Target

LAST_PORT = 65535


def choose(name: str, wanted: int, source: str, taken: Mapping[int, str], avoided: Collection[int] = ()) -> int:
    """Return `wanted`, or where it is 0 the free port that the profile's name gives.

    `taken` maps ports to the profiles that have them; `avoided` are those of the user's own ssh_config.
    """
    if not wanted:
        return first_free(name, taken, avoided)
    if not UNPRIVILEGED <= wanted <= LAST_PORT:
        raise port_refused(wanted, source, f"--port {first_free(name, taken, avoided)}")
    if wanted in taken:
        raise NbsshError(
            f"{source}: port {wanted} belongs to the profile '{taken[wanted]}'",
            f"take --port {first_free(name, taken, avoided)}",
        )
    if not is_free(wanted):
        raise NbsshError(
            f"{source}: port {wanted} is in use on this machine",
            f"take --port {first_free(name, taken, avoided)}, or end what listens there ({SYSTEM.who_listens(wanted)})",
        )
    return wanted


def holder_of(port: int) -> tuple[str, str]:
    """Return who has a local port that is not free, and `end that, or ` where the user can do so, with the command."""
    holders, background = listening.listeners(port), SYSTEM.background()
    if background and not holders:
        holders = [*background.listeners(port)]
        if not all(holder.pid for holder in holders):
            holders = []
    return holders_told(holders)


def holders_told(holders: Sequence[Holder]) -> tuple[str, str]:
    """Return the same of those who have it; they may be unknown."""
    mine = [holder.pid for holder in holders if holder.pid and not holder.user]
    if not holders:
        return SYSTEM.nobody_known, "end that, or "
    end = f"end that ({SYSTEM.to_end(*mine)}), or " if len(mine) == len(holders) else ""
    return " and ".join(map(str, holders)), end


def taken(target: Target, port: int, who: str, end: str) -> NbsshError:
    """Return that somebody has a port of the profile, as an error."""
    return NbsshError(
        f"port {port} on this machine, which is that of '{target.name}', is taken by {who}",
        f"{end}take another port: nbssh edit {target.name}: {'port' if port == target.profile.port else 'also'}",
    )


def taken_port(target: Target) -> NbsshError | None:
    """Return who has a port of the profile, as an error; None where all are free."""
    for port in target.profile.local_ports():
        if not is_free(port):
            return taken(target, port, *holder_of(port))
    return None


def first_free(name: str, taken: Collection[int], avoided: Collection[int]) -> int:
    """Return the free port that the profile's name gives."""
    first = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:8]) % PORTS
    for distance in range(PORTS):
        port = FIRST_PORT + (first + distance) % PORTS
        if port not in taken and port not in avoided and is_free(port):
            return port
    raise NbsshError("no free local port was found", "end something that listens on 127.0.0.1")


def is_free(port: int) -> bool:
    """Tell whether 127.0.0.1:PORT can be listened on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        SYSTEM.bind_as_ssh(probe)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        return True
