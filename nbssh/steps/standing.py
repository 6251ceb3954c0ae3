"""Our installed files together: of which aliases one file alone says all that the user's ssh reads of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection, writer
from nbssh.core.ssh import alone
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from typing import Final

    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

ANY_HOST: Final = "localhost"
"""What ssh is asked for where the host does not matter: then it reads the same, and answers once."""


def settled(target: Target) -> frozenset[str]:
    """Return these aliases, lower-case. Raises NbsshError where ssh refuses any of the files, of whatever profile."""
    paths = target.paths
    # where case does not count for ssh it reads those in capitals, too
    entries = [
        entry
        for entry in inspection.entries(paths.conf_dir)
        if entry.suffix.lower() == ".conf" and not entry.name.startswith(".")
    ]
    files = (writer.read(entry.place) if entry.kind == "file" and entry.readable else None for entry in entries)
    found = alone.settled(_config(target.context), files)
    if found:
        target.ssh.resolved([ANY_HOST])
    return found


def accepts(context: Context, host: str) -> bool:
    """Tell whether the user's ssh reads all of our files, for they stand first, and refuses none; asked for `host`."""
    if not alone.stand_first(_config(context)):
        return False
    try:
        context.ssh.resolved([host])
    except NbsshError:
        return False
    return True


def _config(context: Context) -> bytes:
    path = context.ssh.config_file()
    return (writer.read(path) if path else None) or b""
