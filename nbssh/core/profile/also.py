"""`also`: more of a host through the same connection, such as TensorBoard's port. Pure.

An entry is `[LOCAL:]REMOTE`. REMOTE is a port of the host's own loopback, HOST:PORT as the host sees it, or the
absolute path of a socket. The host is the one on which Jupyter runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nbssh.core.server import values
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbssh.core.server.values import FarEnd

FORMS = "a port (6006), LOCAL:PORT (16006:6006), LOCAL:HOST:PORT, or LOCAL:/absolute/path/of/a/socket"
FIRST_LOCAL = 1024  # ip(7): ports below need CAP_NET_BIND_SERVICE
_LOOPBACK = frozenset(("localhost", "127.0.0.1"))
_ENTRY = re.compile(
    r"(?:(?P<local>[0-9]{1,5}):)?"
    r"(?:(?P<path>/.*)|(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):)?(?P<port>[0-9]{1,5}))\Z"
)
_FORWARD = re.compile(r"\s*(local|remote|dynamic)forward\b", re.IGNORECASE)


class Also(NamedTuple):
    """One further tunnel: `local` is a port of 127.0.0.1 here, 0 where none was named; `far` is its end there."""

    local: int
    far: FarEnd

    def __str__(self) -> str:
        """Return the entry that says it, in its shortest form."""
        far = self.far.removeprefix("127.0.0.1:")
        return far if self.local in {0, self.far_port} else f"{self.local}:{far}"

    @property
    def far_port(self) -> int:
        """The port at its end, 0 for a socket."""
        return 0 if self.far.startswith("/") else int(self.far.rpartition(":")[2])

    @property
    def url(self) -> str:
        """What a browser here is sent to."""
        return f"http://127.0.0.1:{self.local}/"


def parse(text: str, source: str) -> Also:
    """Return what an entry says; `source` is the file or option that it stands in. Raises NbsshError."""
    found = _ENTRY.match(text)
    if not found:
        raise NbsshError(f"{source}: '{printable(text, 60)}' is no port, host and port, or socket of a host", FORMS)
    host, local = found["host"] or "127.0.0.1", int(found["local"] or 0)
    try:
        if found["path"]:
            far = values.far_socket(found["path"])
        elif host in _LOOPBACK:
            far = values.far_port(int(found["port"]))
        else:
            far = values.far_host(host, int(found["port"]))
        if found["local"]:
            values.port(found["local"])
    except NbsshError as error:
        raise NbsshError(f"{source}: '{printable(text, 60)}': {error.message}", FORMS) from None
    return Also(local, far)


def read(entries: Iterable[str], source: str) -> list[Also]:
    """Return the entries of a profile; where none is named, the local port is the one over there. Raises NbsshError."""
    found = []
    for text in entries:
        entry = parse(text, source)
        found.append(entry if entry.local else entry._replace(local=entry.far_port))
    return found


def check(entries: Sequence[str], port: int, source: str) -> None:
    """Raise unless each entry of a profile, whose main local port is `port`, has a local port of its own."""
    seen = {port: "the notebook"}
    for text, entry in zip(entries, read(entries, f"{source}: 'also'"), strict=True):
        said, far = f"{source}: 'also': '{printable(text, 60)}'", entry._replace(local=0)
        if not entry.local:
            raise NbsshError(f"{said} names no local port", f"put one before it: 20000:{far}")
        if entry.local < FIRST_LOCAL:
            raise NbsshError(f"{said} has a local port that only root may open", f"put another before it: 20000:{far}")
        if entry.local in seen:
            taken = f"{said} has the local port of {seen[entry.local]}"
            raise NbsshError(taken, f"put another one before it: LOCAL:{far}")
        seen[entry.local] = f"'{printable(text, 60)}'"


def refuse_forwards(options: Iterable[str], source: str) -> None:
    """Raise for an ssh option that forwards a port: the aliases leave those of the destination out."""
    for option in options:
        if found := _FORWARD.match(option):
            kind = found[1].capitalize()
            hint = 'write it as: also = ["6006"], or ["LOCAL:HOST:PORT"]; on the command line: --also 6006'
            if kind != "Local":
                hint = (
                    f"'also' is for ports of the host; {kind}Forward goes into a 'Host NAME-nb' of your ~/.ssh/config"
                )
            raise NbsshError(f"{source}: 'ssh_options': {kind}Forward is not for the aliases", hint)


def is_same(said: Sequence[str], entries: Sequence[str]) -> bool:
    """Tell whether a profile with these entries is what was said; where no local port was, any is right."""
    wanted, present = ([parse(text, "") for text in each] for each in (said, entries))
    return len(wanted) == len(present) and all(
        one.far == other.far and one.local in {0, other.local or other.far_port}
        for one, other in zip(wanted, present, strict=True)
    )
