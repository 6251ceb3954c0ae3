"""The man pages nbssh(1) and nbssh-profile(5): what the commands and the profile's schema say, as models. Pure.

The pages are static and committed under docs/man/, from where the wheel puts them where man looks; a test fails when
they are stale. The tree of commands comes as an argument, the Click group that Typer makes of an app.
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar, NamedTuple

from nbssh import __version__
from nbssh.core.files.render import render
from nbssh.core.files.template import Template
from nbssh.core.profile import schema

_EVERYWHERE = {"help", "verbose"}  # options that stand once, for all commands


class Item(NamedTuple):
    """A line of a list: what is typed (bold), what stands for its value, and what both say."""

    term: str
    value: str
    about: str


class Command(NamedTuple):
    """One command: the words after its name, the paragraphs of its help, its arguments and options."""

    name: str
    usage: str
    about: tuple[str, ...]
    items: tuple[Item, ...]


class Manual(Template, frozen=True, kw_only=True):
    """nbssh(1). `options` are those of the program itself."""

    templates: ClassVar = ("man/nbssh.1",)
    version: str = __version__
    date: str
    options: tuple[Item, ...]
    commands: tuple[Command, ...]


class ProfileManual(Template, frozen=True, kw_only=True):
    """nbssh-profile(5)."""

    templates: ClassVar = ("man/nbssh-profile.5",)
    version: str = __version__
    date: str
    keys: tuple[Item, ...]


def pages(tree: Any, date: str) -> dict[str, str]:  # noqa: ANN401  Typer keeps its classes to itself
    """Return file name -> page. `date` is the release's, as YYYY-MM-DD."""
    shown = (command for command in tree.commands.items() if not command[1].hidden)
    manual = Manual(
        date=date, options=_options(tree, but=frozenset()), commands=tuple(_command(*each) for each in shown)
    )
    return {"nbssh.1": render(manual), "nbssh-profile.5": render(ProfileManual(date=date, keys=_keys()))}


def _command(name: str, command: Any) -> Command:  # noqa: ANN401
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = [_place(each) for each in arguments]
    options = _options(command, but=_EVERYWHERE)
    return Command(
        name,
        " ".join([*(["[OPTIONS]"] if options else []), *usage]),
        tuple(_sentence(part) for part in re.split(r"\n\s*\n", command.help or "") if part.strip()),
        (*(Item("", each.metavar, _sentence(each.help)) for each in arguments if each.help), *options),
    )


def _place(argument: Any) -> str:  # noqa: ANN401
    word = argument.metavar.strip("[]") + ("..." if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _options(command: Any, *, but: set[str] | frozenset[str]) -> tuple[Item, ...]:  # noqa: ANN401
    shown = (each for each in command.params if each.param_type_name == "option" and not each.hidden)
    return tuple(
        Item(
            ", ".join(sorted([*each.opts, *each.secondary_opts], key=len)),
            "" if each.is_flag or each.count else each.metavar or "VALUE",
            _sentence(each.help),
        )
        for each in shown
        if each.name not in but
    )


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _keys() -> tuple[Item, ...]:
    """Return the keys of a profile; those of a table that are described stand behind it, with its name in front."""
    whole = schema.schema()
    found: list[Item] = []
    for key, node in whole["properties"].items():
        if "$ref" not in node:
            found.append(_key(key, node, whole))
            continue
        table = whole["$defs"][node["$ref"].rpartition("/")[2]]
        found.append(Item(key, "table", node["description"]))
        inner = {f"{key}.{name}": each for name, each in table["properties"].items() if "description" in each}
        found += [_key(name, each, table) for name, each in inner.items()]
    return tuple(found)


def _key(name: str, node: dict[str, Any], table: dict[str, Any]) -> Item:
    default = node.get("default")
    if name.rpartition(".")[2] in table["required"]:
        said = " (required)"
    else:
        said = "" if default in ("", [], None) else f" (default: {json.dumps(default)})"
    return Item(name, _kind(node), f"{node['description']}{said}")


def _kind(node: dict[str, Any]) -> str:
    """Return what a key takes, in a word or two."""
    if "enum" in node:
        return " or ".join(json.dumps(value) for value in node["enum"] if value != "")
    if node["type"] == "array":
        return "array of strings"
    limits = [str(node[end]) for end in ("minimum", "exclusiveMinimum", "maximum") if end in node]
    return f"{node['type']}, {' to '.join(limits)}" if len(limits) == 2 else str(node["type"])  # noqa: PLR2004  both
