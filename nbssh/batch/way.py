"""The way into a batch job, tried and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.terminal import trace
from nbssh.batch.route import Route
from nbssh.core.server import choice
from nbssh.steps.way import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Server
    from nbssh.core.server.doctor import Finding
    from nbssh.steps.way import Seen


class BatchWay(Route, Way):
    """The way of a profile that has a scheduler."""

    def find(self, there: Connection, declared: Declared, seen: Seen, ui: Ui) -> Server:
        """Let a short job show the way to a node."""
        from nbssh.batch import trial  # noqa: PLC0415  only a look at the server needs it

        with trace.step(f"find a way to the nodes of {there.shown}"):
            node = trial.find_way(trial.Trial(there, declared, self, seen), ui)
        server = msgspec.structs.replace(declared.server, via=node.via, host_keys=list(node.host_keys))
        if found := node.found:
            app = declared.profile.app
            return msgspec.structs.replace(
                server,
                jupyter=found.path,
                python=found.python,
                version=found.version(app),
                generation=choice.generation(found, app),
            )
        return server

    def examine(self, declared: Declared, ask: Callable[..., bytes]) -> Iterator[Finding]:
        """Ask whether the scheduler is there and would take the job."""
        from nbssh.batch import doctor  # noqa: PLC0415  only the doctor needs it

        return doctor.examine(self, declared, ask)
