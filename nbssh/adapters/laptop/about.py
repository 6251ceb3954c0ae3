"""What every report begins with: which nbssh, Python, system and ssh this is. No secret.

Asked for when something is broken already: whatever cannot be found out is said to be unknown.
"""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbssh import __version__
from nbssh.adapters.ssh.client import Ssh

if TYPE_CHECKING:
    from collections.abc import Callable


def about(subject: str) -> str:
    """Return the heading of a report on `subject`, and the versions below it, as Markdown. Never raises."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"## nbssh {__version__}: {subject}\n\n"
        f"- nbssh {__version__}, {python} at {sys.executable}\n"
        f"- {known(platform.platform)}\n"
        f"- {known(lambda: Ssh.of_user().version() or 'ssh -V says nothing')}\n"
        f"- {datetime.now(UTC).isoformat(timespec='seconds')}\n"
    )


def known(ask: Callable[[], str]) -> str:
    """Return what `ask` returns, or that it is not known: the bug may be in there."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  see above
        return f"unknown ({type(error).__name__})"
