"""Everything outside that a command may touch, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.ssh.client import Ssh
from nbssh.adapters.terminal.ui import Ui


@dataclass(frozen=True)
class Context:
    """The user's files, her ssh, her terminal."""

    paths: Paths = field(default_factory=Paths.of_user)
    ssh: Ssh = field(default_factory=Ssh.of_user)
    ui: Ui = field(default_factory=Ui)
