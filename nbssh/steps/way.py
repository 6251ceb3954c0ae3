"""A way as steps see it: it can be tried and looked at. Which profile has which way is for `nbssh.wings` to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbssh.core import way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.adapters.terminal.ui import Ui
    from nbssh.core.profile.declared import Declared
    from nbssh.core.profile.profile import Server
    from nbssh.core.server.doctor import Finding
    from nbssh.core.server.facts import Candidate, Facts


class Seen(NamedTuple):
    """What was found at the destination, a Jupyter without a path if none; and how to look at another host."""

    facts: Facts
    found: Candidate
    look: Callable[[Connection], Facts]


class Way(way.Way):
    """The straight way: there is nothing to find, and nothing to look at."""

    def find(self, there: Connection, declared: Declared, seen: Seen, ui: Ui) -> Server:  # noqa: ARG002
        """Try how a session gets on from `there`, the destination, and return what is known of the host then.

        Raises NbsshError if no session gets there, or none of the hosts has a Jupyter.
        """
        return declared.server

    def examine(self, declared: Declared, ask: Callable[..., bytes]) -> Iterator[Finding]:  # noqa: ARG002
        """Return the findings of the doctor about what lies behind the destination.

        `ask` runs a script of the program there, with words, and returns what it prints.
        """
        return iter(())
