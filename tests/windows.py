"""A laptop that looks like Windows: `python tests/windows.py WORDS…` is nbssh there, `pytest -p windows` tests there.

What Windows' Python does not have is taken away before the first module of nbssh is imported. The paths stay those of
this system: what differs in their flavour is tested where it is decided.
"""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys

MISSING_MODULES = ("fcntl", "grp", "pexpect", "pty", "ptyprocess", "pwd", "resource", "syslog", "termios", "tty")
MISSING_IN_OS = (
    "O_DIRECTORY", "chown", "fchmod", "fchown", "fork", "forkpty", "getegid",
    "geteuid", "getgid", "getpgid", "getuid", "getxattr", "killpg", "listxattr", "mkfifo", "openpty", "pread",
    "set_blocking", "setsid", "setxattr", "uname", "wait3", "wait4",
)  # fmt: skip
MISSING_IN_SIGNAL = ("SIGALRM", "SIGHUP", "SIGQUIT", "SIGWINCH", "pthread_sigmask")
# What picks its own implementation by the platform has done so when it turns into Windows.
FOREIGN = (
    "argon2", "concurrent.futures", "filelock", "getpass", "glob", "jinja2", "msgspec", "platformdirs", "rich.console",
    "rich.table", "selectors", "shutil", "socket", "sshconf", "subprocess", "tarfile", "tempfile", "tomlkit",
    "typer.main", "urllib.request",
)  # fmt: skip


class _NotOnWindows:
    """Refuses to import what Windows does not have."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  the protocol
        if name.partition(".")[0] in MISSING_MODULES:
            raise ModuleNotFoundError(f"Windows has no module {name}", name=name)


def become_windows() -> None:
    """Take away what Windows does not have."""
    for name in FOREIGN:
        importlib.import_module(name)
    filelock = importlib.import_module("filelock")
    filelock.FileLock = filelock.SoftFileLock  # the one for Unix needs fcntl
    for name in MISSING_MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _NotOnWindows())  # type: ignore[arg-type]
    for module, names in ((os, MISSING_IN_OS), (signal, MISSING_IN_SIGNAL)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    socket.SO_EXCLUSIVEADDRUSE = socket.SO_KEEPALIVE  # type: ignore[attr-defined]
    if hasattr(socket, "AF_UNIX"):
        del socket.AF_UNIX
    sys.platform = "win32"


def pytest_load_initial_conftests() -> None:
    """Run the tests of `pytest -p windows` on such a laptop."""
    importlib.import_module("hypothesis")
    become_windows()


if __name__ == "__main__":
    become_windows()
    from nbssh.__main__ import main

    main()
