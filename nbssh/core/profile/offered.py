"""What an editor shows of a profile beside what stands in it: the keys that do not, as comments. Pure."""

from __future__ import annotations

import json
import re

import msgspec

from nbssh.core.profile.profile import Profile
from nbssh.core.profile.schema import about
from nbssh.core.text import lines_of

HEAD = "# Every other key, with its default or an example: take away its # to set it. What you leave alone is not kept."
_NOT_BY_HAND = {"auth", "carried"}
_NO_DEFAULT = {"remote_port": 10080, "idle_hours": 12.0}


def put(text: str, pointer: str) -> str:
    """Return the profile `text` as an editor gets it: `pointer`, which editors read, in front, and the other keys."""
    lines = lines_of(text)
    tables = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    # a key below a table's head would be the table's; a last line without its end stays as it is
    where = tables[0] if tables else len(lines) if text.endswith("\n") else 0
    while tables and where and (not lines[where - 1].strip() or lines[where - 1].lstrip().startswith("#")):
        where -= 1  # a comment above a table is the table's
    said = {found[1] for line in lines if (found := re.match(r"\s*[\"']?(\w+)[\"']?\s*=", line))}
    offered = [HEAD, *(line for key, line in _lines().items() if key not in said)]
    return "".join([f"{pointer}\n", *lines[:where], *(f"{line}\n" for line in offered), *lines[where:]])


def take(text: str, pointer: str) -> str:
    """Return what an editor left, without the lines of `put` that are as they were."""
    ours = {pointer, HEAD, *_lines().values()}
    return "".join(line for line in lines_of(text) if line.rstrip("\r\n") not in ours)


def _lines() -> dict[str, str]:
    """Return the comment that offers each key."""
    told, found = about(), {}
    for field in msgspec.structs.fields(Profile):
        default = field.default_factory() if callable(field.default_factory) else field.default
        value = _NO_DEFAULT.get(field.name, default)
        if (
            field.name in _NOT_BY_HAND or value is None or value is msgspec.NODEFAULT
        ):  # a table, or what each profile has
            continue
        found[field.name] = f"# {field.name} = {json.dumps(value)}  # {told[field.name].rstrip('.')}"
    return found
