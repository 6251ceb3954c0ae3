"""What this system's ssh is like: Unix or Windows, where it looks, how its Include lines name a file.

Chosen once, at the rim. Reads and writes nothing.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.core.profile.client import POSIX, WINDOWS, Client
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    import pwd


@dataclass(frozen=True)
class Side:
    """The client's platform; `home` holds `.ssh`."""

    client: Client
    home: Path

    @classmethod
    def of_user(cls, home: Path) -> Side:
        """Return the side of this very system."""
        return cls(WINDOWS if sys.platform == "win32" else POSIX, home)

    def in_config(self, path: Path | str) -> str:
        """Return how an Include line names a file: Windows takes the slash too, and a backslash would be an escape."""
        return str(path).replace("\\", "/") if self.client is WINDOWS else str(path)

    @property
    def system_config(self) -> str:
        """The ssh_config of the whole machine, as an Include line names it; ssh skips it if it is not there."""
        if self.client is POSIX:
            return "/etc/ssh/ssh_config"
        return os.environ.get("PROGRAMDATA", "C:\\ProgramData").replace("\\", "/") + "/ssh/ssh_config"

    def ssh(self) -> str:
        """Return the ssh to run. Windows' own is preferred to Git's, which reads the files in another way."""
        if self.client is POSIX:
            return "ssh"
        root = Path(os.environ.get("SYSTEMROOT") or "C:\\Windows")
        for folder in ("System32", "Sysnative"):  # a 32-bit Python sees the 64-bit folder by the second name
            program = root / folder / "OpenSSH" / "ssh.exe"
            if program.is_file():
                return str(program)
        return "ssh"


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
