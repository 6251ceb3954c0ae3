"""What ssh is told to connect to: an alias, `user@host:port`, a URI, or a pasted `ssh -L …` command. Pure text."""

from __future__ import annotations

import getopt
import re
import shlex
from typing import TYPE_CHECKING

import msgspec

from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from nbssh.core.profile.profile import Profile

# ssh(1) of OpenSSH 10: options without and with an argument
_FLAGS = "46AaCfGgKkMNnqsTtVvXxYy"
_WITH_ARGUMENT = "BbcDEeFIiJLlmOoPpQRSWw"
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
_LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]", ""}
# Options of the command line and the ssh_config(5) keyword that says the same
_KEYWORD = {
    "-i": "IdentityFile",
    "-J": "ProxyJump",
    "-b": "BindAddress",
    "-c": "Ciphers",
    "-m": "MACs",
    "-I": "PKCS11Provider",
}
_FLAG_KEYWORD = {
    "-4": "AddressFamily=inet",
    "-6": "AddressFamily=inet6",
    "-a": "ForwardAgent=no",
    "-C": "Compression=yes",
    "-K": "GSSAPIAuthentication=yes",
}
# What the aliases do by themselves: dropping these changes nothing
_IMPLIED = {"-f", "-N", "-n", "-T", "-t", "-q", "-v"}
_OURS = {
    "localforward", "remoteforward", "dynamicforward", "remotecommand", "requesttty", "exitonforwardfailure",
    "permitlocalcommand", "localcommand", "controlmaster", "controlpath", "controlpersist", "clearallforwardings",
    "gatewayports", "sessiontype", "stdinnull", "forkafterauthentication",
    # the profile has keys of its own for them
    "forwardagent", "forwardx11", "forwardx11trusted", "gssapidelegatecredentials",
}  # fmt: skip
# As ssh itself refuses them on its command line since 9.6 (ssh.c, valid_hostname and valid_ruser)
_REFUSED = re.compile(r"[\s\x00-\x1f\x7f'\"`$\\;&<>|(){}*?!,#]")


class Destination(msgspec.Struct, frozen=True):
    """A destination taken apart: `host` is what the user typed for it (an alias or a name), `%n` in ssh's words."""

    host: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Return the short form, `user@host:port`, which `parse` reads again."""
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")

    def arguments(self) -> list[str]:
        """Return the words that name this destination on ssh's command line."""
        port = ["-p", str(self.port)] if self.port else []
        return [*port, f"{self.user}@{self.host}" if self.user else self.host]


def arguments_of(profile: Profile) -> list[str]:
    """Return the words by which ssh reaches a profile's destination: its options, and where to."""
    return [*(f"-o{option}" for option in profile.ssh_options), *parse(profile.destination).arguments()]


class Recipe(msgspec.Struct, frozen=True):
    """A destination with what came along in a pasted command; `dropped` are words that were not taken over."""

    destination: Destination
    options: tuple[str, ...] = ()
    local_port: int = 0
    remote_port: int = 0
    dropped: tuple[str, ...] = ()


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
            raise _refused(text, "the port after ':' is missing")
    if (at and not user) or not host:
        raise _refused(text, "a name is missing")
    for value in (user, host):
        if value.startswith("-") or _REFUSED.search(value):
            raise _refused(text, "it has characters that ssh refuses in a user or host name")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):  # noqa: PLR2004  16 bits
        raise _refused(text, f"'{printable(port, 60)}' is no port")
    return Destination(host, user, int(port or 0))


def _refused(text: str, why: str) -> NbsshError:
    return NbsshError(
        f"'{printable(text, 60)}' is no destination: {why}",
        "give an alias of your ~/.ssh/config, user@host, user@host:port, or your whole 'ssh -L …' command in quotes",
    )


def parse_recipe(text: str) -> Recipe:
    """Return what `text` says, whether a plain destination or a whole pasted ssh command."""
    if not re.match(r"\s*(\S*/)?ssh(\.exe)?\s", text):
        return Recipe(parse(text))
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _refused(text, f"its quotes do not match ({str(error).lower()})") from None
    options, operands = _split(words[1:], text)
    destination = parse(operands[0])
    taken: list[str] = []
    dropped = [f"the remote command '{printable(' '.join(operands[1:]), 60)}'"] if operands[1:] else []
    ports = (0, 0)
    for flag, value in options:
        found = _forward_ports(value) if flag == "-L" else None
        if found and ports == (0, 0):
            ports = found
        elif flag == "-p":
            destination = msgspec.structs.replace(destination, port=parse(f"x:{value}").port)
        elif flag == "-l":
            destination = msgspec.structs.replace(destination, user=parse(f"{value}@x").user)
        elif option := _as_option(flag, value):
            taken.append(option)
        elif flag not in _IMPLIED:
            dropped.append(f"{flag} {printable(value, 60)}".rstrip())
    return Recipe(destination, tuple(taken), *ports, tuple(dropped))


def _as_option(flag: str, value: str) -> str:
    """Return the `Keyword=value` that says the same as a flag, nothing if there is none or our aliases set it."""
    if flag in _KEYWORD:
        return f"{_KEYWORD[flag]}={value}"
    if flag == "-o" and _keyword(value) not in _OURS:
        return value
    return _FLAG_KEYWORD.get(flag, "")


def _split(words: list[str], text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return options and operands; as ssh does, options may follow the destination until a command begins."""
    spec = _FLAGS + "".join(letter + ":" for letter in _WITH_ARGUMENT)
    try:
        options, operands = getopt.getopt(words, spec)
        if operands[1:] and operands[1].startswith("-"):
            more, command = getopt.getopt(operands[1:], spec)
            options, operands = options + more, [operands[0], *command]
    except getopt.GetoptError as error:
        raise _refused(text, str(error)) from None
    if not operands:
        raise _refused(text, "the command names no host")
    return options, operands


def _keyword(option: str) -> str:
    return re.split(r"[\s=]", option.strip(), maxsplit=1)[0].lower()


def _forward_ports(value: str) -> tuple[int, int] | None:
    """Return (local port, remote port) of `[bind:]port:host:hostport` if it ends on the server itself, else None."""
    match = re.match(r"(?:(?:\[[^\]]*\]|[^:\[\]]*):)?(\d+):(\[[^\]]*\]|[^:\[\]]*):(\d+)\Z", value)
    if not match or match.group(2) not in _LOOPBACK:
        return None
    return int(match.group(1)), int(match.group(3))
