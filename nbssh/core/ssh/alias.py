"""Pure: from what `ssh -G` answers to the directives that make an alias behave exactly like its destination.

Derived, not parsed: this module never looks at the user's ssh_config, because only ssh knows what
`Match exec`, a wildcard or an included file adds up to. It must not run ssh either: its caller passes a
function that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nbssh.core.ssh.answer import GLOBAL, Answer, differences, expanded, meaning, parsed, unequal
from nbssh.core.ssh.grammar import Spelling, spelled, spellings
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from nbssh.core.ssh.moment import MatchBlock

Directive = tuple[str, str]
"""Keyword and argument text, quoted for ssh_config: `("IdentityFile", '"~/my keys/box"')`."""

ROUNDS: Final = 12
"""Bound on the rounds of `derive`. Two are the rule; a `Match user` that our lines set off costs another."""

_HANDED_OVER: Final = {
    "forwardagent": "ForwardAgent",
    "forwardx11": "ForwardX11",
    "gssapidelegatecredentials": "GSSAPIDelegateCredentials",
}

# A wildcard block that sets these otherwise would leave our aliases without tunnel or terminal.
_REQUIRED: Final = {
    "clearallforwardings": ("no",),
    "forkafterauthentication": ("no",),
    "sessiontype": ("default",),
    "stdinnull": ("no",),
}

# Where no spelling gives the wanted value, the last one stays: it is nearer to it than nothing. Keys and
# SendEnv add up with those of wildcard blocks; ssh makes `UpdateHostKeys ask` a `no` beside a RemoteCommand.
_KEPT: Final = frozenset(("certificatefile", "identityfile", "sendenv", "updatehostkeys"))

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
    wanted = expanded(parsed(base), original)
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
        chosen = _improved(accepted, wanted, expanded(parsed(answer), nb), own)
        if _directives(chosen) == _directives(accepted):
            break
    unexpressed = differences(base, answer, original, nb, own=own, forwards=forwards)
    return Derived(_directives(accepted), unexpressed)


def denials(base: str, handed_over: Collection[str]) -> tuple[Directive, ...]:
    """Return the directives that keep agent, display and ticket here, but for the keywords in `handed_over`.

    A tunnel stays open for days; root on the host could use them for as long. Only keywords that `base`, the output
    of `ssh -G` for the destination, has: an ssh that was built without GSSAPI complains about its options.
    """
    known = parsed(base)
    kept = [keyword for keyword in _HANDED_OVER if keyword in known and keyword not in handed_over]
    return tuple((_HANDED_OVER[keyword], "no") for keyword in kept)


def _improved(
    chosen: Mapping[str, list[Spelling]], wanted: Answer, present: Answer, own: Collection[str]
) -> dict[str, list[Spelling]]:
    """Choose again, after `present` was the answer to `chosen`: new keywords, new spellings of wrong ones."""
    required = {keyword: values for keyword, values in _REQUIRED.items() if keyword in present}
    wrong = [keyword for keyword in unequal(wanted, present, own) if keyword not in GLOBAL]
    wrong += [keyword for keyword, values in required.items() if present[keyword] != values]
    better = dict(chosen)
    for keyword in wrong:
        if keyword in chosen:
            tried = chosen[keyword]
            better[keyword] = tried if keyword in _KEPT and len(tried) == 1 else tried[1:]
        elif not _decided_by_other_proxy(keyword, wanted):
            target = required.get(keyword, wanted.get(keyword, ()))
            if keyword == "connecttimeout":
                target = meaning(keyword, target)
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
