"""A laptop that looks like Windows: `python windows.py WORDS…` is nbssh there, `pytest -p windows` tests there.

Only modules of nbssh and of its tests see Windows: what they import is changed on its way to them. Libraries and
Python's own modules go on seeing the system that they run on, so nothing here depends on how they are made. The paths
stay those of this system: what differs in their flavour is tested where it is decided.
"""

from __future__ import annotations

import builtins
import os
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MISSING_MODULES = {"fcntl", "grp", "pexpect", "pty", "ptyprocess", "pwd", "resource", "syslog", "termios", "tty"}
MISSING_IN_OS = {
    "O_DIRECTORY", "chown", "fchmod", "fchown", "fork", "forkpty", "getegid",
    "geteuid", "getgid", "getpgid", "getuid", "getxattr", "killpg", "listxattr", "mkfifo", "openpty", "pread",
    "set_blocking", "setsid", "setxattr", "uname", "wait3", "wait4",
}  # fmt: skip
MISSING_IN_SIGNAL = {"SIGALRM", "SIGHUP", "SIGQUIT", "SIGWINCH", "pthread_sigmask"}
_ROOT = Path(__file__).resolve().parents[2]
_OURS = (f"{_ROOT / 'nbssh'}{os.sep}", f"{_ROOT / 'tests'}{os.sep}")


# Access lists: each that is set becomes a line in this folder's file `set`, those of `read` are answered.
RULES = "NBSSH_BED_RULES"
USER = "S-1-5-21-1-2-3-1001"


class _Security(ModuleType):
    """What nbssh.windows.security asks of Windows, answered from files."""

    def user(self) -> str:
        return USER

    def rules(self, path: str) -> str:
        folder = os.environ.get(RULES, "/")
        try:
            lines = Path(folder, "read").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        found = [rules for name, _, rules in (line.rpartition(" ") for line in lines) if path.endswith(name)]
        return found[0] if found else f"D:P(A;;FA;;;{USER})(A;;FA;;;SY)(A;;FA;;;BA)"

    def set_rules(self, path: str, wanted: str) -> None:
        folder = os.environ.get(RULES)
        if not folder:
            return
        if Path(folder, "fails").exists():
            raise PermissionError(13, "Access is denied", path)
        with Path(folder, "set").open("a", encoding="utf-8") as file:
            file.write(f"{path} {wanted}\n")


class _Changed(ModuleType):
    """A module as it is on Windows: all that is not `missing` or `changed` is the real one's, to be set too."""

    def __init__(self, real: ModuleType, missing: set[str], **changed: object) -> None:
        super().__init__(real.__name__, real.__doc__)
        self.__dict__.update(_real=real, _missing=missing, **changed)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the module has there
        if name in self._missing:
            raise AttributeError(f"on Windows module '{self.__name__}' has no '{name}'", name=name, obj=self)
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__dict__["_real"], name, value)


def become_windows() -> None:
    """Show Windows to every module of ours that is imported from now on."""
    changed = {
        "os": _Changed(os, MISSING_IN_OS),
        "signal": _Changed(signal, MISSING_IN_SIGNAL),
        "socket": _Changed(socket, {"AF_UNIX"}, SO_EXCLUSIVEADDRUSE=socket.SO_KEEPALIVE),
        "sys": _Changed(sys, set(), platform="win32"),
    }
    sys.modules["nbssh.windows.security"] = _Security("nbssh.windows.security")
    real = builtins.__import__

    def as_windows(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  the language's names for them
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if not str((globals or {}).get("__file__", "")).startswith(_OURS):
            return real(name, globals, locals, fromlist, level)
        if name.partition(".")[0] in MISSING_MODULES:
            raise ModuleNotFoundError(f"Windows has no module {name}", name=name)
        module = real(name, globals, locals, fromlist, level)
        return changed.get(module.__name__, module)

    builtins.__import__ = as_windows


def pytest_load_initial_conftests() -> None:
    """Run the tests of `pytest -p windows` on such a laptop."""
    become_windows()


if __name__ == "__main__":
    become_windows()
    from nbssh.__main__ import main

    main()
