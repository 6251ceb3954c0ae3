"""Who may read and write a file of Windows, set by icacls: you, SYSTEM and Administrators, inheritance off.

Those are what its OpenSSH accepts (w32-sshfileperm.c). By their numbers: their names are in the user's language.
"""

from __future__ import annotations

import re
import sys
from functools import cache

from nbssh.adapters import process, wsl
from nbssh.errors import NbsshError

SYSTEM, ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
SECONDS = 15.0


def applies(path: str) -> bool:
    """Tell whether `path` has access control lists instead of modes."""
    return sys.platform == "win32" or bool(wsl.on_windows(path))


def restrict(path: str, *, folder: bool = False) -> None:
    """Take everybody else's access away; what is made in a `folder` later inherits that. Raises OSError."""
    rights = "(OI)(CI)F" if folder else "F"
    named = path if sys.platform == "win32" else wsl.on_windows(path)
    grants = [f"*{who}:{rights}" for who in (_user(), SYSTEM, ADMINISTRATORS)]
    done = process.run([_program("icacls"), named, "/inheritance:r", "/grant:r", *grants, "/q"], seconds=SECONDS)
    if done.status:
        said = (done.err or done.out).decode("utf-8", "replace").strip().partition("\n")[0]
        raise PermissionError(1, f"icacls: {said or f'status {done.status}'}", path)


def _program(name: str) -> str:
    return name if sys.platform == "win32" else f"{name}.exe"


@cache
def _user() -> str:
    """Return the number of the user who runs us: her name may be ambiguous or not ASCII."""
    done = process.run([_program("whoami"), "/user", "/fo", "csv", "/nh"], seconds=SECONDS)
    found = re.search(rb"S-1-[0-9-]+", done.out)
    if not found:
        raise NbsshError("whoami does not name your account of Windows", "see what it says: whoami /user")
    return found.group().decode("ascii")
