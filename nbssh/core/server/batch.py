"""Jupyter inside a batch job: how a session gets to the job's node, and whom it trusts there. Pure.

`ssh NAME-nb` lands on the node itself, because its ProxyCommand runs `job` (templates/batch/job) on the login node and
that joins the connection to a sshd there. So everything after it is the same as on a lone server. Ways to that sshd:

- `node`: the node's own, where users may log in while a job of theirs runs;
- `srun`: one started by Slurm inside the job, which needs no port and no right to log in to nodes;
- `relay`: one that the job itself starts on a port of the node, for every other scheduler.

The last two have a host key of their own and accept nothing but the profile's own key, so only the login node can ask
for a password or code.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple

from nbssh.core import answers
from nbssh.core.files.render import static_text
from nbssh.core.server import values
from nbssh.core.server.values import HostName, Word  # noqa: TC001  a NamedTuple's annotations
from nbssh.core.ssh import destination

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbssh.core.profile.profile import Kind, Profile, Via

TITLES: dict[Kind, str] = {"slurm": "Slurm", "gridengine": "Grid Engine", "pbs": "PBS", "lsf": "LSF"}
# What tells a node's sshd from that of the login node, whose options the aliases have besides; and what the profile's
# own key needs. In the alias that goes to the node these come first, and ssh takes the first it sees.
NODE_OPTIONS = frozenset((
    "proxycommand", "proxyjump", "hostkeyalias", "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking",
    "updatehostkeys", "verifyhostkeydns", "checkhostip", "connecttimeout",
))  # fmt: skip
KEY_OPTIONS = frozenset((
    "identityfile", "identitiesonly", "identityagent", "preferredauthentications", "pubkeyauthentication",
))  # fmt: skip
MAX_NODES = 512
_KEY_CHARACTERS = 4000
_KEY_TYPE = re.compile(r"(ssh-(rsa|ed25519)|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9@.-]+)\Z")
# In the order in which a client likes them best; one of each node is enough.
_PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


def ways(profile: Profile) -> tuple[Via, ...]:
    """Return the ways to try, the best first: the declared one, else all that the scheduler knows."""
    scheduler = profile.scheduler
    if scheduler is None:
        return ()
    if scheduler.via != "auto":
        return (scheduler.via,)
    return ("node", "srun", "relay") if scheduler.kind == "slurm" else ("node", "relay")


def via(profile: Profile) -> Via | None:
    """Return the way of `profile`: what was found, else the likeliest; None without a scheduler."""
    if profile.scheduler is None:
        return None
    if profile.server and profile.server.via:
        return profile.server.via
    if profile.scheduler.via != "auto":
        return profile.scheduler.via
    return "srun" if profile.scheduler.kind == "slurm" else "node"


def removing_parts(profile: Profile) -> str:
    """Return the parts of templates/batch that the script which removes the profile needs."""
    if profile.scheduler is None:
        return ""
    parts = ("stop", "jobs", profile.scheduler.kind, "end", "remove")
    return "\n".join(static_text(f"batch/{part}.sh") for part in parts)


def has_own_key(profile: Profile) -> bool:
    """Tell whether sessions come in with the profile's own key instead of the user's."""
    return via(profile) in {"srun", "relay"}


def own_options(profile: Profile) -> frozenset[str]:
    """Return the keywords, in lower case, in which the alias to the node differs from its destination on purpose."""
    if profile.scheduler is None:
        return frozenset()
    return NODE_OPTIONS | KEY_OPTIONS if has_own_key(profile) else NODE_OPTIONS


def host_key_alias(name: str) -> str:
    """Return the name under which the keys of all nodes of a profile are known."""
    return f"nbssh-{name}"


def known_hosts(name: str, keys: Sequence[str]) -> str:
    """Return the known_hosts file of a profile: the keys of its nodes, or of the sshd inside its job."""
    return "".join(f"{host_key_alias(name)} {key}\n" for key in keys)


# With ControlPersist ssh gives its ProxyCommand no stderr (sshconnect.c), but what the job waits for must be seen.
_SAYING = (
    "sh", "-c", '[ /dev/fd/2 -ef /dev/null ] && (: >/dev/tty) 2>/dev/null && exec 2>/dev/tty; exec "$@"', "sh",
)  # fmt: skip


def proxy_words(ssh: Sequence[str], job: str, name: str, profile: Profile, *, persists: bool) -> list[str]:
    """Return the ProxyCommand as words: `job`, the path of the script on the login node, is told the way.

    `persists`: with a ControlPersist.
    """
    way = via(profile)
    if way is None:
        return []
    return [
        *(_SAYING if persists else ()),
        *ssh,
        *destination.QUIET,  # our login to the login node carries the stream and nothing else
        *destination.ALIVE,
        *destination.arguments_of(profile),
        "exec",
        "/bin/sh",
        job,
        name,
        way,
    ]


class Trial(NamedTuple):
    """A short job: its number, and the node on which it runs; None while it waits."""

    job: Word
    node: HostName | None = None


def trial(said: bytes) -> Trial | None:
    """Return the job of which `job try` prints `job NUMBER NODE` or `queued NUMBER`; None if neither."""
    match answers.rows(said):
        case [["job", job, node]]:
            return Trial(values.word(job), values.host_name(node))
        case [["queued", job]]:
            return Trial(values.word(job))
        case _:
            return None


def chosen_keys(said: bytes, node: str) -> tuple[list[str], list[str]]:
    """Return the host keys of the cluster's nodes, and the nodes of which no key is known, `node` the first.

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
    """Return the host key of the sshd inside the job, of which `job keys` prints the public half."""
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
