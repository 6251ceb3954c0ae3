"""Windows as a client system: its folders, its command lines, access lists in place of modes, no terminals to drive."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import shutil
import signal
import subprocess  # only for its quoting
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.core.server.doctor import Finding
from nbssh.errors import NbsshError
from nbssh.windows import acl
from nbssh.windows.client import LOCAL_COMMANDS, OLD, WINDOWS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from nbssh.windows.background import WindowsBackground
    from nbssh.windows.client import WindowsClient

# `ssh` starts programs, and what starts programs asks which system this is: imported where it is used.
# ruff: noqa: PLC0415


_DENIED, _SHARED = 5, 32  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION
_PATIENCE = 2.0


def _patiently(act: Callable[[], None]) -> None:
    """Do it again for a while where somebody holds the file: virus scanners and OneDrive do, for a moment."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return act()
        except OSError as error:
            if getattr(error, "winerror", None) not in {_DENIED, _SHARED} or time.monotonic() > until:
                raise
        time.sleep(0.05)


def _is_from_store() -> bool:
    """Tell whether this Python is one of the Microsoft Store: those lie in a folder WindowsApps."""
    return "windowsapps" in sys.base_prefix.lower()


class Windows(ClientSystem):
    """Windows with its own OpenSSH."""

    client: ClassVar = WINDOWS
    waits_for_pipes: ClassVar = False  # select takes sockets only
    editor: ClassVar = "notepad"
    at_its_end: ClassVar = {
        errno.ENOSPC: "look for space: start ms-settings:storagesense",
        errno.EIO: "look at the disk: chkdsk",
        errno.EMFILE: "look at what runs: taskmgr",
        errno.ENOMEM: "look for memory: taskmgr",
    }
    to_pipe: ClassVar = "echo …"
    nobody_known: ClassVar = (
        "another program, or Windows keeps it for itself (netsh int ipv4 show excludedportrange tcp)"
    )

    @property
    def system_config(self) -> str:
        """The ssh_config of the whole machine."""
        return self.with_slashes(os.environ.get("PROGRAMDATA", "C:\\ProgramData")) + "/ssh/ssh_config"

    def password_home(self) -> Path:
        """Return the user's profile folder, in which ssh looks."""
        return Path(os.environ.get("USERPROFILE") or "~").expanduser()

    def user(self) -> str:
        """Return who runs this."""
        return f"{os.environ.get('USERNAME', '')} {self.password_home()}"

    def client_of(self, version: Callable[[], str]) -> WindowsClient:
        """Return one without LocalCommand for the releases to which each is fatal."""
        found = re.search(r"OpenSSH_for_Windows_(\d+)\.(\d+)", version())
        return OLD if found and (int(found[1]), int(found[2])) < LOCAL_COMMANDS else WINDOWS

    def home(self) -> Path:
        """Return the same: its ssh does not ask HOME, which Emacs and Git set."""
        return self.password_home()

    def folders(self, home: Path) -> tuple[Path, Path]:
        """Return the folders for configuration and for state.

        What a Python from the Microsoft Store writes below AppData only this Python sees, and no ssh or browser: it
        takes the folders of other systems. Once they are there every Python takes them, but for what was made before.
        """
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        plain = home / ".config", home / ".local" / "state"
        is_plain = _is_from_store() or (plain[0] / "nbssh").is_dir()
        folders = plain if is_plain and not (local / "nbssh" / "profiles").is_dir() else (local, local)
        config, state = (os.environ.get(name) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"))
        return Path(config or folders[0]) / "nbssh", Path(state or folders[1]) / "nbssh"

    def ssh(self) -> str:
        """Return the ssh to run. Windows' own is preferred to Git's, which reads the files in another way."""
        root = Path(os.environ.get("SYSTEMROOT") or "C:\\Windows")
        for folder in ("System32", "Sysnative"):  # a 32-bit Python sees the 64-bit folder by the second name
            program = root / folder / "OpenSSH" / "ssh.exe"
            if program.is_file():
                return str(program)
        return "ssh"

    def with_slashes(self, path: Path | str) -> str:
        """Return a path with slashes, which ssh takes too: a backslash would be an escape."""
        return str(path).replace("\\", "/")

    def file_name(self, path: str) -> str:
        """Return a file name that tells of `path`, which may be HOST:PATH too: few signs are permitted."""
        return re.sub(r'[<>:"/\\|?*]', "%", path)

    def who_listens(self, port: int) -> str:
        """Return the command that says who listens on a port."""
        return f'netstat -ano | findstr "127.0.0.1:{port} "'

    def split(self, text: str) -> list[str]:
        """Split a command, in which a backslash is part of a path."""
        lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
        return list(lexer)

    def as_typed(self, words: Sequence[str]) -> Sequence[str]:
        """Return them with the program's path: without one only an .exe is found, and many an editor is a .cmd."""
        name, *rest = words
        return [shutil.which(name) or name, *rest]

    def spoken(self, words: Sequence[str]) -> str:
        """Return `words` as one line, as the programs of Windows split it themselves."""
        return subprocess.list2cmdline(words)

    def misquoted(self, words: Sequence[str]) -> str:
        """Return them in double quotes: to cmd a single one is a letter, and it splits what stands between two."""
        meant: list[str] = []
        inside = False
        for word in words:
            if inside:
                meant[-1] += f" {word}"
            else:
                inside = word.startswith("'")
                meant.append(word[1:] if inside else word)
            if inside and meant[-1].endswith("'"):
                meant[-1], inside = meant[-1][:-1], False
        if meant == [*words]:
            return ""
        return f"cmd takes double quotes, not single ones: {self.spoken(['nbssh', *meant])}"

    # what cmd and PowerShell both know

    def to_remove(self, path: Path | str) -> str:
        """Return what a user types to remove a file."""
        return f'del "{path}"'

    def to_look(self, path: Path | str) -> str:
        """Return what a user types to see what a file or folder is, and who may do what with it."""
        return f'icacls "{path}"'

    def to_make_writable(self, path: Path | str) -> str:
        """Return what a user types to make a file writable."""
        return f'attrib -r "{path}"'

    def to_end(self, *pids: int, hard: bool = False) -> str:  # noqa: ARG002  a program of the console ends in no other way
        """Return what a user types to end processes; Git Bash makes a path of a word that begins with one slash."""
        slash = "//" if os.environ.get("MSYSTEM") else "/"
        return " ".join([f"taskkill {slash}F", *(f"{slash}PID {pid}" for pid in pids)])

    def one_after_another(self, first: str, second: str) -> str:
        """Return how a user types two commands: PowerShell 5 knows no `&&`, cmd no `;`."""
        return f"{first}, then: {second}"

    def restrict(self, path: str, *, folder: bool = False) -> None:
        """Take everybody else's access away. Raises OSError."""
        acl.restrict(path, folder=folder)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Do nothing: there are no modes."""

    def take_over(self, descriptor: int, like: str) -> None:
        """Do nothing: a new file has the access list of its folder."""

    def mode(self, found: os.stat_result) -> int | None:  # noqa: ARG002
        """Return None: there are no modes."""
        return None

    def strange_owner(self, found: os.stat_result) -> int | None:  # noqa: ARG002
        """Return None: there are no owners that count."""
        return None

    def is_trusted(self, found: os.stat_result) -> bool:  # noqa: ARG002
        """Return True, for the same reason."""
        return True

    def others_listed(self, path: str, *, folder: bool) -> tuple[str, str] | None:
        """Return who else may use `path`, and the commands that end that; None if nobody may."""
        if not acl.is_wide(path):
            return None
        return "others than you, SYSTEM and Administrators may use it", acl.repair(path, folder=folder)

    def refuse_without_terminals(self, what: str) -> None:
        """Raise: Windows has no pseudo-terminals."""
        raise NbsshError(
            f"{what} needs a Unix terminal, which Windows does not have", "run it on Linux, macOS or in WSL"
        )

    def without_terminal(self, otherwise: str) -> str:
        """Return the same; in a window of Git Bash, which is no console of Windows, winpty makes one."""
        if not os.environ.get("MSYSTEM"):
            return otherwise
        return f"{otherwise}; to be asked in Git Bash: {shlex.join(['winpty', 'nbssh', *sys.argv[1:]])}"

    def show(self, page: str) -> bool:
        """Show an address or a file in the browser."""
        getattr(os, "startfile")(page)  # noqa: B009  it exists on Windows alone
        return True

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Hold Ctrl-C back; there is no other signal that could be."""
        with self._noted(signal.SIGINT):
            yield

    def flush_folder(self, path: str) -> None:
        """Do nothing: a folder cannot be opened."""

    def rename(self, old: str, new: str) -> None:
        """Rename `old` to `new`, once nobody else holds it."""
        _patiently(lambda: super(Windows, self).rename(old, new))

    def replace(self, old: str, new: str) -> None:
        """Rename `old` to `new`, once nobody else holds them."""
        _patiently(lambda: super(Windows, self).replace(old, new))

    def unlink(self, path: str) -> None:
        """Remove a file, once nobody else holds it."""
        _patiently(lambda: super(Windows, self).unlink(path))

    def rmdir(self, path: str) -> None:
        """Remove an empty folder, once nobody else holds it; a shell that stands in it does so for long."""
        try:
            _patiently(lambda: super(Windows, self).rmdir(path))
        except OSError as error:
            if getattr(error, "winerror", None) == _SHARED:
                raise OSError(errno.EBUSY, error.strerror, path) from error
            raise

    def bind_as_ssh(self, probe: socket.socket) -> None:
        """Let a socket bind a port that nobody has: REUSEADDR would share it here."""
        import socket

        probe.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009  here alone

    def background(self) -> WindowsBackground:
        """Return what keeps an ssh in the background: its own has no fork."""
        from nbssh.windows.background import WindowsBackground

        return WindowsBackground()

    def inabilities(self, command: str, version: str) -> str:
        """Return which ssh it is, where several are about, and what it cannot do."""
        old = ". It has no LocalCommand, so no browser opens: install a newer OpenSSH for Windows"
        return (
            f", {command}: has no ControlMaster, so each session and each of nbssh's commands logs in by itself"
        ) + (old if self.client_of(lambda: version) is OLD else "")

    def other_ssh(self, command: str) -> Iterator[Finding]:
        """Say that the aliases are for the ssh of Windows, where another one is found first."""
        from nbssh.windows.ssh import is_of_windows

        typed = shutil.which("ssh")
        if not typed or is_of_windows(typed):  # the newer one that winget installs is as good
            return
        if command != "ssh" and os.path.realpath(typed).lower() != os.path.realpath(command).lower():
            yield Finding(
                "ssh", "warning", f"'ssh' in this shell is {typed}: it does not understand the LocalCommand of the "
                "aliases, so no browser opens", "type ssh NAME-nb in PowerShell or cmd, or call ssh by its whole path",
            )  # fmt: skip
        elif "git" in typed.lower():
            yield Finding(
                "ssh", "warning", f"{typed} is Git's ssh, for which the aliases are not made",
                "install that of Windows: Settings, System, Optional features, OpenSSH Client",
            )  # fmt: skip
