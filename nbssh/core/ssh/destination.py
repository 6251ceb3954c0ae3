"""What ssh is told to connect to: an alias, `user@host:port` or a URI. Pure text."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import msgspec

from nbssh.core import masked
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile

# Our own calls must not inherit what the user or we set for interactive sessions (ssh_config(5); a RemoteCommand
# makes `ssh alias command` fail).
QUIET = (
    "-T",
    "-oRemoteCommand=none",
    "-oClearAllForwardings=yes",
    "-oPermitLocalCommand=no",
    "-oForwardAgent=no",
    "-oForwardX11=no",
)
ALIVE = ("-oServerAliveInterval=10", "-oServerAliveCountMax=3")
# As ssh itself refuses them on its command line since 9.6 (ssh.c, valid_hostname and valid_ruser), and what is special
# in a Host line. A user may be `CORP\\alice` or `alice@corp#root@10.0.0.5`, but no blanks and nothing that expands.
_REFUSED_HOST = re.compile(r"[\s\x00-\x1f\x7f'\"`$\\;&<>|(){}*?!,#]")
_REFUSED_USER = re.compile(r"[\s\x00-\x1f\x7f'\"`$;&<>|(){}]|\\\Z")


class Destination(msgspec.Struct, frozen=True):
    """A destination taken apart: `host` is what the user typed for it (an alias or a name), `%n` in ssh's words."""

    host: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Return the short form, `user@host:port`, which `parse` reads again."""
        return self.bracketed if self.port else self._at(self.host)

    @property
    def bracketed(self) -> str:
        """The same with an IPv6 address in brackets always, as ProxyJump and scp want it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self._at(host) + (f":{self.port}" if self.port else "")

    def arguments(self) -> list[str]:
        """Return the words that name this destination on ssh's command line."""
        port = ["-p", str(self.port)] if self.port else []
        return [*port, self._at(self.host)]

    def _at(self, host: str) -> str:
        return f"{self.user}@{host}" if self.user else host


def suggested_name(destination: Destination) -> str:
    """Return the profile's name that a destination gives: the first label of its host, or its address."""
    host = destination.host
    label = host if re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*", host) else host.partition(".")[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-._")[:32]


def arguments_of(profile: Profile) -> list[str]:
    """Return the words by which ssh reaches a profile's destination: its options, and where to."""
    return [*(f"-o{option}" for option in profile.ssh_options), *parse(profile.destination).arguments()]


def parse(text: str) -> Destination:
    """Return the destination in `text`: `host`, `user@host`, `user@host:port`, `[::1]:22` or `ssh://user@host:port`."""
    rest = text.strip()
    if rest.startswith("ssh://"):
        rest = rest.removeprefix("ssh://").rstrip("/")
    user, at, hostport = rest.rpartition("@")
    host, port = hostport, ""
    bracketed = re.match(r"\[([^\]]+)\](?::(\d+))?\Z", hostport)
    if bracketed:
        host, port = bracketed.group(1), bracketed.group(2) or ""
    elif hostport.count(":") == 1:
        host, _, port = hostport.partition(":")
        if not port:
            raise refused(text, "the port after ':' is missing")
    if (at and not user) or not host:
        raise refused(text, "a name is missing")
    for value, wrong in ((user, _REFUSED_USER), (host, _REFUSED_HOST)):
        if value.startswith("-") or wrong.search(value):
            raise refused(text, "it has characters that ssh refuses in a user or host name")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):  # noqa: PLR2004  16 bits
        raise refused(text, f"'{printable(masked.text(port), 60)}' is no port")
    return Destination(host, user, int(port or 0))


def typed(text: str, *more: str) -> str:
    """Return the ssh command that a user types to get to the destination in `text`: ssh itself knows no `host:port`."""
    try:
        words = parse(text).arguments()
    except NbsshError:
        words = [text]
    return shlex.join(["ssh", *words, *more])


def typed_there(text: str, line: str) -> str:
    """Return what a user types here so that the host's shell runs `line`, which no shell here touches.

    In double quotes where that is so: not every shell knows others, and a line may have single ones.
    """
    return f"{typed(text)} " + (shlex.quote(line) if re.search(r'["$`\\!%]', line) else f'"{line}"')


def refused(text: str, why: str) -> NbsshError:
    """Return the error that says why `text` is no destination."""
    return NbsshError(
        f"'{printable(masked.text(text), 60)}' is no destination: {why}",
        "give an alias of your ~/.ssh/config, user@host, user@host:port, or your whole 'ssh -L …' command in quotes",
    )
