"""A tunnel in the background without `ssh -f`: whom it is taken for, and who may share its port. Without Windows."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, BinaryIO

import pytest
from ports import free_port

from nbssh.adapters.laptop.background import Known
from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.programs import listening
from nbssh.adapters.programs.lsof import Holder
from nbssh.adapters.terminal.ui import Ui
from nbssh.commands import open_
from nbssh.core.profile.profile import Profile
from nbssh.errors import NbsshError
from nbssh.steps import background, ports, tunnels, verified
from nbssh.steps.context import Context
from nbssh.steps.profiles import Target
from nbssh.wings import way_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ME, OTHER = Known(4711, 1), Known(4711, 2)


class Programs:
    """Programs in the background, as a system has them that runs none; `found` listens on every port."""

    known = ME

    def __init__(self) -> None:
        self.alive: set[Known] = set()
        self.found = [Holder("ssh.exe", ME.pid)]
        self.ended: int | None = None
        self.said = b""

    @contextlib.contextmanager
    def start(self, command: Sequence[str], *, errors: BinaryIO, cwd: Path) -> Iterator[Programs]:  # noqa: ARG002
        assert "-oBatchMode=yes" in command
        errors.write(self.said)
        errors.flush()
        self.free = False
        if self.ended is None:
            self.alive.add(ME)
        try:
            yield self
        finally:
            if not self.free:
                self.alive.discard(ME)

    def status(self) -> int | None:
        return self.ended

    def owns(self, pid: int) -> bool:
        return pid == ME.pid

    def let_go(self) -> None:
        self.free = True

    def lasts(self, known: Known) -> bool:
        assert known.pid.bit_length() <= 32
        assert known.began.bit_length() < 64  # ctypes takes no more
        return known in self.alive

    def end(self, known: Known) -> None:
        self.alive.discard(known)

    def listeners(self, port: int) -> list[Holder]:  # noqa: ARG002
        return self.found


class System(ClientSystem):
    """One whose ssh cannot go into the background."""

    def __init__(self) -> None:
        self.programs = Programs()

    def background(self) -> Programs:
        return self.programs


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    context = Context(Paths(tmp_path, System()), ui=Ui(), way_of=way_of)
    return Target(context, "box", Profile(destination="box", port=free_port()))


def programs(target: Target) -> Programs:
    found = target.paths.system.background()
    assert isinstance(found, Programs)
    return found


def test_it_ends_with_the_block_unless_it_is_let_go(target: Target) -> None:
    with background.opened(target):
        assert background.find(target.paths, "box") == ME
        with pytest.raises(NbsshError, match="being opened already"), background.opened(target):
            pass
    assert not target.paths.tunnel("box").exists()
    with background.opened(target) as hidden:
        hidden.let_go()
    assert background.find(target.paths, "box") == ME
    background.end(target.paths, "box")
    assert programs(target).alive == set()
    assert not target.paths.tunnel("box").exists()


def test_a_number_that_another_process_got_is_not_taken_for_it(target: Target) -> None:
    with background.opened(target) as hidden:
        hidden.let_go()
    programs(target).alive = {OTHER}
    background.end(target.paths, "box")
    assert programs(target).alive == {OTHER}
    assert not target.paths.tunnel("box").exists()


@pytest.mark.parametrize("text", ["", "[1]", '["x", 1]', "[4711, 1, 1]", "\0", f"[{2**32}, 1]", f"[8, {2**63}]"])
def test_a_file_that_tells_of_none_goes(target: Target, text: str) -> None:
    target.paths.tunnels_dir.mkdir(parents=True)
    target.paths.tunnel("box").write_text(text)
    programs(target).alive = {ME}
    assert background.find(target.paths, "box") is None
    assert not target.paths.tunnel("box").exists()


def test_a_program_that_shares_the_port_ends_it(target: Target) -> None:
    programs(target).found.append(Holder("other.exe", 17))
    with pytest.raises(NbsshError) as told, background.opened(target):
        pytest.fail("it was let through")
    what = f"port {target.profile.port} on this machine, which is that of 'box', is taken by other.exe (pid 17), too"
    assert told.value.message == what
    assert told.value.hint == "end that (kill 17), or take another port: nbssh edit box: port"
    assert programs(target).alive == set()


def test_who_has_a_port_is_known_without_proc_and_lsof(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "SYSTEM", target.paths.system)
    monkeypatch.setattr(listening, "listeners", lambda _: [])
    found = programs(target).found
    found[:] = [Holder("other.exe", 17), Holder("a program", 18, "another user")]
    assert ports.holder_of(8888) == ("other.exe (pid 17) and a program (pid 18) of another user", "")
    found[1:] = [Holder("", 0)]
    assert ports.holder_of(8888) == ("another program", "end that, or ")


def test_another_nbssh_that_opens_it_is_not_taken_for_a_stranger(target: Target) -> None:
    with (
        background.opened(target),
        socket.create_server(("127.0.0.1", target.profile.port)),
        pytest.raises(NbsshError, match="being opened already"),
        background.opened(target),
    ):
        pytest.fail("it was let through")


def test_a_port_that_is_taken_gets_no_ssh(target: Target) -> None:
    with (
        socket.create_server(("127.0.0.1", target.profile.port)),
        pytest.raises(NbsshError, match="is taken by "),
        background.opened(target),
    ):
        pytest.fail("it was let through")
    assert not target.paths.tunnel_log("box").exists()


def test_each_port_of_a_profile_may_be_taken(target: Target) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        wide = target.with_profile(Profile(destination="box", port=free_port(), also=(str(port),)))
        found = ports.taken_port(wide)
    assert found
    assert f"port {port} on this machine, which is that of 'box', is taken by " in found.message
    assert found.hint.endswith("take another port: nbssh edit box: also")


def test_one_that_ends_while_its_jupyter_is_looked_for_is_opened_again(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a sleep, when ssh has not noticed yet that its connection is gone."""
    with background.opened(target) as hidden:
        hidden.let_go()

    def fails(_: object) -> None:
        raise NbsshError("no Jupyter of 'box' answers", "")

    monkeypatch.setattr(verified, "verify", fails)
    held = tunnels.alone(target)
    assert held == tunnels.Alone(ME.pid, ME)
    with pytest.raises(NbsshError, match="no Jupyter"):
        open_._is_verified(target, held)
    programs(target).alive.clear()
    assert open_._is_verified(target, held) is False


def test_one_that_never_listens_is_given_up(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump host asks: that ssh of its own knows nothing of BatchMode."""
    monkeypatch.setattr(background, "_LOGIN_SECONDS", -1.0)
    programs(target).found = []
    with pytest.raises(background.EndedError) as told, background.opened(target):
        pytest.fail("it was let through")
    assert (told.value.done.how, told.value.done.status) == ("was given up: no connection", -1)
    assert programs(target).alive == set()


def test_what_ssh_says_is_shown_and_how_it_ended(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    programs(target).ended, programs(target).said = 255, b"Permission \x1b[31mdenied\n"
    with pytest.raises(background.EndedError) as told, background.opened(target):
        pytest.fail("it was let through")
    assert told.value.done.status == 255
    assert "denied" in capsys.readouterr().err
    assert b"denied" in target.paths.tunnel_log("box").read_bytes()
    assert target.paths.tunnel_log("box").stat().st_mode & 0o777 == 0o600
