"""`nbssh doctor --report`: what somebody else needs to understand a trouble, as Markdown, and no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.about import about
from nbssh.adapters.terminal.ui import columns
from nbssh.core import masked
from nbssh.core.markdown import fenced
from nbssh.core.server.doctor import summary
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nbssh.core.server.doctor import Finding
    from nbssh.steps.profiles import Target

_LENGTH = 4  # of a secret that is looked for: a shorter one would be found in every other word


def report_of(name: str, targets: Sequence[Target], findings: Sequence[Finding]) -> str:
    """Return the report on `targets`, all of them where `name` is empty.

    Each value is masked by itself: a pattern that went over the whole could take a fence with it.
    """
    hidden = _hiding(_secrets(targets))
    # the name of a profile is plain by its grammar
    declared = [
        f"Profile `{target.name}`:\n\n{fenced('toml', store.shown_text(target.profile, hidden))}" for target in targets
    ]
    rows: list[tuple[str, str, str, str]] = []
    for each in findings:
        rows.append((each.level, each.profile or "here", each.check, hidden(each.message)))
        if each.repair:
            rows.append(("", "", "", f"-> {hidden(each.repair)}"))
    found = f"Doctor, {summary(findings)}:\n\n{fenced('text', columns(rows))}"
    return "\n".join([about(f"doctor {name}".rstrip()), *declared, found])


def _secrets(targets: Iterable[Target]) -> set[str]:
    """Return the secrets that are stored for `targets`; those that cannot be read are nowhere else, either."""
    found: set[str] = set()
    for target in targets:
        try:
            found |= {target.secret.hash, target.secret.token, *target.secret.key.splitlines()}
        except NbsshError:
            continue
    return {secret for secret in found if len(secret) >= _LENGTH}


def _hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    longest_first = sorted(secrets, key=len, reverse=True)

    def hidden(text: str) -> str:
        for secret in longest_first:
            text = text.replace(secret, masked.SIGN)
        return masked.text(text)

    return hidden
