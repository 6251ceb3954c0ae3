"""A client whose ssh has no ControlMaster, like that of Windows: a real server is set up, two logins for all steps."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from serving import count_sessions

from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.programs import process
from nbssh.adapters.ssh.client import Ssh
from nbssh.adapters.terminal.ui import Ui
from nbssh.commands.add import add
from nbssh.commands.apply import apply
from nbssh.commands.remove import remove
from nbssh.steps.context import Context
from nbssh.steps.request import Wish
from nbssh.windows.client import WINDOWS
from nbssh.wings import way_of

if TYPE_CHECKING:
    import pytest
    from bed import Bed


class WithoutMasters(ClientSystem):
    """This system, with an ssh and files as on Windows."""

    client = WINDOWS


def test_add_apply_and_remove(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = count_sessions(bed)
    monkeypatch.setattr(process, "BY_THREADS", True)
    for name in ("HOME", "PATH", "SHELL"):
        monkeypatch.setenv(name, bed.env[name])
    system = WithoutMasters()
    paths, ssh = Paths(bed.local_home, system), Ssh(tuple(bed.ssh_command), system)
    context = Context(paths, ssh, Ui(yes=True, quiet=True), way_of=way_of)
    add(context, Wish.of("box", token=True, jupyter=str(bed.jupyter)))
    assert sessions() == 2  # one for all scripts, one that is like a session, with a terminal and forwards
    conf = (bed.local_home / ".ssh" / "nbssh.d" / "box.conf").read_bytes().decode()
    assert "ControlMaster no\r\n" in conf
    assert "ControlMaster auto" not in conf
    profile = tomllib.loads(context.paths.profile("box").read_text())
    # the tunnel was tried without a master: through an ssh of its own
    assert profile["server"]["forward"] == "socket"
    assert f" {profile['server']['socket']}\r\n" in conf
    assert (bed.remote_home / ".local/share/nbssh/box/profile").is_file()
    assert apply(context, ["box"], mode="check", json=False, offline=False) == 0
    assert sessions() == 1
    remove(context, "box", offline=False)
    assert not (bed.remote_home / ".local/share/nbssh/box").exists()
    assert not (bed.local_home / ".ssh" / "nbssh.d").exists()
