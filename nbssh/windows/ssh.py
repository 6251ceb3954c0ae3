"""Which ssh it is that was found on Windows: Git brings one, too."""

from __future__ import annotations

from nbssh.adapters.programs import process
from nbssh.errors import NbsshError

SECONDS = 15.0


def is_of_windows(ssh: str) -> bool:
    """Tell whether an ssh is OpenSSH for Windows, wherever it is installed."""
    try:
        done = process.run([ssh, "-V"], seconds=SECONDS)
    except NbsshError:
        return False
    return (done.err or done.out).startswith(b"OpenSSH_for_Windows_")
