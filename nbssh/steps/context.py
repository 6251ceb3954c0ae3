"""Everything outside that a command may touch, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.ssh.client import Ssh
from nbssh.adapters.terminal.ui import Ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbssh.core.profile.profile import Profile
    from nbssh.steps.way import Way


@dataclass(frozen=True)
class Context:
    """The user's files, her ssh, her terminal; `way_of` is `nbssh.wings.way_of`."""

    paths: Paths = field(default_factory=Paths.of_user)
    ssh: Ssh = field(default_factory=Ssh.of_user)
    ui: Ui = field(default_factory=Ui)
    way_of: Callable[[Profile], Way] = field(kw_only=True)
