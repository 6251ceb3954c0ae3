"""What `nbssh doctor` finds: one value per check, and how they are told. Pure; it looks at nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Level = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """One check's outcome. `repair` is what to run or change, empty where nothing is to be done.

    `profile` is empty for what concerns all of them.
    """

    check: str
    level: Level
    message: str
    repair: str = ""
    profile: str = ""


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether something does not work."""
    return any(finding.level == "error" for finding in findings)


def folded(findings: Sequence[Finding]) -> list[Finding]:
    """Return `findings` with all that is well about one profile in one line; what is not stays as it is."""
    kept: list[Finding] = []
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.profile, []).append(finding)
    for name, mine in found.items():
        well = [finding for finding in mine if finding.level == "ok"]
        if name and well:
            checks = ", ".join(dict.fromkeys(finding.check for finding in well))
            kept.append(Finding("", "ok", f"well: {checks}", profile=name))
        else:
            kept += well
        kept += [finding for finding in mine if finding.level != "ok"]
    return kept


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line: how many of what."""
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if not errors and not warnings:
        return f"{len(findings)} checks, all well"
    counts = ((errors, "error"), (warnings, "warning"))
    parts = [f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count]
    return f"{len(findings)} checks: {', '.join(parts)}"


def as_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Return the findings as `--json` prints them."""
    return [dict(msgspec.to_builtins(finding)) for finding in findings]


def tried(check: str, profile: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what `look` finds; that it cannot look is a finding too."""
    try:
        return list(look())
    except NbsshError as error:
        return [Finding(check, "error", error.message, error.hint, profile)]
