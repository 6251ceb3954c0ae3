"""The table `scheduler` of a profile, which declares a batch system. What it means is nbssh/batch's business. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from nbssh.core.profile.line import Line  # noqa: TC001  msgspec reads the annotations

Kind = Literal["slurm", "gridengine", "pbs", "lsf", "flux", "oar", "pjm"]
Via = Literal["node", "srun", "relay"]


class Scheduler(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The batch system in whose job Jupyter runs. `options` are words for its submission command, as it is typed."""

    kind: Annotated[Kind, msgspec.Meta(description="Which one.")]
    options: Annotated[
        list[Line], msgspec.Meta(description="Words for its submission command, as they are typed.")
    ] = []
    via: Annotated[
        Literal["auto", Via],
        msgspec.Meta(description="How a session gets to the job's node: its own sshd, one of srun's, one in the job."),
    ] = "auto"
