"""Pure: from what `ssh -G` answers to the directives that make an alias behave exactly like its destination.

Derived, not parsed: this module never looks at the user's ssh_config, because only ssh knows what
`Match exec`, a wildcard or an included file adds up to. It must not run ssh either: its caller passes a
function that does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nbssh.core.ssh.grammar import Spelling, percent, spelled, spellings
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from nbssh.core.ssh.moment import MatchBlock

Directive = tuple[str, str]
"""Keyword and argument text, quoted for ssh_config: `("IdentityFile", '"~/my keys/box"')`."""

Answer = Mapping[str, tuple[str, ...]]
"""Keywords in lower case, as `ssh -G` prints them, with the values of their lines in order."""

ROUNDS: Final = 12
"""Bound on the rounds of `derive`. Two are the rule; a `Match user` that our lines set off costs another."""

_OURS: Final = """
host localforward remoteforward dynamicforward clearallforwardings gatewayports exitonforwardfailure
remotecommand requesttty sessiontype stdinnull forkafterauthentication permitlocalcommand localcommand
controlmaster controlpath controlpersist serveraliveinterval serveralivecountmax
"""
OWN: Final = frozenset(_OURS.split())
"""Options that our aliases decide for themselves: never compared, never taken over."""

_HANDED_OVER: Final = {
    "forwardagent": "ForwardAgent",
    "forwardx11": "ForwardX11",
    "gssapidelegatecredentials": "GSSAPIDelegateCredentials",
}

# `Tag` only selects `Match tagged` blocks, whose effect is compared; ssh before 9.4 refuses a file with it.
_UNCOMPARED: Final = OWN | {"tag"}

# ssh applies these to every host, whatever block they stand in: readconf.c does not ask if it is active.
_GLOBAL: Final = frozenset(("streamlocalbindmask", "syslogfacility"))

# A wildcard block that sets these otherwise would leave our aliases without tunnel or terminal.
_REQUIRED: Final = {
    "clearallforwardings": ("no",),
    "forkafterauthentication": ("no",),
    "sessiontype": ("default",),
    "stdinnull": ("no",),
}

# Printed before their tokens are expanded: `%n` there means another host for another alias.
_UNEXPANDED: Final = frozenset(("certificatefile", "identityfile", "knownhostscommand", "proxycommand", "proxyjump"))

# Where no spelling gives the wanted value, the last one stays: it is nearer to it than nothing. Keys and
# SendEnv add up with those of wildcard blocks; ssh makes `UpdateHostKeys ask` a `no` beside a RemoteCommand.
_KEPT: Final = frozenset(("certificatefile", "identityfile", "sendenv", "updatehostkeys"))

_FORWARDS: Final = ("dynamicforward", "localforward", "remoteforward")
_FIRST: Final = ("hostname", "user", "port", "proxyjump", "proxycommand")  # then the rest by name


@dataclass(frozen=True, slots=True)
class Derived:
    """The directives of an alias, in the order in which they are written, and what none can express."""

    directives: tuple[Directive, ...]
    unexpressed: tuple[str, ...]
    """One sentence each, lower case, naming the keyword and the values."""
    moments: tuple[MatchBlock, ...] = ()
    """What stands above the directives, and counts while its conditions hold."""


def derive(
    base: str,
    original: str,
    nb: str,
    ask: Callable[[Sequence[Directive]], str],
    *,
    own: Collection[str] = (),
    forwards: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Derived:
    """Find the fewest directives that make `ssh -G nb` equal to `base` in everything but our own options.

    `base` is the output of `ssh -G` for the destination, `original` what `%n` means there, `nb` our alias.
    `ask` returns the output of `ssh -G nb` in the user's config with our block on top, the given directives
    in it; it raises NbsshError if ssh refuses them. It is called twice as a rule, once if nothing but the
    host name differs.
    `own` adds keywords (lower case) to `OWN`; `forwards` are our forwards as `printed_forward` gives them. `names` are
    names of the host that are better than the one in `base`, if they come to the same.

    The same base and config give the same directives in the same order. Raises what `ask` raises if ssh
    refuses the alias even with no directive but the host name.
    """
    wanted = _expanded(parsed(base), original)
    accepted: dict[str, list[Spelling]] = {}
    hosts = [(name,) for name in names] + [wanted.get("hostname", ())]
    chosen = {"hostname": [each for host in hosts for each in spellings("hostname", host, ())]}
    answer = ""
    for _ in range(ROUNDS):
        try:
            answer = ask(_directives(chosen))
        except NbsshError:
            other = _without_refused(chosen, accepted, wanted, ask)
            if other is None:
                raise
            chosen = other
            continue
        accepted = chosen
        chosen = _improved(accepted, wanted, _expanded(parsed(answer), nb), own)
        if _directives(chosen) == _directives(accepted):
            break
    unexpressed = differences(base, answer, original, nb, own=own, forwards=forwards)
    return Derived(_directives(accepted), unexpressed)


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
    wanted, present = _expanded(parsed(base), original), _expanded(parsed(alias), nb)
    found = [
        _sentence(keyword, wanted.get(keyword, ()), present.get(keyword, ()), original, nb)
        for keyword in _unequal(wanted, present, own)
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


def denials(base: str, handed_over: Collection[str]) -> tuple[Directive, ...]:
    """Return the directives that keep agent, display and ticket here, but for the keywords in `handed_over`.

    A tunnel stays open for days; root on the server could use them for as long. Only keywords that `base`, the output
    of `ssh -G` for the destination, has: an ssh that was built without GSSAPI complains about its options.
    """
    known = parsed(base)
    kept = [keyword for keyword in _HANDED_OVER if keyword in known and keyword not in handed_over]
    return tuple((_HANDED_OVER[keyword], "no") for keyword in kept)


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


@lru_cache(maxsize=16)  # the same answer of a destination is compared again and again
def parsed(text: str) -> Answer:
    """Read the output of `ssh -G`. Lines end in LF and in nothing else that Python takes for a line's end."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        keyword, blank, value = line.removesuffix("\r").partition(" ")
        if blank:
            found.setdefault(keyword.lower(), []).append(value)
    return {keyword: tuple(values) for keyword, values in found.items()}


def _expanded(answer: Answer, host: str) -> Answer:
    """Replace `%n` and `%k` by what they mean for `host`, where ssh prints them as they were written."""
    (key_alias,) = answer.get("hostkeyalias", (host,))
    tokens = {"%n": percent(host), "%k": percent(key_alias)}

    def literal(token: re.Match[str]) -> str:
        return tokens.get(token.group(), token.group())

    return {
        keyword: tuple(re.sub("%.", literal, value) for value in values) if keyword in _UNEXPANDED else values
        for keyword, values in answer.items()
    }


def _unequal(wanted: Answer, present: Answer, own: Collection[str]) -> list[str]:
    """Keywords whose values differ in meaning, sorted."""
    keywords = (wanted.keys() | present.keys()) - _UNCOMPARED - set(own)
    if "ignoreunknown" not in wanted:  # more than the destination needs to read the file changes nothing
        keywords -= {"ignoreunknown"}
    return sorted(
        keyword
        for keyword in keywords
        if wanted.get(keyword) != present.get(keyword)
        and _meaning(keyword, wanted.get(keyword, ())) != _meaning(keyword, present.get(keyword, ()))
    )


def _meaning(keyword: str, values: tuple[str, ...]) -> tuple[str, ...]:
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


def _improved(
    chosen: Mapping[str, list[Spelling]], wanted: Answer, present: Answer, own: Collection[str]
) -> dict[str, list[Spelling]]:
    """Choose again, after `present` was the answer to `chosen`: new keywords, new spellings of wrong ones."""
    required = {keyword: values for keyword, values in _REQUIRED.items() if keyword in present}
    unequal = [keyword for keyword in _unequal(wanted, present, own) if keyword not in _GLOBAL]
    unequal += [keyword for keyword, values in required.items() if present[keyword] != values]
    better = dict(chosen)
    for keyword in unequal:
        if keyword in chosen:
            tried = chosen[keyword]
            better[keyword] = tried if keyword in _KEPT and len(tried) == 1 else tried[1:]
        elif not _decided_by_other_proxy(keyword, wanted):
            target = required.get(keyword, wanted.get(keyword, ()))
            if keyword == "connecttimeout":
                target = _meaning(keyword, target)
            better[keyword] = spellings(keyword, target, present.get(keyword, ()))
    return better


def _decided_by_other_proxy(keyword: str, wanted: Answer) -> bool:
    """Say whether a `none` is needless: of ProxyJump and ProxyCommand the first one written counts."""
    other = {"proxyjump": "proxycommand", "proxycommand": "proxyjump"}.get(keyword, "")
    return keyword not in wanted and other in wanted


def _without_refused(
    chosen: Mapping[str, list[Spelling]],
    accepted: Mapping[str, list[Spelling]],
    wanted: Answer,
    ask: Callable[[Sequence[Directive]], str],
) -> dict[str, list[Spelling]] | None:
    """Choose again, after ssh refused `chosen`: new spellings of what it refuses; None if there are none."""
    if not accepted:
        # The destination's block may hold the IgnoreUnknown without which ssh cannot read the whole file.
        if "ignoreunknown" in wanted and "ignoreunknown" not in chosen:
            return {**chosen, "ignoreunknown": spellings("ignoreunknown", wanted["ignoreunknown"], ())}
        return None
    refused = {}
    for keyword, tried in chosen.items():
        if tried != accepted.get(keyword, []):
            try:
                ask(_directives({**accepted, keyword: tried}))
            except NbsshError:
                refused[keyword] = tried[1:]
    return {**chosen, **refused} if refused else None


def _directives(chosen: Mapping[str, list[Spelling]]) -> tuple[Directive, ...]:
    """Take the first spelling of every keyword, in an order that does not depend on how it was found."""

    def place(keyword: str) -> tuple[int, str]:
        return (_FIRST.index(keyword) if keyword in _FIRST else len(_FIRST), keyword)

    return tuple(
        (spelled(keyword), argument)
        for keyword in sorted(chosen, key=place)
        for spelling in chosen[keyword][:1]
        for argument in spelling
    )


def _sentence(keyword: str, wanted: Sequence[str], present: Sequence[str], original: str, nb: str) -> str:
    """Say what differs in one keyword, in lower case but for the values."""
    if keyword in _GLOBAL:
        return f"{keyword} is {_listed(wanted)} for {original}, but ssh cannot set it for one host alone"
    if keyword in {"certificatefile", "identityfile", "sendenv"} and wanted and present:
        extra = _listed(value for value in present if value not in wanted)
        missing = _listed(value for value in wanted if value not in present)
        parts = [f"{nb} also has {extra}"] * bool(extra) + [f"{nb} lacks {missing}"] * bool(missing)
        return f"{keyword}: " + (" and ".join(parts) or f"{nb} has them in another order, {_listed(present)}")
    return f"{keyword} is {_listed(present) or 'not set'} for {nb}, but {_listed(wanted) or 'not set'} for {original}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)
