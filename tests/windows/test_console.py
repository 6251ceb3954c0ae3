"""The console of Windows is told to show colours, and every stream to take any character."""

from __future__ import annotations

import ctypes
import io
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nbssh.windows import console

if TYPE_CHECKING:
    import pytest


class FakeKernel:
    """A console on stdout; stderr goes into a file."""

    def __init__(self) -> None:
        self.modes: dict[int, int] = {}

    def GetStdHandle(self, number: int) -> int:  # noqa: N802  Windows' own name
        return number * 10

    def GetConsoleMode(self, handle: int, mode: Any) -> int:  # noqa: ANN401, N802
        mode._obj.value = 3
        return int(handle == -110)

    def SetConsoleMode(self, handle: int, mode: int) -> None:  # noqa: N802
        self.modes[handle] = mode


def test_colours_characters_and_plain_newlines(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, written = FakeKernel(), io.BytesIO()
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="cp1252", newline="\r\n"))
    console.prepare()
    sys.stdout.write("用户 ✓\n")
    sys.stdout.flush()
    # bash and ssh_config would take a carriage return for text
    assert written.getvalue().decode() == "用户 ✓\n"
    assert kernel.modes == {-110: 3 | 4}


def test_where_there_is_no_such_console_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    console.prepare()
