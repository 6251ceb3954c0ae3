"""Two renames that Python does not have: swap two files in one step, and rename only to a name that is free.

With the first no file is ever lost, whenever its owner saves it: what was there last is what comes out. Linux and
macOS have both, some file systems have neither (NFS), other systems have none.
"""

from __future__ import annotations

import errno
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_FDCWD = -100  # fcntl.h
_LINUX = {"free": 1, "swap": 2}  # renameat2(2)
_MACOS = {"free": 4, "swap": 2}  # renamex_np(2)
# this system or this file system cannot; a permission that is missing is said by the plain rename that follows
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def exchange(one: str, other: str) -> bool:
    """Swap two files in one step; False where that is impossible. Raises OSError."""
    return _rename(one, other, "swap")


def rename_to_free(old: str, new: str) -> bool:
    """Rename `old` to `new`; False where only a rename that overwrites is possible. Raises FileExistsError, OSError."""
    return _rename(old, new, "free")


def _rename(old: str, new: str, how: str) -> bool:
    call = _call()
    if call is None:
        return False
    number = call(os.fsencode(old), os.fsencode(new), how)
    if number in _CANNOT:
        return False
    if number:
        raise OSError(number, os.strerror(number), old, None, new)
    return True


@cache
def _call() -> Callable[[bytes, bytes, str], int] | None:
    """Return the system's call, which returns the number of its error; None without one."""
    import ctypes  # noqa: PLC0415  only for a rename

    try:
        library = ctypes.CDLL(None, use_errno=True)
        linux = sys.platform == "linux"
        function = library.renameat2 if linux else library.renamex_np
    except (OSError, AttributeError, TypeError):
        return None

    def call(old: bytes, new: bytes, how: str) -> int:
        if linux:
            done = function(_AT_FDCWD, old, _AT_FDCWD, new, ctypes.c_uint(_LINUX[how]))
        else:
            done = function(old, new, ctypes.c_uint(_MACOS[how]))
        return ctypes.get_errno() if done else 0

    return call
