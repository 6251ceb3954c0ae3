"""What a part of the server's program uses of other parts, read from the syntax tree that shfmt makes of it."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PARTS = sorted([*(TEMPLATES / "server").glob("*.sh"), *(TEMPLATES / "batch").glob("*.sh")])
ENTRIES = [
    *(
        TEMPLATES / "server" / name
        for name in ("launch", "serve", "enter", "environ", "kill", "after", "keep", "status", "wait", "tidy")
    ),
    *(TEMPLATES / "batch" / name for name in ("job", "try")),
]
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


class Shell(msgspec.Struct):
    """The names in one script: what it defines, and what it uses, functions and variables apart."""

    functions: set[str]
    variables: set[str]
    called: set[str]
    read: set[str]


@functools.cache
def names_in(file: Path) -> Shell:
    """Return the names in `file`."""
    tree = subprocess.run(
        ["shfmt", "-ln", "posix", "--to-json"], input=file.read_bytes(), capture_output=True, check=True
    ).stdout
    found = Shell(set(), set(), set(), set())
    for node in _nodes(json.loads(tree)):
        _note(node, found)
    return found


def needs_of(file: Path) -> set[str]:
    """Return what `file` says that it needs."""
    lines = re.findall(r"^# needs:(.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return set(" ".join(lines).split())


def uses_of(file: Path, functions: set[str]) -> set[str]:
    """Return what `file` uses and does not define; `functions` are all that there are."""
    found = names_in(file)
    return (found.called & functions - found.functions) | {name for name in found.read - found.variables if name}


def _nodes(value: Any, without: str = "") -> Iterator[dict[str, Any]]:  # noqa: ANN401  JSON
    if isinstance(value, dict) and not (without and value.get("Type") == without):
        yield value
        for child in value.values():
            yield from _nodes(child, without)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child, without)


def _literal(word: dict[str, Any]) -> str:
    parts = word.get("Parts") or []
    return str(parts[0].get("Value", "")) if len(parts) == 1 else ""


def _note(node: dict[str, Any], found: Shell) -> None:
    kind = node.get("Type")
    if kind == "FuncDecl":
        found.functions.add(node["Name"]["Value"])
    elif kind == "ParamExp":
        found.read |= {name for name in [node["Param"]["Value"]] if _NAME.match(name)}
    elif kind == "ArithmExp":
        words = [part.get("Value", "") for part in _nodes(node["X"], without="CmdSubst") if part.get("Type") == "Lit"]
        found.read |= {name for word in words for name in _IDENTIFIER.findall(word)}
    elif kind == "ForClause" and node["Loop"].get("Name"):
        found.variables.add(node["Loop"]["Name"]["Value"])
    elif kind == "CallExpr":
        found.variables |= {assign["Name"]["Value"] for assign in node.get("Assigns") or []}
        words = [_literal(word) for word in node.get("Args") or []]
        if words:
            found.called.add(words[0])
        if words[:1] == ["read"]:
            found.variables |= {word for word in words[1:] if _NAME.match(word)}
        elif words[:1] in (["trap"], ["with_options"]):
            found.called.add(words[1])
