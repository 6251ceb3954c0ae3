"""A file as it should be: what localfiles.py and serverfiles.py make of a declaration, and a plan compares."""

from __future__ import annotations

import msgspec

from nbssh.core import plan

PRIVATE, EXECUTABLE = 0o600, 0o700
SEAL = f"# {plan.SEAL}"


class File(msgspec.Struct, frozen=True):
    """One file as it should be. `secret`: its content is never shown; `masked`: but for its secret values."""

    path: str
    text: str
    mode: int
    why: str
    secret: bool = False
    masked: bool = False
