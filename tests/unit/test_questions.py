"""Every yes or no that is asked for: Enter means yes where a yes is what was just asked for, and can be undone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from bed import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

YES = {
    ("steps/include.py", "consent"): "add and init are there to add it, and it was shown",
    ("commands/edit.py", "_taken_up"): "she has just written what these changes are",
    ("commands/edit.py", "_edited"): "she is at editing, and what she wrote is kept",
}
NO = {
    ("steps/writing.py", "refuse_edits"): "nobody asked for her own edits to be overwritten",
    ("steps/joining.py", "_consent"): "a new profile was asked for, not one that is there",
    ("commands/remove.py", "uninstall"): "what runs on every host ends, and no kernel comes back",
}


def questions() -> Iterator[tuple[tuple[str, str], bool]]:
    """Give file and function of each question, and whether Enter means yes."""
    for file in sorted((REPOSITORY / "nbssh").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_bytes())):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ask":
                    said = {keyword.arg: keyword.value for keyword in node.keywords}
                    if "otherwise" in said:
                        default = said.get("default", ast.Constant(value=False))
                        assert isinstance(default, ast.Constant)
                        yield (file.relative_to(REPOSITORY / "nbssh").as_posix(), function.name), bool(default.value)


def test_enter_means_what_the_table_says() -> None:
    assert dict(questions()) == dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
