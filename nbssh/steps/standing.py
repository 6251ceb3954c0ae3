"""Our installed files together: of which aliases one file alone says all that the user's ssh reads of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import inspection, writer
from nbssh.core.ssh import alone

if TYPE_CHECKING:
    from nbssh.steps.profiles import Target


def settled(target: Target) -> frozenset[str]:
    """Return these aliases, lower-case. Raises NbsshError where ssh refuses any of the files, of whatever profile."""
    config, paths = target.ssh.config_file(), target.paths
    entries = [entry for entry in inspection.entries(paths.conf_dir) if entry.path.match("[!.]*.conf")]
    files = (writer.read(entry.path) if entry.kind == "file" and entry.readable else None for entry in entries)
    found = alone.settled((writer.read(config) if config else None) or b"", files)
    if found:
        target.ssh.resolve(["localhost"])
    return found
