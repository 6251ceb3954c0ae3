"""What `-v` shows on stderr: programs, files and steps; never a content, never a secret; nothing without it."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.files import writer
from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import process
from nbssh.adapters.programs.conversation import conversation
from nbssh.adapters.terminal import trace
from nbssh.core import masked
from nbssh.core.files.change import Change
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

TIME = r"\d+\.\d{3} s"
# as true(1) and cat(1), which Windows has not
TRUE = [sys.executable, "-c", ""]
CAT = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.readline()); sys.stdout.flush()"]
SECRETS = [
    "http://127.0.0.1:8888/lab?token=hunter2",
    "export TOKEN='hunter2 x'; jupyter lab",
    "HF_TOKEN=hunter2",
    "{'password': 'hunter2', 'port': 8888}",
    "jupyter server --password hunter2 --port 1",
    "sshpass -p hunter2 ssh box",
    "https://me:hunter2@pypi.example.org/simple",
    "Authorization: token hunter2",
    "argon2:$argon2id$v=19$hunter2",
    "AWS_SECRET_ACCESS_KEY=hunter2",
]


@pytest.fixture
def _shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace._switch, "on", True)


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_masked(text: str) -> None:
    assert "hunter2" not in masked.text(text)
    assert masked.SIGN in masked.text(text)
    assert "hunter2" not in " ".join(masked.words(["add", "--setup", text]))


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["sshpass", "-p", "hunter2", "ssh", "-p", "22", "box"], "sshpass -p *** ssh -p 22 box"),
        (["/usr/bin/sshpass", "-phunter2", "ssh"], "/usr/bin/sshpass -p*** ssh"),
        (["sshpass", "-P", "code", "-p", "hunter2", "ssh"], "sshpass -P code -p *** ssh"),
        (["sshpass", "-e", "ssh", "-p", "22"], "sshpass -e ssh -p 22"),
        (["x", "--password", "-hunter2"], "x --password ***"),
    ],
)
def test_a_secret_that_is_a_word_of_its_own_is_masked(argv: list[str], shown: str) -> None:
    assert " ".join(masked.words(argv)) == shown


@pytest.mark.parametrize(
    "argv",
    [
        ["ssh", "-oPasswordAuthentication=no", "-oIdentityFile=~/.ssh/token", "-p", "22", "alice@box"],
        ["nbssh", "passwd", "--token", "mybox"],
        ["nbssh", "add", "mybox", "--token", "--password-stdin", "--port", "8888"],
        ["ssh", "-L127.0.0.1:8888:/home/me/.local/state/nbssh/mybox/sock", "mybox", "exec", "/bin/sh"],
    ],
    ids=" ".join,
)
def test_what_is_no_secret_is_shown(argv: list[str]) -> None:
    assert masked.words(argv) == argv


@pytest.mark.usefixtures("_shown")
class TestPrograms:
    """Every program, when it ends; when it starts, too, if that may take long."""

    def test_a_quick_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        process.run([sys.executable, "-c", "print('SECRET'); raise SystemExit(3)"], script=b"SECRET", seconds=20)
        (line,) = capsys.readouterr().err.splitlines()
        assert re.fullmatch(rf"nbssh: run: {re.escape(sys.executable)} -c .* \({TIME}, status 3\)", line)

    def test_one_that_may_take_long_or_ask(self, capsys: pytest.CaptureFixture[str]) -> None:
        process.run([sys.executable, "-c", "0", "?token=hunter2"], seconds=21)
        began, ended = capsys.readouterr().err.splitlines()
        command = f"nbssh: run: {SYSTEM.spoken([sys.executable, '-c', '0', '?token=***'])}"
        assert began == f"{command} (started)"
        assert re.fullmatch(rf"{re.escape(command)} \({TIME}, status 0\)", ended)

    def test_one_that_reaches_its_limit(self, capsys: pytest.CaptureFixture[str]) -> None:
        process.run([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.1)
        assert re.search(rf"\({TIME}, (status 1|signal 9), time limit\)$", capsys.readouterr().err)

    def test_one_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(NbsshError, match="there is no 'no-such-program' on this machine"):
            process.run(["no-such-program"], seconds=1)
        said = capsys.readouterr().err
        assert re.fullmatch(r"nbssh: run: no-such-program \(not started: [a-z ]+\)\n", said)

    def test_one_that_is_left_to_itself(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        with (tmp_path / "errors").open("wb") as errors:
            process.leave_running(TRUE, errors=errors)
        shown = f"nbssh: run: {SYSTEM.spoken(TRUE)}"
        assert capsys.readouterr().err == f"{shown} (started)\n{shown} (left running)\n"

    def test_those_that_are_talked_to(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        with conversation(CAT) as talk:
            assert talk.ask(b"mark\n", lambda _: 30.0, lambda out: b"\n" in out, 100).out == b"mark\n"
        with (tmp_path / "errors").open("wb") as errors:
            process.detach(TRUE, seconds=30, errors=errors, show=lambda: None)
        assert process.interact(TRUE) == 0
        shown = capsys.readouterr().err.splitlines()
        assert [line for line in shown if line.endswith("(started)")] == shown[::2]
        assert [re.sub(TIME, "", line) for line in shown[1::2]] == [
            f"nbssh: run: {SYSTEM.spoken(command)} (, status 0)" for command in (CAT, TRUE, TRUE)
        ]

    def test_one_whose_lines_are_read(self, capsys: pytest.CaptureFixture[str]) -> None:
        with process.lines(CAT, b"one\n") as lines:
            assert next(lines) == b"one\n"
        # it is told to end as soon as nobody reads any more, which it may have done by itself
        assert re.search(rf"\({TIME}, (status [01]|signal 15)\)$", capsys.readouterr().err)

    def test_a_word_cannot_act_on_the_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        process.run([*TRUE, "\x1b[2J\n"], seconds=1)
        assert "\x1b" not in capsys.readouterr().err


@pytest.mark.not_on_windows("its files have no modes")
@pytest.mark.usefixtures("_shown")
class TestFiles:
    """Every file that is written, backed up, removed or put back."""

    def apply(self, folder: Path, *changes: Change) -> None:
        writer.apply_changes(changes, lock=folder / "state/lock", backups=folder / "state/backups")

    def test_action_path_and_mode_but_no_content(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        old = tmp_path / "old"
        old.write_bytes(b"SECRET")
        old.chmod(0o644)
        gone = tmp_path / "gone"
        gone.write_bytes(b"SECRET")
        self.apply(
            tmp_path,
            Change(str(tmp_path / "new/file"), None, b"SECRET", 0o700, None, ""),
            Change(str(old), b"SECRET", b"SECRET 2", 0o600, 0o644, ""),
            Change(str(gone), b"SECRET", None, 0o600, None, "", secret=True),
        )
        assert capsys.readouterr().err.splitlines() == [
            f"nbssh: file: create {tmp_path}/new/ (mode 0700)",
            f"nbssh: file: create {tmp_path}/new/file (mode 0700)",
            f"nbssh: file: back up {tmp_path}/state/backups/{str(old).replace('/', '%')}.0001 (mode 0600)",
            f"nbssh: file: change {old} (mode 0600)",
            f"nbssh: file: delete {gone}",
        ]

    def test_what_is_undone(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        (tmp_path / "there").write_bytes(b"somebody's")
        with pytest.raises(NbsshError, match="changed meanwhile"):
            self.apply(
                tmp_path,
                Change(str(tmp_path / "first"), None, b"x", 0o600, None, ""),
                Change(str(tmp_path / "there"), None, b"x", 0o600, None, ""),
            )
        assert capsys.readouterr().err.splitlines() == [
            f"nbssh: file: create {tmp_path}/first (mode 0600)",
            f"nbssh: file: undo {tmp_path}/first",
        ]


@pytest.mark.usefixtures("_shown")
def test_a_step_and_one_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with trace.step("probe box"):
        pass
    with pytest.raises(NbsshError), trace.step("install on box"):
        raise NbsshError("no room")
    shown = [re.sub(TIME, "T", line) for line in capsys.readouterr().err.splitlines()]
    assert shown == ["nbssh: step: probe box (T)", "nbssh: step: install on box (T, failed)"]


@pytest.mark.usefixtures("_shown")
def test_a_terminal_that_is_gone_changes_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with contextlib.redirect_stderr(Gone()):
        assert process.run(TRUE, seconds=30).status == 0


def test_nothing_is_shown_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    process.run(TRUE, seconds=30)
    with trace.step("probe box"):
        trace.file("create", "/x", 0o600)
    assert capsys.readouterr().err == ""
