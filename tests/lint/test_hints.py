"""Every command that nbssh tells somebody to type works as it is pasted: it parses, and no prose goes on behind it.

What is told stands in strings of nbssh/ and in lines of templates/. A command reaches to the end of its clause, so a
hint says what it is for first: `why: nbssh doctor box`.
"""

from __future__ import annotations

import ast
import functools
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from calls import COMMANDS, arguments, parsed

from nbssh.core.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "box"  # what every placeholder is filled with
PLACES = {NAME, f"{NAME}:", "NAME", "NAME:", "PATH", "DIR", "DESTINATION"}
# A sentence that has a command for its subject or tells of it; nobody is told to type that one.
STATEMENTS = {"nbssh unit is for", "nbssh demo --once needs"}
TOLD = re.compile(rf"\bnbssh (?:{'|'.join(map(re.escape, COMMANDS))})\b.*?(?=; |;$|, |\)|\||`|\s&& |\n|\Z)", re.DOTALL)


def filled(node: ast.expr) -> list[str]:
    """Return what an expression can say, placeholders filled; a choice says both of its sides."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [""]
    if isinstance(node, ast.FormattedValue):
        return filled(node.value)
    if isinstance(node, ast.IfExp):
        return filled(node.body) + filled(node.orelse)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in filled(node.left) for right in filled(node.right)]
    if isinstance(node, ast.JoinedStr):
        said = [""]
        for part in node.values:
            said = [before + after for before in said for after in filled(part)]
        return said
    return [NAME]


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string below `node` that a program can print: no docstrings."""
    said = isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.IfExp)
    if said and not (isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add)):
        assert isinstance(node, ast.expr)
        yield from ((node.lineno, text) for text in filled(node))
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def of_code() -> Iterator[tuple[str, str]]:
    """Yield place and text of what the program says; help texts are no hints."""
    for path in sorted((REPOSITORY / "nbssh").rglob("*.py")):
        where = path.relative_to(REPOSITORY)
        if where.parts[1] != "cli" and where.name not in {"options.py", "schema.py"}:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, text in strings(tree):
                # what was no f-string is a text with places of its own, for format()
                yield f"{where}:{line}", re.sub(r"\{\w+\}", NAME, text)


def of_templates() -> Iterator[tuple[str, str]]:
    """Yield place and text of the lines of templates, split where their quotes end."""
    for path in sorted((REPOSITORY / "templates").rglob("*")):
        where = path.relative_to(REPOSITORY)
        if path.is_file() and where.parts[1] not in {"completions", "man"} and where.suffix != ".json":
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                text = re.sub(r"\$\{\w+\}|\$\w+|\{\{.*?\}\}|%\w+%|%s", NAME, line)
                for part in re.split(r"""(?<!\\)"|(?<!\w)'|'(?!\w)| -->""", text):
                    yield f"{where}:{number}", part.replace('\\"', '"').replace("\\n", "\n")


@functools.cache
def told() -> list[tuple[re.Match[str], str, str]]:
    """Return each command that somebody is told to type, the text that it stands in, and its place."""
    return [
        (found, text, place)
        for place, text in [*of_code(), *of_templates()]
        if not any(statement in text for statement in STATEMENTS)
        for found in TOLD.finditer(text)
    ]


def hints() -> list[tuple[str, str]]:
    return sorted({(found[0].strip(), place) for found, _, place in told()})


def test_a_hint_that_ends_with_a_command_names_what_it_is_for() -> None:
    # where the command itself is the whole text, it is named for something else
    ends = {(said[0].strip(), place) for said, text, place in told() if len(said[0]) < said.end() == len(text)}
    assert len(ends) > 40
    for hint, place in sorted(ends):
        command = COMMANDS.get(shlex.split(hint)[-1])
        needed = [each.name for each in command.params if each.required] if command else []
        assert not needed, f"{place}: {hint}"


def test_the_hints_are_found() -> None:
    found = {hint for hint, _ in hints()}
    assert {
        "nbssh apply box",  # of NbsshError
        "nbssh passwd box --token",  # behind a choice
        "nbssh apply --probe box",  # put together by +
        'nbssh edit box: forward = "socket"',  # of a script on the host
        "nbssh doctor box",
    } <= found
    assert len(found) > 40


def test_every_hint_works_as_it_is_pasted() -> None:
    for hint, place in hints():
        words = shlex.split(hint)[1:]
        shown = f"{place}: {hint}"
        given = arguments(words[0], parsed(words, shown))
        if words[0] == "edit" and given.get("name", [""])[0].endswith(":"):
            key, *_ = given.pop("change")[0].partition(".")  # a hint that names what to change
            assert key in Profile.__struct_fields__, shown
        if words[0] == "templates":
            given.pop("action", None)  # one of three words
        if words[0] == "completions":
            given.pop("shell")  # one of four, as the parser saw
        assert {value for values in given.values() for value in values} <= PLACES, shown


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("f'nbssh apply {x}' + ' now'", ["nbssh apply box now"]),
        ("f'a{\"b\" if x else c}'", ["ab", "abox"]),
        ("call('one') % 2", ["one"]),
    ],
)
def test_strings_are_read_from_code(code: str, said: list[str]) -> None:
    assert [text for _, text in strings(ast.parse(f"y = {code}")) if text] == said
