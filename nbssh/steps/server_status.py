"""What the status script on a host says, as data: asked by status, open, passwd and doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from nbssh.core import answers
from nbssh.core.text import printable
from nbssh.errors import NbsshError
from nbssh.steps.connect import script_command

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.steps.profiles import Target

SECONDS = 20.0  # for each server, from the first packet to the answer

State = Literal["running", "starting", "queued", "stopped", "elsewhere", "unresponsive", "unknown"]


class Job(msgspec.Struct, frozen=True):
    """A batch job as its scheduler tells of it; `left` is the time until its limit, in seconds."""

    id: str
    state: str = ""
    reason: str = ""
    node: str = ""
    left: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the server's status script says; times are seconds since the epoch."""

    state: State
    host: str = ""
    pid: int | None = None
    version: str | None = None
    kernels: int | None = None
    sessions: int | None = None
    since: float | None = None
    last_activity: float | None = None
    elsewhere: list[str] = []
    job: Job | None = None


def asked(there: Connection, target: Target) -> Answer:
    """Return what the server says of itself. Its answer is data: whatever is no such answer is an error."""
    out, status = there.attempt(script_command(target, "status"), SECONDS)
    said = answers.text(out)
    try:
        if status == 0:
            return msgspec.json.decode(said, type=Answer)
    except msgspec.DecodeError:
        pass
    said = printable(said, 200) or "nothing"
    raise NbsshError(
        f"{there.shown}: no status for '{target.name}'; it said: {said}", f"mend it with: nbssh apply {target.name}"
    )
