"""What the status script on a host says, as data: asked by status, open, passwd and doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from nbssh.core import answers
from nbssh.core.text import printable
from nbssh.errors import NbsshError
from nbssh.steps.connect import refuse_missing, script_command

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection
    from nbssh.steps.profiles import Target

SECONDS = 20.0  # for each server, from the first packet to the answer

State = Literal["running", "starting", "queued", "stopped", "elsewhere", "unresponsive", "unknown"]


# Each number and text is bounded: what is none of them is no answer.
_Name = Annotated[str, msgspec.Meta(max_length=255)]
_Words = Annotated[str, msgspec.Meta(max_length=1000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**32)]
_Moment = Annotated[float, msgspec.Meta(ge=0, le=1e11)]  # until the year 5138
_Span = Annotated[int, msgspec.Meta(ge=-(10**10), le=10**10)]
_Bytes = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Load = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
_Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
_Names = Annotated[list[_Name], msgspec.Meta(max_length=1000)]


class Job(msgspec.Struct, frozen=True):
    """The job in which Jupyter runs, as what runs it tells; `left` is the time until its limit, in seconds.

    `start` is when a waiting one may start, in seconds since the epoch.
    """

    id: _Name
    state: _Name = ""
    reason: _Words = ""
    node: _Words = ""
    left: _Span | None = None
    start: _Moment | None = None


class Gpu(msgspec.Struct, frozen=True):
    """One GPU, as nvidia-smi tells it; memory in bytes, `load` in percent of the last moments."""

    memory_used: _Bytes | None = None
    memory_total: _Bytes | None = None
    load: _Percent | None = None


class Machine(msgspec.Struct, frozen=True):
    """What the host has and what of it is free; memory in bytes, `load` the mean of the last minute in processes."""

    cpus: _Count | None = None
    load: _Load | None = None
    memory_total: _Bytes | None = None
    memory_free: _Bytes | None = None
    gpus: Annotated[list[Gpu], msgspec.Meta(max_length=64)] = []


class Answer(msgspec.Struct, frozen=True):
    """What the host's status script says; times are seconds since the epoch.

    `profile` is what cksum(1) says there of the profile's parameters; an older program says nothing. `machine` is there
    where it was asked for, and Jupyter runs, or would run, on this very host.
    """

    state: State
    host: _Name = ""
    pid: _Count | None = None
    version: _Name | None = None
    kernels: _Count | None = None
    sessions: _Count | None = None
    since: _Moment | None = None
    last_activity: _Moment | None = None
    elsewhere: _Names = []
    job: Job | None = None
    profile: _Name = ""
    machine: Machine | None = None


def asked(there: Connection, target: Target, *, wide: bool = False) -> Answer:
    """Return what the host says of its Jupyter, and with `wide` of itself. What is no such answer is an error."""
    out, status = there.attempt(script_command(target, "status", *(["wide"] if wide else [])), SECONDS)
    answer = answers.record(out, Answer) if status == 0 else None
    if answer:
        return answer
    refuse_missing(target, out)
    said = printable(answers.text(out), 200) or "nothing"
    raise NbsshError(
        f"{there.shown}: no status for '{target.name}'; it said: {said}", f"mend it with: nbssh apply {target.name}"
    )
