"""What templates/remote/doctor says of a server, read as data. Pure; a line that is not of its form is dropped."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbssh.core.text import printable

_LINES, _CHARACTERS, _DIGITS = 1000, 200, 19


@dataclass
class Survey:
    """The state of one server: `clock` in seconds since 1970, `free` KiB by path, `runs` (profile, host, recorded)."""

    clock: float = 0.0
    host: str = ""
    free: dict[str, int] = field(default_factory=dict)
    quota: list[str] = field(default_factory=list)
    kills: bool = False
    profiles: list[str] = field(default_factory=list)
    runs: list[tuple[str, str, bool]] = field(default_factory=list)


def parse(out: bytes) -> Survey:
    """Return what the script's output says; what is missing stays empty."""
    said = Survey()
    for line in out.decode("utf-8", "replace").split("\n")[:_LINES]:
        key, *words = printable(line)[:_CHARACTERS].split() or [""]
        match key, words:
            case "clock", [seconds] if _is_number(seconds):
                said.clock = float(seconds)
            case "host", [host]:
                said.host = host
            case "free", [_, *_, kib] if _is_number(kib):
                said.free[" ".join(words[:-1])] = int(kib)
            case "quota", [_, *_]:
                said.quota.append(" ".join(words))
            case "kills", [answer]:
                said.kills = answer == "yes"
            case "profile", [profile] if profile not in said.profiles:
                said.profiles.append(profile)
            case "run", [profile, host, record]:
                said.runs.append((profile, host, record == "record"))
            case _:
                pass
    return said


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS
