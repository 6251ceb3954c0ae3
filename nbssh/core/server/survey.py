"""What templates/sent/doctor says of a host, read as data. Pure; a line that is not of its form is dropped."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbssh.core import answers

_CHARACTERS, _DIGITS = 200, 19


@dataclass
class Survey:
    """The state of one host: `clock` in seconds since 1970, `free` KiB by path, `runs` (profile, host, recorded).

    `older` are the hosts, by profile, with a Jupyter that was started before the profile's settings were changed.
    """

    clock: float = 0.0
    host: str = ""
    free: dict[str, int] = field(default_factory=dict)
    quota: list[str] = field(default_factory=list)
    kills: bool = False
    open: str = ""
    repair: str = ""
    profiles: list[str] = field(default_factory=list)
    runs: list[tuple[str, str, bool]] = field(default_factory=list)
    older: set[tuple[str, str]] = field(default_factory=set)


def parse(out: bytes) -> Survey:  # noqa: C901  a case for each kind of line
    """Return what the script's output says; what is missing stays empty."""
    said = Survey()
    for row in answers.rows(out, _CHARACTERS):
        match row:
            case ["clock", seconds] if _is_number(seconds):
                said.clock = float(seconds)
            case ["host", host]:
                said.host = host
            case ["free", first, *more, kib] if _is_number(kib):
                said.free[" ".join((first, *more))] = int(kib)
            case ["quota", first, *more]:
                said.quota.append(" ".join((first, *more)))
            case ["open", first, *more]:
                said.open = " ".join((first, *more))
            case ["repair", first, *more]:
                said.repair = " ".join((first, *more))
            case ["kills", answer]:
                said.kills = answer == "yes"
            case ["profile", profile] if profile not in said.profiles:
                said.profiles.append(profile)
            case ["run", profile, host, record]:
                said.runs.append((profile, host, record != "none"))
                said.older |= {(profile, host)} if record == "older" else set()
            case _:
                pass
    return said


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS
