"""The way into a batch job: `ssh NAME-nb` lands on the job's node. Pure.

Its ProxyCommand runs `job` (templates/batch/job) on the login node, and that joins the connection to a sshd on the
node. So everything after it is the same as on a lone host. Ways to that sshd:

- `node`: the node's own, where users may log in while a job of theirs runs;
- `srun`: one started by Slurm inside the job, which needs no port and no right to log in to nodes;
- `relay`: one that the job itself starts on a port of the node, for every other scheduler;
- `auto`: none could be tried yet, and `job` does that when the first session comes.

The last two have a host key of their own and accept nothing but the profile's own key, so only the login node can ask
for a password or code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from nbssh.core.profile.declared import program_path, share_folder, share_named
from nbssh.core.server import values
from nbssh.core.way import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbssh.core.profile.profile import Profile
    from nbssh.core.profile.scheduler import Kind, Scheduler, Via
    from nbssh.core.way import Login

TITLES: dict[Kind, str] = {
    "slurm": "Slurm",
    "gridengine": "Grid Engine",
    "pbs": "PBS",
    "lsf": "LSF",
    "flux": "Flux",
    "oar": "OAR",
    "pjm": "PJM",
}
# With ControlPersist ssh gives its ProxyCommand no stderr (sshconnect.c), but what the job waits for must be seen.
_TO_TERMINAL = "[ /dev/fd/2 -ef /dev/null ] && (: >/dev/tty) 2>/dev/null && exec 2>/dev/tty; "
_SAYING = ("sh", "-c", f'{_TO_TERMINAL}exec "$@"', "sh")
# The same, and the last word says whether there is a terminal.
_KNOWING = ("sh", "-c", f'{_TO_TERMINAL}[ ! -t 2 ] || set -- "$@" terminal; exec "$@"', "sh")


@dataclass(frozen=True)
class Route(Way):
    """The way of a profile that has a scheduler."""

    profile: Profile
    scheduler: Scheduler

    leads_on: ClassVar = True
    part: ClassVar = "batch"
    scratch: ClassVar = "sshd"

    @property
    def title(self) -> str:
        """What people call the scheduler."""
        return TITLES[self.scheduler.kind]

    @property
    def to_try(self) -> tuple[Via, ...]:
        """The ways to a node, the best first: the declared one, otherwise all that the scheduler knows."""
        if self.scheduler.via != "auto":
            return (self.scheduler.via,)
        return ("node", "srun", "relay") if self.scheduler.kind == "slurm" else ("node", "relay")

    @property
    def via(self) -> Via | Literal["auto"]:
        """The way to a node that sessions take: what was found, otherwise what is declared, otherwise the likeliest.

        `auto` is found where nothing could be tried: the first session tries it.
        """
        if self.profile.server and self.profile.server.via:
            return self.profile.server.via
        if self.scheduler.via != "auto":
            return self.scheduler.via
        return "srun" if self.scheduler.kind == "slurm" else "node"

    @property
    def own_key(self) -> bool:
        """Sessions come in with the profile's own key, where the sshd is our own."""
        return self.via != "node"

    @property
    def key_alone(self) -> bool:
        """Not where the first session finds out whether the sshd is our own."""
        return self.via != "auto"

    @property
    def options(self) -> list[str]:
        """The words for the submission command."""
        return list(self.scheduler.options)

    @property
    def unseen_via(self) -> Via:
        """A sshd of our own, which needs no host key that only the cluster knows."""
        if self.scheduler.via in {"srun", "relay"}:
            return self.scheduler.via
        return "srun" if self.scheduler.kind == "slurm" else "relay"

    def carried_keys(self, key: str, public: str, opens: str) -> list[tuple[str, str]]:
        """Return the keys of that sshd, which `job keys` would make there."""
        return [
            ("sshd/host_key", key),
            ("sshd/host_key.pub", f"{public}\n"),
            ("sshd/authorized_keys", f"{opens}\n"),
        ]

    def proxy(self, login: Login) -> list[str]:
        """Return the ProxyCommand as words: `job` on the login node is told the way."""
        return [*(_SAYING if login.persists else ()), *self._job(login)]

    def joining(self, login: Login, *, submits: bool) -> list[str]:
        """Return the ProxyCommand of NAME-node as words: `job` submits nothing without `submits` and a terminal."""
        return [*_KNOWING, *self._job(login), "attach", *(["submits"] if submits else [])]

    def submitting(self, options: Sequence[str]) -> tuple[str, ...]:
        """Return script and words by which the job is submitted with further options, for once."""
        return ("batch/job", "submit", *options)

    def taking(self, job: str) -> tuple[str, ...]:
        """Return script and words by which Jupyter is started in a job that the user has. Raises NbsshError."""
        return ("batch/job", "take", values.word(job))

    def _job(self, login: Login) -> list[str]:
        known = self.profile.server
        share = share_folder(known) if known and known.home else share_named(self.profile)
        job = program_path(login.program, "batch/job", share)
        return [*login.words, "exec", "/bin/sh", job, login.name, self.via]

    def settings(self) -> list[tuple[str, str]]:
        """Return the lines of a profile's file on its host that tell of the scheduler."""
        options = [("option", word) for word in self.scheduler.options]
        return [("scheduler", self.scheduler.kind), *options, ("via", self.via)]

    def removing(self) -> str:
        """Return the parts of templates/batch that end a job."""
        from nbssh.core.files.render import static_text  # noqa: PLC0415  what is only listed needs no template engine

        parts = ("stop", "jobs", self.scheduler.kind, "end", "remove")
        return "\n".join(static_text(f"batch/{part}.sh") for part in parts)
