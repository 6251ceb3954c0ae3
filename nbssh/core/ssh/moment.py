"""Pure: what a user's ssh_config decides at each connection, by `Match exec` and `Match localnetwork`.

An alias must not keep to the answer of the day on which it was made. So what ssh says is asked for each answer, with
the condition settled in a copy of the config, and the alias gets a `Match` block with the same condition.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from nbssh.core.ssh.grammar import parse_line, percent, word
from nbssh.core.ssh.include import config_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbssh.core.ssh.include import Disk

MOST: Final = 2  # conditions that an alias follows; each doubles the questions to ssh
_MATCH: Final = re.compile(rb"\b(?:match|include)\b", re.IGNORECASE)
MOMENTARY: Final = frozenset(("exec", "localnetwork"))
_ALONE: Final = frozenset(("all", "canonical", "final"))
_NEVER: Final = "Match originalhost !*"
# What means the same for our alias, and what is put in for the destination (TOKENS in ssh_config(5))
_SAME: Final = "%%diluL"


class Condition(msgspec.Struct, frozen=True):
    """A criterion of a Match line: `exec` and its command, or `localnetwork` and its networks."""

    keyword: str
    argument: str

    def __str__(self) -> str:
        """Return it as ssh_config has it."""
        return f"{self.keyword} {word(self.argument)}"

    def for_alias(self, tokens: Mapping[str, str]) -> Condition | None:
        """Return what an alias asks to get the destination's answer, None if it has a token that `tokens` lacks.

        `tokens` are those that mean something else for an alias: `%n` the host as typed, `%h`, `%p`, `%r`.
        """
        if self.keyword != "exec":
            return self
        found = set(re.findall(r"%(.)", self.argument)) - set(_SAME)
        if not found <= tokens.keys():
            return None
        values = {f"%{token}": percent(value) for token, value in tokens.items()}
        argument = re.sub(r"%.", lambda token: values.get(token.group(), token.group()), self.argument)
        return Condition(self.keyword, argument)


class MatchBlock(msgspec.Struct, frozen=True):
    """What holds where `conditions` do. The alias has the directives in a Match block that has the criteria `asked`."""

    conditions: tuple[Condition, ...]
    asked: tuple[str, ...]
    directives: tuple[tuple[str, str], ...]


Settled = Mapping[Condition, bool]
Criteria = list[tuple[bool, str, str]]
"""A Match line: whether each criterion is negated, its keyword, its argument."""


def match_lines(config: bytes, disk: Disk) -> list[Criteria]:
    """Return the criteria of all Match lines of the user's config and of what it includes."""
    directory = posixpath.join(disk.home, ".ssh", "nbssh.d")
    lines = config_lines(config, disk, directory, _MATCH)
    return [list(_criteria(line.arguments)) for line in lines if line.keyword == "match"]


def conditions(lines: Iterable[Criteria], host: str) -> list[Condition]:
    """Return what is decided at each connection to `host`, as typed, in the order in which the config asks.

    A Match line for other hosts does not count. Its `host` is the name after HostName, which only ssh knows.
    """
    found: dict[Condition, None] = {}
    for criteria in lines:
        if any(keyword == "originalhost" and _listed(value, host) is negated for negated, keyword, value in criteria):
            continue
        found |= {Condition(keyword, value): None for _, keyword, value in criteria if keyword in MOMENTARY}
    return list(found)


def settled(raw: bytes, answers: Settled) -> bytes:
    """Return a line of a config as it is where the conditions have these answers; all but Match lines stay."""
    if not answers or b"match" not in raw.lower():
        return raw
    parsed = parse_line(raw.decode("utf-8", "surrogateescape"))
    if parsed is None or parsed[0] != "match":
        return raw
    kept: list[str] = []
    changed = False
    for negated, keyword, value in _criteria(parsed[1]):
        condition = Condition(keyword, value)
        if condition not in answers:
            kept += ["!" * negated + keyword, *([word(value)] if value else [])]
            continue
        changed = True
        if answers[condition] is negated:
            return _NEVER.encode()
    if not changed:
        return raw
    return f"Match {' '.join(kept) or 'all'}".encode("utf-8", "surrogateescape")


def _criteria(arguments: list[str]) -> Iterator[tuple[bool, str, str]]:
    """Yield the criteria of a Match line: whether it is negated, its keyword, its argument."""
    rest = iter(arguments)
    for said in rest:
        name, equals, value = said.removeprefix("!").partition("=")
        keyword = name.lower()
        if keyword in _ALONE:
            yield said.startswith("!"), keyword, ""
        else:
            yield said.startswith("!"), keyword, value if equals else next(rest, "")


def _listed(patterns: str, host: str) -> bool:
    """Tell whether a pattern list, `a*,!b`, has `host` (PATTERNS in ssh_config(5))."""
    found = False
    for pattern in patterns.lower().split(","):
        regex = re.escape(pattern.removeprefix("!")).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(regex, host.lower()):
            if pattern.startswith("!"):
                return False
            found = True
    return found
