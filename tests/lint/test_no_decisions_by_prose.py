"""No decision is taken by searching text that was written for people: its words may change, a value stays."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent.parent / "nbssh"
ATTRIBUTES, VARIABLES = {"message", "why", "hint"}, {"why", "hint"}
"""What holds sentences of ours."""
SEARCHES = {
    "count", "endswith", "find", "index", "partition", "removeprefix", "removesuffix", "rfind", "rpartition", "rsplit",
    "split", "splitlines", "startswith",
}  # fmt: skip
REGEXES = {"findall", "finditer", "fullmatch", "match", "search", "split", "sub"}
EXCEPTIONS = {"error", "exc", "exception", "trouble"}
# What tells nothing but its words: msgspec's errors have no fields.
ALLOWED = {("core/profile/wrong.py", "explained")}


class Finder(ast.NodeVisitor):
    """Collects the lines on which prose is searched or compared."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int]] = []
        self._functions: list[str] = []
        self._texts: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions.append(node.name)
        before = set(self._texts)
        self.generic_visit(node)
        self._texts = before
        self._functions.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        if self._is_prose(node.value):  # `text = str(error)`, searched later
            self._texts |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            searched = isinstance(operator, ast.In | ast.NotIn) and self._is_prose(right)
            compared = isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) and self._is_prose(left)
            if searched or compared or (isinstance(operator, ast.Eq | ast.NotEq) and self._is_prose(right)):
                self._find(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            method = function.attr in SEARCHES and self._is_prose(function.value)
            regex = function.attr in REGEXES and any(map(self._is_prose, node.args))
            if method or regex:
                self._find(node)
        self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> None:
        if self._is_prose(node.subject):
            self._find(node)
        self.generic_visit(node)

    def _find(self, node: ast.expr | ast.stmt) -> None:
        self.found.append((self._functions[-1] if self._functions else "", node.lineno))

    def _is_prose(self, node: ast.expr) -> bool:
        match node:
            case ast.Attribute(attr=name):
                return name in ATTRIBUTES
            case ast.Name(id=name):
                return name in VARIABLES | self._texts
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]):
                return name in EXCEPTIONS
            case ast.Call(func=ast.Attribute(attr="lower" | "strip" | "casefold", value=text)):
                return self._is_prose(text)
            case ast.Subscript(value=ast.Attribute(attr="args")):
                return True
        return False


def searches(text: str) -> list[tuple[str, int]]:
    finder = Finder()
    finder.visit(ast.parse(text))
    return finder.found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_sentence_is_searched(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    found = [place for place in searches(path.read_text(encoding="utf-8")) if (name, place[0]) not in ALLOWED]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'if "refused" in str(error): ...',
        'if "refused" not in str(error).lower(): ...',
        'x = error.message.partition("configuration: ")[2]',
        'if "stands below" in wanted.why: ...',
        'x = "mode" in why',
        'if change.why == "removed": ...',
        'if "removed" != change.why: ...',
        'x = hint.startswith("nbssh")',
        "if error.message in KNOWN: ...",
        're.search("x", error.message)',
        'text = str(error)\nif "x" in text: ...',
        'if "x" in error.args[0]: ...',
        'match error.message:\n    case "x": ...',
    ],
)
def test_the_search_for_searches_finds_them(line: str) -> None:
    assert searches(line)


@pytest.mark.parametrize(
    "line",
    [
        "if change.kind is Kind.ALIASES: ...",
        "if error.hint: print(error.hint)",
        'raise NbsshError(f"{error.message}; nothing was changed", error.hint)',
        "if isinstance(error, ClosedPortError): ...",
        'if why: yield Finding("files", "error", why)',
        'x = line.startswith("# ")',
    ],
)
def test_values_are_no_prose(line: str) -> None:
    assert searches(line) == []


def test_what_is_allowed_is_still_there() -> None:
    for name, function in ALLOWED:
        assert function in {place[0] for place in searches((PACKAGE / name).read_text(encoding="utf-8"))}
