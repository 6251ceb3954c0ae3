"""`nbssh demo`: it shows the real thing, and nothing is left, however it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import BIN, SYSTEM_PATH, needs, until

from nbssh.demo.sshd import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed import Bed

FOLDER = re.compile(r"(/tmp/nbdemo-\w+)")


class Stage:
    """A demo that runs in a terminal, and the folder that it has told."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self.child = child
        self.folder = Path()

    def reach(self, text: str) -> None:
        """Wait until the demo says `text`; the first line tells its folder."""
        if self.folder == Path():
            self.child.expect(FOLDER)
            assert self.child.match
            self.folder = Path(self.child.match.group(1))
        self.child.expect(text)

    def is_gone(self) -> bool:
        """Tell whether nothing is left: neither a process nor a file."""
        return not processes(self.folder) and not self.folder.exists()


@pytest.fixture
def stage(bed: Bed) -> Iterator[Stage]:
    """Start `nbssh demo` in a terminal; end what a failed test leaves of it."""
    needs("sshd")
    started = Stage(bed.spawn("nbssh", "demo", timeout=120))
    yield started
    started.child.close(force=True)
    for pid in processes(started.folder) if started.folder != Path() else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_once_shows_everything_and_leaves_nothing(bed: Bed) -> None:
    needs("sshd")
    done = bed.run("nbssh", "demo", "--once", timeout=180)
    assert done.returncode == 0, done.stderr
    assert "6 * 7 is 42" in done.stderr
    for step in ("nbssh add demo", "ssh demo-nb", "ssh demo-nb-kill", "everything is gone"):
        assert step in done.stderr
    told = FOLDER.search(done.stderr)
    assert told
    assert not Path(told.group(1)).exists()
    assert not processes(Path(told.group(1)))
    assert not list(bed.local_home.rglob("*nbssh*")), "the demo wrote into the home of its user"


def test_control_c_in_the_session_ends_the_demo_with_0(stage: Stage) -> None:
    stage.reach("the password is")
    stage.reach("http://127.0.0.1")
    stage.child.sendcontrol("c")
    stage.reach("everything is gone")
    stage.child.expect(pexpect.EOF)
    stage.child.close()
    assert stage.child.exitstatus == 0
    assert stage.is_gone()


@pytest.mark.parametrize("moment", ["nbssh add demo", "ssh demo-nb", "http://127.0.0.1"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_leaves_nothing(stage: Stage, moment: str, number: signal.Signals) -> None:
    stage.reach(moment)
    os.kill(stage.child.pid, number)
    stage.reach("everything is gone")
    stage.child.expect(pexpect.EOF)
    stage.child.close()
    assert stage.child.exitstatus == 128 + number
    assert stage.is_gone()


@pytest.mark.parametrize("moment", ["nbssh add demo", "http://127.0.0.1"])
def test_a_closed_terminal_leaves_nothing(stage: Stage, moment: str) -> None:
    stage.reach(moment)
    stage.child.ptyproc.fileobj.close()
    until(stage.is_gone, "processes and folder of the demo go", seconds=30)


def test_without_jupyter_it_says_what_to_install(bed: Bed) -> None:
    script = (
        "import shutil, sys; find = shutil.which\n"
        "shutil.which = lambda name, **more: None if name == sys.argv[1] else find(name, **more)\n"
        "from nbssh.__main__ import main; sys.argv = ['nbssh', 'demo', '--once']; sys.exit(main())\n"
    )
    for program, line in (
        ("jupyter-lab", "hint: in a clone of nbssh: make demo"),
        ("sshd", "apt-get install openssh-server"),
    ):
        done = bed.run(sys.executable, "-c", script.replace("sys.argv[1]", repr(program)))
        assert done.returncode == 1
        assert "nbssh: error: " in done.stderr
        assert line in done.stderr
        assert "Traceback" not in done.stderr


def test_it_needs_no_path_to_itself(bed: Bed) -> None:
    assert str(BIN) in bed.env["PATH"]
    bed.env["PATH"] = SYSTEM_PATH
    done = bed.run("nbssh", "demo", "--once", timeout=180)
    assert done.returncode == 0, done.stderr
