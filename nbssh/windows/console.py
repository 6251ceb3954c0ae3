r"""The console of Windows: UTF-8 and `\n` in pipes and files too, and colours, which an old one shows when asked to."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys

_STDERR, _STDOUT = -12, -11  # GetStdHandle
_ESCAPES = 4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING (SetConsoleMode)


def prepare() -> None:
    r"""Make stdout and stderr take any character and end lines with `\n`, the console obey escapes. Never fails."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    with contextlib.suppress(AttributeError, OSError):
        kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  it exists on Windows alone
        for number in (_STDOUT, _STDERR):
            handle, mode = kernel.GetStdHandle(number), ctypes.c_ulong()
            if kernel.GetConsoleMode(handle, ctypes.byref(mode)):
                kernel.SetConsoleMode(handle, mode.value | _ESCAPES)
