"""Everything outside that an operation may touch, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbssh.adapters.laptop.client_system import Side
from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.ssh.client import Ssh
from nbssh.adapters.terminal.ui import Ui
from nbssh.core.profile.client import WINDOWS
from nbssh.errors import NbsshError

_HERE = "here"  # the world of the system that we run on, for the other one


@dataclass(frozen=True)
class World:
    """The user's files, her ssh, her terminal."""

    paths: Paths = field(default_factory=Paths.of_user)
    ssh: Ssh = field(default_factory=Ssh.of_user)
    ui: Ui = field(default_factory=Ui)
    _others: dict[str, World] = field(default_factory=dict, repr=False, compare=False)

    def on(self, client: str | None) -> World:
        """Return the world for a profile's client: this one, or from WSL the files and the ssh of Windows."""
        if client is None:
            return self._others.get(_HERE, self)
        if client == self.paths.side.client.name:
            return self
        if client != WINDOWS.name:
            raise NbsshError(
                f"--client {client}: files for Unix cannot be written from Windows", "run nbssh in WSL for them"
            )
        if WINDOWS.name not in self._others:
            side = Side.around()
            others = {_HERE: self}
            self._others[side.client.name] = World(Paths(self.paths.home, side), Ssh.of_side(side), self.ui, others)
        return self._others[WINDOWS.name]
