"""Which side the client's ssh is on: this system, or, seen from WSL, the Windows around it. Chosen once, at the rim.

Knows where that ssh looks and how its programs name a file; reads and writes nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.core.profile.client import POSIX, WINDOWS, Client
from nbssh.errors import NbsshError
from nbssh.windows import wsl

if TYPE_CHECKING:
    import pwd


@dataclass(frozen=True)
class Side:
    """`home` holds `.ssh`. `scratch` is where files can be made that the client's programs read, None: anywhere."""

    client: Client
    home: Path
    scratch: Path | None = None

    @classmethod
    def of_user(cls, home: Path) -> Side:
        """Return the side of this very system."""
        return cls(WINDOWS if sys.platform == "win32" else POSIX, home)

    @classmethod
    def around(cls) -> Side:
        """Return the Windows side, seen from WSL."""
        home = wsl.windows_home()
        return cls(WINDOWS, home, home / "AppData" / "Local" / "Temp")

    @property
    def is_around(self) -> bool:
        """It is not the system that we run on."""
        return self.scratch is not None

    def names(self, path: Path | str) -> str:
        """Return how the client's programs name a file."""
        return wsl.as_windows_names(path) if self.is_around else str(path)

    def in_config(self, path: Path | str) -> str:
        """Return how an Include line names a file: Windows takes the slash too, and a backslash would be an escape."""
        named = self.names(path)
        return named.replace("\\", "/") if self.client is WINDOWS else named

    @property
    def system_config(self) -> str:
        """The ssh_config of the whole machine, as an Include line names it; ssh skips it if it is not there."""
        if self.client is POSIX:
            return "/etc/ssh/ssh_config"
        data = "C:\\ProgramData" if self.is_around else os.environ.get("PROGRAMDATA", "C:\\ProgramData")
        return data.replace("\\", "/") + "/ssh/ssh_config"

    def ssh(self) -> str:
        """Return the ssh to run. Windows' own is preferred to Git's, which reads the files in another way."""
        if self.client is POSIX:
            return "ssh"
        for folder in self._windows_folders():
            program = folder / "OpenSSH" / "ssh.exe"
            if program.is_file():
                return str(program)
        if self.is_around:
            raise NbsshError(
                "the OpenSSH client of Windows is not installed",
                "in Windows: Settings, System, Optional features, OpenSSH Client",
            )
        return "ssh"

    def _windows_folders(self) -> list[Path]:
        if not self.is_around:
            root = Path(os.environ.get("SYSTEMROOT") or "C:\\Windows")
            return [root / "System32", root / "Sysnative"]  # a 32-bit Python sees the 64-bit folder by the second name
        program = shutil.which("ssh.exe")
        found = [Path(wsl.here("C:\\Windows\\System32"))]
        return [*found, Path(program).parent.parent] if program else found


def password_home() -> Path:
    """Return the home in which ssh looks, whatever $HOME says: that of the password database, or the profile folder."""
    if sys.platform == "win32":
        return Path(os.environ.get("USERPROFILE") or "~").expanduser()
    return Path(password_entry().pw_dir)


def password_entry() -> pwd.struct_passwd:
    """Return who runs this, as the password database has it."""
    import pwd  # noqa: PLC0415  there is none on Windows

    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:  # a container that runs as just any number; ssh(1) refuses to start there
        raise NbsshError(
            f"this system knows no user with the uid {os.getuid()}, and without one ssh does not work",
            f"see: getent passwd {os.getuid()}; in a container, give that uid a line in /etc/passwd",
        ) from None
