"""Whatever goes wrong while one host is handled is that host's error; a bug of ours still reaches the bug log."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nbssh
from nbssh.adapters.laptop.paths import Paths
from nbssh.errors import NbsshError
from nbssh.steps import border

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(nbssh.__file__).parent


def deep() -> None:
    deep()


def endless() -> None:
    bytearray(1 << 62)


ERRORS: dict[str, Callable[[], object]] = {
    "RecursionError": deep,
    "MemoryError": endless,
    "OverflowError": lambda: float(10**400),
    "UnicodeDecodeError": b"\xff".decode,
    "KeyError": lambda: {}[1],
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_bug_is_the_hosts_own_error_and_in_the_log(tmp_path: Path, name: str) -> None:
    paths = Paths(tmp_path)
    log = Path(paths.log)
    before = log.stat().st_size if log.exists() else 0
    with (
        pytest.raises(NbsshError, match=f"'box': this is a bug in nbssh: {name}") as caught,
        border.around("box", paths),
    ):
        ERRORS[name]()
    assert str(log) in caught.value.hint
    assert name in log.read_text()[before:]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BrokenPipeError(), NbsshError("expected")])
def test_what_is_no_bug_passes_as_it_is(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, border.around("box", Paths(tmp_path)):
        raise error
    assert caught.value is error


def test_every_command_that_handles_several_hosts_has_one() -> None:
    for module in ("status", "apply", "remove", "doctor/__init__"):
        tree = ast.parse((PACKAGE / "commands" / f"{module}.py").read_text(encoding="utf-8"))
        entered = [
            ast.unparse(item.context_expr)
            for node in ast.walk(tree)
            if isinstance(node, ast.With)
            for item in node.items
        ]
        assert any(text.startswith("border.around(") for text in entered), module
