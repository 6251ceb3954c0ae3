"""A tunnel in the background without `ssh -f`: whom it is taken for, and who may share its port. Without Windows."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO

import pytest

from nbssh.adapters.laptop.background import Known
from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.adapters.laptop.paths import Paths
from nbssh.adapters.terminal.ui import Ui
from nbssh.core.profile.profile import Profile
from nbssh.errors import NbsshError
from nbssh.steps import background
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
        self.found: set[int] = {ME.pid}
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
        return known in self.alive

    def end(self, known: Known) -> None:
        self.alive.discard(known)

    def listeners(self, port: int) -> set[int]:  # noqa: ARG002
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
    return Target(context, "box", Profile(destination="box", port=18888))


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


@pytest.mark.parametrize("text", ["", "[1]", '["x", 1]', "[4711, 1, 1]", "\0"])
def test_a_file_that_tells_of_none_goes(target: Target, text: str) -> None:
    target.paths.tunnels_dir.mkdir(parents=True)
    target.paths.tunnel("box").write_text(text)
    programs(target).alive = {ME}
    assert background.find(target.paths, "box") is None
    assert not target.paths.tunnel("box").exists()


def test_a_program_that_shares_the_port_ends_it(target: Target) -> None:
    programs(target).found = {ME.pid, 17}
    with pytest.raises(NbsshError) as told, background.opened(target):
        pytest.fail("it was let through")
    assert told.value.message == "port 18888 on this machine is taken by another program, too (pid 17)"
    assert told.value.hint == "end that (kill 17), or take another port: nbssh edit box: port"
    assert programs(target).alive == set()


def test_one_that_never_listens_is_given_up(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump host asks: that ssh of its own knows nothing of BatchMode."""
    monkeypatch.setattr(background, "_LOGIN_SECONDS", -1.0)
    programs(target).found = set()
    with pytest.raises(background.EndedError) as told, background.opened(target):
        pytest.fail("it was let through")
    assert told.value.done.limit == "time"
    assert programs(target).alive == set()


def test_what_ssh_says_is_shown_and_how_it_ended(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    programs(target).ended, programs(target).said = 255, b"Permission \x1b[31mdenied\n"
    with pytest.raises(background.EndedError) as told, background.opened(target):
        pytest.fail("it was let through")
    assert told.value.done.status == 255
    assert "denied" in capsys.readouterr().err
    assert b"denied" in target.paths.tunnel_log("box").read_bytes()
    assert target.paths.tunnel_log("box").stat().st_mode & 0o777 == 0o600
