"""What is wrong with a profile, in words, with the line of its file. Pure."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from nbssh.core.profile.options import OPTIONS
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_PORT, PORTS = 20000, 10000  # local ports that names give: below those that systems give away by themselves
UNPRIVILEGED = 1024  # ip(7): ports below need CAP_NET_BIND_SERVICE


def explained(
    error: msgspec.ValidationError,
    data: dict[str, Any],
    source: str,
    tables: Sequence[type[msgspec.Struct]],
    toml: str = "",
) -> NbsshError:
    """Return what is wrong in `data`, which `source` says, in its text `toml`; `tables`: the profile's and those below.

    Which key it is and what is wrong with it, msgspec says in its words alone.
    """
    top = _keys(tables[0])
    text = str(error)
    where = re.search(r"at `\$\.(.*?)(\[\.\.\.\])?`", text)
    if unknown := re.search(r"unknown field `(.*?)`", text):
        key = unknown.group(1)
        source = _with_line(source, toml, f"{where.group(1)}.{key}" if where else key)
        if key == "client":
            return NbsshError(
                f"{source}: the key 'client' is no longer known: nbssh writes the files of the system that it runs on",
                "for the ssh of another system run nbssh on that system; here delete that line, or the file",
            )
        if where and key in top:
            return NbsshError(f"{source}: '{key}' is no key of this table", f"put it above the line [{where.group(1)}]")
        known = [key for struct in tables for key in _keys(struct)]
        close = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean '{close[0]}'?" if close else "known keys: " + ", ".join(top)
        return NbsshError(f"{source}: unknown key '{printable(key, 60)}'", hint)
    if missing := re.search(r"missing required field `(.*?)`", text):
        return NbsshError(f"{source}: the key '{missing.group(1)}' is missing", "add it, or make the profile again")
    key = where.group(1) if where else "value"
    return _wrong_value(text, data, _with_line(source, toml, key), key)


def _wrong_value(text: str, data: dict[str, Any], source: str, key: str) -> NbsshError:
    said = printable(str(data.get(key, "")), 60)
    if key == "persist" and isinstance(data.get(key), str):
        return NbsshError(f"{source}: 'persist': '{said}' is no time", "as ssh has it: 90, 10m, 1h30m, or yes for ever")
    if "matching regex" in text:
        return NbsshError(f"{source}: '{key}' holds a control character or a line break", "write it on one line")
    choices = next((option.choices for option in OPTIONS if option.key == key), ())
    if choices and isinstance(data.get(key), str):
        return NbsshError(f"{source}: '{key}': there is no '{said}'", " or ".join(choices))
    if key.endswith("port"):
        return port_refused(data.get(key), source)
    reason = printable(text.split(" - at ", maxsplit=1)[0], 200)
    return NbsshError(f"{source}: '{key}': {reason[:1].lower()}{reason[1:]}", "correct the value")


def _keys(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _with_line(source: str, toml: str, key: str) -> str:
    """Return `source` with the number of the line that sets `key`, as `server.port`, where it is found in `toml`."""
    table, _, last = key.rpartition(".")
    start = re.search(rf"(?m)^[ \t]*\[[ \t]*{re.escape(table)}[ \t]*\]", toml) if table else None
    found = re.compile(rf"(?m)^[ \t]*[\"']?{re.escape(last)}[\"']?[ \t]*[=.\]]").search(
        toml, start.end() if start else 0
    )
    return f"{source}:{toml.count(chr(10), 0, found.start()) + 1}" if found else source


def port_refused(port: object, source: str, example: str = f"{FIRST_PORT}") -> NbsshError:
    """Return the error for a port that cannot be used; the classic recipe's 1008 and 1009 are the usual case."""
    if isinstance(port, int) and 0 < port < UNPRIVILEGED:
        return NbsshError(
            f"{source}: port {port} is below {UNPRIVILEGED}, which only root may open",
            f"take a port from {UNPRIVILEGED} to 65535, for example {example}",
        )
    return NbsshError(f"{source}: {printable(str(port), 60)} is no port", f"take a number from {UNPRIVILEGED} to 65535")
