"""Who may read and write a file of Windows, set by icacls: you, SYSTEM and Administrators, inheritance off.

Those are what its OpenSSH accepts (w32-sshfileperm.c). By their numbers: their names are in the user's language.
"""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from nbssh.adapters.programs import process
from nbssh.errors import NbsshError

SYSTEM, ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_LETTERS = ("SY", "BA")  # those two, as a saved list has them
_LOCAL_ADMINISTRATOR = "LA"
SECONDS = 15.0


def restrict(path: str, *, folder: bool = False) -> None:
    """Take everybody else's access away; what is made in a `folder` later inherits that. Raises OSError."""
    done = process.run(["icacls", path, *_grants(folder=folder), "/q"], seconds=SECONDS)
    if done.status:
        said = (done.err or done.out).decode("utf-8", "replace").strip().partition("\n")[0]
        raise PermissionError(1, f"icacls: {said or f'status {done.status}'}", path)


def is_wide(path: str) -> bool:
    """Tell whether somebody else than those three may use `path`; not knowing is a no.

    By what icacls saves, in numbers and letters: what it prints are names in the user's language.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="nbssh-") as folder:
            saved = Path(folder, "list")
            process.run(["icacls", path, "/save", str(saved), "/q"], seconds=SECONDS)
            written = saved.read_bytes()
        ours = {_user(), *_LETTERS} | ({_LOCAL_ADMINISTRATOR} if _user().endswith("-500") else set())
    except (NbsshError, OSError):
        return False
    # the name of the file, and `D:PAI(A;;FA;;;SY)(A;;0x1200a9;;;WD)`, in UTF-16 (security descriptor string format)
    _, _, rules = written.replace(b"\0", b"").decode("ascii", "replace").rpartition("D:")
    permitted = re.findall(r"\(X?A;[^;]*;[^;]*;[^;]*;[^;]*;([^;)]+)", rules)
    return rules.startswith("NO_ACCESS_CONTROL") or not ours.issuperset(permitted)


def repair(path: str, *, folder: bool) -> str:
    """Return the commands that take everybody else's access away."""
    return f'icacls "{path}" /reset; icacls "{path}" ' + " ".join(f'"{word}"' for word in _grants(folder=folder))


def _grants(*, folder: bool) -> list[str]:
    rights = "(OI)(CI)F" if folder else "F"
    return ["/inheritance:r", "/grant:r", *(f"*{who}:{rights}" for who in (_user(), SYSTEM, ADMINISTRATORS))]


@cache
def _user() -> str:
    """Return the number of the user who runs us: her name may be ambiguous or not ASCII."""
    done = process.run(["whoami", "/user", "/fo", "csv", "/nh"], seconds=SECONDS)
    found = re.search(rb"S-1-[0-9-]+", done.out)
    if not found:
        raise NbsshError("whoami does not name your account of Windows", "see what it says: whoami /user")
    return found.group().decode("ascii")
