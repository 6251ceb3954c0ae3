"""Who may read and write a file of Windows: you, SYSTEM and Administrators, inheritance off.

Those are what its OpenSSH accepts (w32-sshfileperm.c). By their numbers: their names are in the user's language.
"""

from __future__ import annotations

import re
from functools import cache

from nbssh.windows import security

SYSTEM, ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_LETTERS = ("SY", "BA")  # those two, as Windows writes them
_LOCAL_ADMINISTRATOR = "LA"


def restrict(path: str, *, folder: bool = False) -> None:
    """Take everybody else's access away; what is made in a `folder` later inherits that. Raises OSError."""
    inherited = "OICI" if folder else ""
    # P: protected from what the folder above hands down; FA: all
    security.set_rules(path, "D:P" + "".join(f"(A;{inherited};FA;;;{who})" for who in (_user(), *_LETTERS)))


def is_wide(path: str) -> bool:
    """Tell whether somebody else than those three may use `path`; not knowing is a no."""
    try:
        return are_wide(security.rules(path), _user())
    except OSError:
        return False


def are_wide(rules: str, user: str) -> bool:
    """Tell whether `rules`, `D:PAI(A;;FA;;;SY)(A;;0x1200a9;;;WD)`, permit somebody else anything."""
    ours = {user, *_LETTERS} | ({_LOCAL_ADMINISTRATOR} if user.endswith("-500") else set())
    permitted = re.findall(r"\(X?A;[^;]*;[^;]*;[^;]*;[^;]*;([^;)]+)", rules)
    # a disk without access lists, such as FAT, has this or nothing
    return not rules.startswith("D:") or rules.startswith("D:NO_ACCESS_CONTROL") or not ours.issuperset(permitted)


def repair(path: str, *, folder: bool) -> str:
    """Return the commands that take everybody else's access away."""
    rights = "(OI)(CI)F" if folder else "F"
    grants = " ".join(f'"*{who}:{rights}"' for who in (_user(), SYSTEM, ADMINISTRATORS))
    return f'icacls "{path}" /reset; icacls "{path}" "/inheritance:r" "/grant:r" {grants}'


@cache
def _user() -> str:
    """Return the number of the user who runs us: her name may be ambiguous or not ASCII."""
    return security.user()
