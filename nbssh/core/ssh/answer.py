"""What `ssh -G` answers, read and compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nbssh.core.ssh.grammar import percent, spellings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Answer = Mapping[str, tuple[str, ...]]
"""Keywords in lower case, as `ssh -G` prints them, with the values of their lines in order."""

_OURS: Final = """
host localforward remoteforward dynamicforward clearallforwardings gatewayports exitonforwardfailure
remotecommand requesttty sessiontype stdinnull forkafterauthentication permitlocalcommand localcommand
controlmaster controlpath controlpersist serveraliveinterval serveralivecountmax
"""
OWN: Final = frozenset(_OURS.split())
"""Options that our aliases decide for themselves: never compared, never taken over."""

# `Tag` only selects `Match tagged` blocks, whose effect is compared; ssh before 9.4 refuses a file with it.
_UNCOMPARED: Final = OWN | {"tag"}

# ssh applies these to every host, whatever block they stand in: readconf.c does not ask if it is active.
GLOBAL: Final = frozenset(("streamlocalbindmask", "syslogfacility"))

# Printed before their tokens are expanded: `%n` there means another host for another alias.
_UNEXPANDED: Final = frozenset(("certificatefile", "identityfile", "knownhostscommand", "proxycommand", "proxyjump"))

_FORWARDS: Final = ("dynamicforward", "localforward", "remoteforward")


def differences(
    base: str,
    alias: str,
    original: str,
    nb: str,
    *,
    own: Collection[str] = (),
    forwards: Sequence[str] = (),
) -> tuple[str, ...]:
    """Say what differs between two outputs of `ssh -G`: `base` of the destination, `alias` of our alias `nb`.

    One sentence per keyword; () if nothing does. Forwards of the alias that are not in `forwards` count
    too: they come from a block of the user that matches the alias as well, and ssh knows no way to take one
    back.
    """
    wanted, present = expanded(parsed(base), original), expanded(parsed(alias), nb)
    found = [
        _sentence(keyword, wanted.get(keyword, ()), present.get(keyword, ()), original, nb)
        for keyword in unequal(wanted, present, own)
    ]
    foreign = [
        f"{keyword}: {nb} also has {value}, from a block of the config that matches {nb} too; "
        f"where that port is taken {nb} ends at once: put !{nb} into the Host line of that block"
        for keyword in _FORWARDS
        for value in present.get(keyword, ())
        if f"{keyword} {value}" not in forwards
        and not (keyword == "dynamicforward" and value in _socket_listeners(present))
    ]
    return tuple(found + foreign)


def printed_forward(listen: str, target: str) -> str:
    """Give the line that `ssh -G` prints for `LocalForward listen target`, as `differences` wants it.

    `listen` is `HOST:PORT`, `[HOST]:PORT` or a port; `target` is `HOST:PORT`, `[HOST]:PORT` or a path.
    """
    return f"localforward {_bracketed(listen)} {target if target.startswith('/') else _bracketed(target)}"


def _bracketed(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"[{host.strip('[]')}]:{port}" if host else port


def _socket_listeners(present: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Find where LocalForwards to a socket listen: ssh prints each again, as a `dynamicforward`."""
    pairs = (value.partition(" ") for value in present.get("localforward", ()))
    return {listen for listen, _, target in pairs if not target.startswith("[") and not target.isdigit()}


def lines(text: str) -> list[str]:
    """Return the lines of what `ssh -G` printed: LF or CR LF ends one, and nothing else that does in Python."""
    return [line.removesuffix("\r") for line in text.split("\n")]


@lru_cache(maxsize=16)  # the same answer of a destination is compared again and again
def parsed(text: str) -> Answer:
    """Read the output of `ssh -G`."""
    found: dict[str, list[str]] = {}
    for line in lines(text):
        keyword, blank, value = line.partition(" ")
        if blank:
            found.setdefault(keyword.lower(), []).append(value)
    return {keyword: tuple(values) for keyword, values in found.items()}


def expanded(answer: Answer, host: str) -> Answer:
    """Replace `%n` and `%k` by what they mean for `host`, where ssh prints them as they were written."""
    (key_alias,) = answer.get("hostkeyalias", (host,))
    tokens = {"%n": percent(host), "%k": percent(key_alias)}

    def literal(token: re.Match[str]) -> str:
        return tokens.get(token.group(), token.group())

    return {
        keyword: tuple(re.sub("%.", literal, value) for value in values) if keyword in _UNEXPANDED else values
        for keyword, values in answer.items()
    }


def unequal(wanted: Answer, present: Answer, own: Collection[str]) -> list[str]:
    """Keywords whose values differ in meaning, sorted."""
    keywords = (wanted.keys() | present.keys()) - _UNCOMPARED - set(own)
    if "ignoreunknown" not in wanted:  # more than the destination needs to read the file changes nothing
        keywords -= {"ignoreunknown"}
    return sorted(
        keyword
        for keyword in keywords
        if wanted.get(keyword) != present.get(keyword)
        and meaning(keyword, wanted.get(keyword, ())) != meaning(keyword, present.get(keyword, ()))
    )


def meaning(keyword: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Values without what makes no difference to a connection."""
    if keyword == "sendenv":  # patterns: neither order nor repetition counts
        return tuple(sorted(set(values)))
    if keyword == "connecttimeout" and values == ("none",):  # `none` never wins against a wildcard block, 0 does
        return ("0",)
    if keyword == "compression" and values == ("UNKNOWN",):  # what 9.9 and later print for `-C`
        return ("yes",)
    if not values and keyword in {"identityagent", "preferredauthentications"}:
        (unset,) = spellings(keyword, (), ())
        return unset
    return values


def _sentence(keyword: str, wanted: Sequence[str], present: Sequence[str], original: str, nb: str) -> str:
    """Say what differs in one keyword, in lower case but for the values."""
    if keyword in GLOBAL:
        return f"{keyword} is {_listed(wanted)} for {original}, but ssh cannot set it for one host alone"
    if keyword in {"certificatefile", "identityfile", "sendenv"} and wanted and present:
        extra = _listed(value for value in present if value not in wanted)
        missing = _listed(value for value in wanted if value not in present)
        parts = [f"{nb} also has {extra}"] * bool(extra) + [f"{nb} lacks {missing}"] * bool(missing)
        return f"{keyword}: " + (" and ".join(parts) or f"{nb} has them in another order, {_listed(present)}")
    return f"{keyword} is {_listed(present) or 'not set'} for {nb}, but {_listed(wanted) or 'not set'} for {original}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)
