r"""The Windows around a WSL: its home directory, and the names of files on either side. Changes nothing.

The drives of Windows are mounts of a type of their own, whose source is the drive (`C:\`).
"""

from __future__ import annotations

import os
import re
import shutil
from functools import cache
from pathlib import Path

from nbssh.adapters.programs import process
from nbssh.errors import NbsshError

MOUNTS = Path("/proc/self/mounts")
KERNEL = Path("/proc/version")
SECONDS = 15.0  # the first program of Windows that is started wakes its side up


def is_inside() -> bool:
    """Tell whether this is a WSL; su and sudo drop the variable."""
    return bool(os.environ.get("WSL_DISTRO_NAME")) or _kernel_is_microsofts()


@cache
def _kernel_is_microsofts() -> bool:
    try:
        return "microsoft" in KERNEL.read_text(encoding="ascii", errors="replace").lower()
    except OSError:
        return False


def drives() -> dict[str, str]:
    r"""Return where each drive is mounted: `{"/mnt/c": "C:"}`; nothing outside of WSL."""
    if not is_inside():
        return {}
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        source, point, kind, *_ = (re.sub(r"\\(\d{3})", _unescaped, word) for word in f"{line} - - -".split(" "))
        if kind in {"9p", "drvfs", "virtiofs"} and re.fullmatch(r"[A-Za-z]:\\?", source):
            found[point] = source[:2].upper()
    return found


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))  # blanks and backslashes, as getmntent(3) has them


def on_windows(path: Path | str) -> str:
    r"""Return how Windows names a file of one of its drives, `C:\Users\me\x`; empty for a file of Linux."""
    text = str(path)
    for point, drive in sorted(drives().items(), reverse=True):
        if text == point or text.startswith(f"{point}/"):
            return f"{drive}\\" + text[len(point) + 1 :].replace("/", "\\")
    return ""


def as_windows_names(path: Path | str) -> str:
    r"""Return how Windows names any file: those of Linux are under `\\wsl$`."""
    distribution = os.environ.get("WSL_DISTRO_NAME", "")
    return on_windows(path) or f"\\\\wsl$\\{distribution}" + str(path).replace("/", "\\")


def here(windows: str) -> str:
    r"""Return where a path of Windows is mounted here, empty if nowhere."""
    drive, rest = windows[:2].upper(), windows[2:].replace("\\", "/")
    return next((point + rest for point, mounted in drives().items() if mounted == drive), "")


def windows_home() -> Path:
    """Return the Windows user's home as it is mounted here."""
    program = shutil.which("cmd.exe") or shutil.which("cmd.exe", path="/mnt/c/Windows/System32")
    if not is_inside() or not program:
        raise NbsshError(
            "--client windows is for WSL, from where the files of Windows can be written",
            "on Windows itself it is the default; elsewhere leave it out",
        )
    # /u: UTF-16, whatever the code page; set and not echo: a name may hold an ampersand
    done = process.run([program, "/u", "/d", "/c", "set USERPROFILE"], seconds=SECONDS, cwd=Path(program).parent)
    lines = done.out.decode("utf-16-le", "replace").splitlines()
    said = next((line.partition("=")[2].strip() for line in lines if line.upper().startswith("USERPROFILE=")), "")
    home = Path(here(said)) if re.match(r"[A-Za-z]:\\", said) and here(said) else None
    if home is None or not home.is_dir():
        raise NbsshError(
            f"the home of the Windows user, '{said}', is mounted nowhere here", "mount its drive (/etc/wsl.conf)"
        )
    return home
