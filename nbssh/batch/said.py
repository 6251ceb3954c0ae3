"""What a login node says, as values: the job, its node, and the host keys to trust there. Pure."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple

from nbssh.core import answers
from nbssh.core.server import values
from nbssh.core.server.values import HostName, ServerPath, Word  # noqa: TC001  a NamedTuple's annotations
from nbssh.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_NODES = 512
_KEY_CHARACTERS = 4000
_KEY_TYPE = re.compile(r"(ssh-(rsa|ed25519)|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9@.-]+)\Z")
# In the order in which a client likes them best; one of each node is enough.
_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


class Begun(NamedTuple):
    """A short job: its number, and the node on which it runs; None while it waits.

    What it says of the node, empty where it does not: its own name, the machine's kind, whether the home is there (yes,
    readonly, missing), whether a job could start a sshd there (no), and the socket at which it gives its number.
    """

    job: Word
    node: HostName | None = None
    arch: str = ""
    home: str = ""
    host: str = ""
    sshd: str = ""
    socket: ServerPath | None = None


def begun(said: bytes) -> Begun | None:
    """Return the job that `job try` tells of, as `job NUMBER NODE` or `queued NUMBER`; None if it says neither."""
    match answers.rows(said):
        case [["job", job, node], *rows] if all(len(row) == 2 for row in rows):  # noqa: PLR2004  a key and a word
            about = {row[0]: row[1] for row in rows}
            texts = {key: printable(about.get(key, ""), 255) for key in ("arch", "home", "host", "sshd")}
            path = about.get("socket", "")
            socket = values.server_path(path) if values.is_server_path(path) else None
            return Begun(values.word(job), values.host_name(node), **texts, socket=socket)
        case [["queued", job]]:
            return Begun(values.word(job))
        case _:
            return None


def chosen_keys(said: bytes, node: str) -> tuple[list[str], list[str]]:
    """Return the host keys of the cluster's nodes, and the nodes without a known key, `node` the first.

    `said` is what `job hosts` prints: `node NAME` for each node and `known LINE` for each line of the login node's own
    known_hosts files. Where the scheduler names no nodes, every host that is known there may be one.
    """
    nodes = [node]
    lines = []
    for row in answers.rows(said):
        match row:
            case ["node", host] if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", host) and host not in nodes:
                nodes.append(host)
            case ["known", *line]:
                lines.append(line)
            case _:
                pass
    entries = [entry for line in lines if (entry := _entry(line))]
    if nodes == [node] and any(_matches(patterns, node) for patterns, _ in entries):
        return _distinct(key for _, key in entries)[:MAX_NODES], []
    keys: list[str] = []
    unknown = []
    for host in nodes[:MAX_NODES]:
        found = [key for patterns, key in entries if _matches(patterns, host)]
        if found:
            keys.append(_best(found))
        else:
            unknown.append(host)
    return _distinct(keys), unknown


def scanned_keys(said: bytes) -> list[str]:
    """Return the host keys in the output of ssh-keyscan, the best one of each host."""
    by_host: dict[str, list[str]] = {}
    for hosts, key in filter(None, map(_entry, answers.rows(said))):
        by_host.setdefault(hosts, []).append(key)
    return _distinct(_best(keys) for keys in by_host.values())


def own_key(said: bytes) -> list[str]:
    """Return the host key of the sshd inside the job, as `job keys` prints its public half."""
    return _distinct(entry[1] for row in answers.rows(said) if (entry := _entry(["own", *row])))


def _entry(words: Sequence[str]) -> tuple[str, str] | None:
    """Return the host patterns and the key of a known_hosts line (sshd(8)); None for comments, markers and rubbish."""
    match words:
        case [hosts, kind, key, *_] if not hosts.startswith(("#", "@")):
            fits = _KEY_TYPE.match(kind) and re.fullmatch(r"[A-Za-z0-9+/]+=*", key) and len(key) <= _KEY_CHARACTERS
            return (hosts, f"{kind} {key}") if fits else None
        case _:
            return None


def _matches(patterns: str, host: str) -> bool:
    """Tell whether a known_hosts line is about `host`, or about its name in a domain."""
    if patterns.startswith("|1|"):
        return _is_hashed(patterns, host)
    found = False
    for pattern in patterns.split(","):
        name = pattern.removeprefix("!")
        if fnmatch.fnmatchcase(host, name.replace("[", "[[]")) or name.partition(".")[0] == host:
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _is_hashed(pattern: str, host: str) -> bool:
    """Tell whether `|1|salt|hash` is that of `host` (HashKnownHosts in ssh_config(5))."""
    match pattern.split("|"):
        case ["", "1", salt_text, digest_text]:
            pass
        case _:
            return False
    try:
        salt, digest = base64.b64decode(salt_text), base64.b64decode(digest_text)
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, host.encode(), hashlib.sha1).digest(), digest)


def _best(keys: Sequence[str]) -> str:
    def rank(key: str) -> int:
        kind, _, _ = key.partition(" ")
        return _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)

    return min(keys, key=rank)


def _distinct(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(keys))
