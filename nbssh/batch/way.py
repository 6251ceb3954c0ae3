"""The way into a batch job, tried and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.terminal import trace
from nbssh.batch.route import Route
from nbssh.steps.way import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Server
    from nbssh.core.server.doctor import Finding
    from nbssh.core.server.facts import Candidate, Facts


class BatchWay(Route, Way):
    """The way of a profile that has a scheduler."""

    def find(self, there: Connection, declared: Declared, facts: Facts, found: Candidate, ui: Ui) -> Server:
        """Let a short job show the way to a node."""
        from nbssh.batch import trial  # noqa: PLC0415  only a look at the server needs it

        with trace.step(f"find a way to the nodes of {there.shown}"):
            node = trial.find_way(trial.Trial(there, declared, self, facts, found), ui)
        return msgspec.structs.replace(declared.server, via=node.via, host_keys=list(node.host_keys))

    def examine(self, declared: Declared, ask: Callable[..., bytes]) -> Iterator[Finding]:
        """Ask whether the scheduler is there and would take the job."""
        from nbssh.batch import doctor  # noqa: PLC0415  only the doctor needs it

        return doctor.examine(self, declared, ask)
