"""What a host said, as values that may be used: each type is made here alone, by a function that checks. Pure.

A `str` of a host's may be shown, but must not reach a command line, a configuration or a path here: ssh expands
`${NAME}` and `%` in a forward's path, and a word that begins with `-` is an option. So whatever builds those takes
the types below (mypy proves it, tests/unit/test_values.py walks the call sites). All functions raise NbsshError.
"""

from __future__ import annotations

import re
from typing import NewType

from nbssh.core.text import printable
from nbssh.errors import NbsshError

ServerPath = NewType("ServerPath", str)
"""An absolute path on a host, of letters, digits and `. _ / @ + , = -`."""
Port = NewType("Port", int)
"""A TCP port, 1 to 65535."""
Pid = NewType("Pid", int)
"""The number of a process on a host, above 1: no group, not all, not init."""
HostName = NewType("HostName", str)
"""A host's own name, as the host itself or another one says it."""
Word = NewType("Word", str)
"""One plain word: a job's number, such as `1234[7].server`."""
FarEnd = NewType("FarEnd", str)
"""Where a tunnel ends on a host, as ssh takes it: a ServerPath, or `HOST:PORT` as that host sees it."""

_PATH = re.compile(r"/[A-Za-z0-9._/@+,=-]{1,4095}\Z")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")
_ADDRESS = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+\[\]-]{0,127}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,1000}\Z")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z")
_LAST_PORT = 65535
_PID = re.compile(r"[1-9][0-9]{0,9}\Z")


def is_server_path(text: str) -> bool:
    """Tell whether `text` can be a ServerPath."""
    return bool(_PATH.match(text))


def is_token(text: str) -> bool:
    """Tell whether `text` can be a token in an address as it is."""
    return bool(_TOKEN.match(text))


def server_path(text: str) -> ServerPath:
    """Return `text` as a path on a host."""
    return ServerPath(_matching(text, _PATH, "path that ssh would not expand or cut"))


def host_name(text: str) -> HostName:
    """Return `text` as a host's own name."""
    return HostName(_matching(text, _HOST, "host name"))


def word(text: str) -> Word:
    """Return `text` as one plain word."""
    return Word(_matching(text, _WORD, "plain word"))


def port(text: str) -> Port:
    """Return `text`, decimal digits, as a port."""
    return _port(int(_matching(text, _PORT, "port")))


def _port(number: int) -> Port:
    if not 0 < number <= _LAST_PORT:
        raise NbsshError(f"{number} is no port", "a port is a number from 1 to 65535")
    return Port(number)


def pid(text: str) -> Pid:
    """Return `text`, decimal digits, as the number of a process."""
    number = int(_matching(text, _PID, "process's number"))
    if number == 1:
        raise NbsshError("1 is the number of init, and no process of yours")
    return Pid(number)


def far_socket(path: str) -> FarEnd:
    """Return the end of a tunnel to the unix socket `path`."""
    return FarEnd(server_path(path))


def far_port(number: int) -> FarEnd:
    """Return the end of a tunnel to a port of the host's own loopback."""
    return FarEnd(f"127.0.0.1:{_port(number)}")


def far_host(host: str, number: int) -> FarEnd:
    """Return the end of a tunnel to a port of another host, by its name, or its IPv6 address in brackets."""
    return FarEnd(f"{host if _ADDRESS.match(host) else host_name(host)}:{_port(number)}")


def _matching(text: str, pattern: re.Pattern[str], what: str) -> str:
    if pattern.match(text):
        return text
    raise NbsshError(f"'{printable(text, 60)}' is no {what}", "look at what answers there: it is not what nbssh asked")
