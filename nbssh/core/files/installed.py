"""What the installed ssh_config blocks of a profile say. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbssh.core.files.change import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.files.change import Change


def program_named(blocks: bytes | None) -> str:
    """Return the id of the program that the installed `blocks` of a profile name; nothing in those of nbssh 0.1."""
    return _named(blocks)[1]


def folder_named(blocks: bytes | None) -> str:
    """Return the folder of nbssh's files on the host that they name; nothing where it is below the home."""
    share, _ = _named(blocks)
    return share if share.startswith("/") else ""


def _named(blocks: bytes | None) -> tuple[str, str]:
    found = re.search(rb" ([A-Za-z0-9._/@+,=~-]+)/program/([0-9a-f]{16})/launch ", blocks or b"")
    return (found[1].decode(), found[2].decode()) if found else ("", "")


def of_0_1(blocks: bytes | None) -> bool:
    """Tell whether the installed `blocks` of a profile are those of nbssh 0.1, which run scripts of its own folder."""
    return bool(blocks) and not program_named(blocks)


def port_named(blocks: bytes | None) -> int:
    """Return the local port of the tunnel that the installed `blocks` of a profile open with the session, 0 if none."""
    found = re.search(rb"\n    LocalForward 127\.0\.0\.1:([0-9]{1,5}) ", blocks or b"")
    return int(found[1]) if found else 0


def moves_tunnel(changes: Sequence[Change]) -> bool:
    """Tell whether an open master has something else than its aliases now say: what is run over it does not count."""
    run = (b"#", b"    RemoteCommand ", b"    LocalCommand ")

    def kept(text: bytes | None) -> list[bytes]:
        return [line for line in (text or b"").splitlines() if not line.startswith(run)]

    return any(change.kind is Kind.ALIASES and kept(change.old) != kept(change.new) for change in changes)
