"""A bug: exit 70, a report ready to paste in the log, or on stderr where no log can be; whatever else is broken."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbssh import __version__
from nbssh.adapters.laptop import buglog
from nbssh.adapters.laptop.this_system import SYSTEM

PROGRAM = """\
import sys
import nbssh.commands.show as showing
class Unprintable(Exception):
    def __str__(self): raise ValueError("no words")
def broken(*a, **k):
    {body}
showing.list_profiles = broken
from nbssh.__main__ import main
sys.argv = ["nbssh", *sys.argv[1:]]
main()
"""
posix = pytest.mark.not_on_windows("it has no modes and no /dev/full")


def bug(home: Path, body: str, *words: str, before: str = "", **streams: object) -> subprocess.CompletedProcess[str]:
    """Run `nbssh list WORDS`, whose innermost function is `body`."""
    environ = {"HOME": str(home), "USERPROFILE": str(home), "PATH": os.environ["PATH"], "NBSSH_SSH_COMMAND": "ssh"}
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        [sys.executable, "-c", before + PROGRAM.format(body=body), "list", *words],
        env=environ, encoding="utf-8", check=False, **given,  # type: ignore[call-overload]
    )  # fmt: skip


def log_of(home: Path) -> Path:
    return home / ("AppData/Local/nbssh/log" if os.name == "nt" else ".local/state/nbssh/log")


def test_the_report_has_everything_and_can_be_pasted(tmp_path: Path) -> None:
    done = bug(tmp_path, "raise RuntimeError('```on``` purpose')", "--json")
    assert done.returncode == 70
    log = log_of(tmp_path)
    assert done.stderr == (
        "nbssh: error: this is a bug in nbssh: RuntimeError: ```on``` purpose\n"
        f"nbssh: hint: please report it with {log}\n"
    )
    head, fence, block = re.fullmatch(
        r"(.*?)\n\n(`{4,})console\n(.*)\n\2\n\n", log.read_text(encoding="utf-8"), re.DOTALL
    ).groups()
    assert len(fence) == 4, "longer than what is inside"
    python = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    assert head.startswith(f"## nbssh {__version__}: RuntimeError\n\n- nbssh {__version__}, {python}\n")
    assert f"- {platform.platform()}" in head
    if shutil.which("ssh"):
        assert "\n- OpenSSH_" in head
    assert block.startswith("$ nbssh list --json\nTraceback (most recent call last):\n")
    assert block.endswith("RuntimeError: ```on``` purpose")


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    text = buglog.report(
        RuntimeError("http://127.0.0.1/?token=hunter2"), ["add", "x", "--setup", "export TOKEN=hunter2"]
    )
    assert "hunter2" not in text + buglog.described(RuntimeError("password=hunter2"))
    assert f"$ {SYSTEM.spoken(['nbssh', 'add', 'x', '--setup', 'export TOKEN=***'])}\n" in text
    done = bug(tmp_path, "raise RuntimeError('token=hunter2')")
    assert "hunter2" not in done.stderr + log_of(tmp_path).read_text(encoding="utf-8")


@posix
def test_only_its_owner_reads_it_and_a_wider_mode_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "state" / "log"
    before = os.umask(0)
    try:
        buglog.append(path, "one\n")
    finally:
        os.umask(before)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o644)
    buglog.append(path, "two\n")
    assert (path.stat().st_mode & 0o777, path.read_text()) == (0o600, "one\ntwo\n")


def test_it_is_bounded_and_the_newest_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    lengths = [1_000_000, *[40_000] * 20]  # each is cut to a part of the log, which starts again more than once
    for number, length in enumerate(lengths):
        buglog.append(path, buglog.report(RuntimeError(f"{number} " + "x" * length), ["list"]))
        assert path.stat().st_size <= buglog.LOG_BYTES
        assert f"RuntimeError: {number} x" in path.read_text(encoding="utf-8")
    assert len(buglog.described(RuntimeError("x" * 1_000_000))) < 400


def nested() -> Exception:
    error = ExceptionGroup("both", [ValueError("second"), OSError(28, "third")])
    error.__cause__ = KeyError("first")
    return error


def test_nested_errors_are_all_in_it() -> None:
    text = buglog.report(nested(), ["list"])
    for word in ("KeyError: 'first'", "ExceptionGroup: both", "ValueError: second", "third"):
        assert word in text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise Unprintable", "Unprintable: unknown (ValueError)"),
        # not by a call of `broken`: Python 3.13.0 to 3.13.7 do not count one with *a, and it would take all memory
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError: maximum recursion depth exceeded"),
        (r"raise RuntimeError('\x1b[2J\nand \udcff more')", r"RuntimeError: \x1b[2J\nand \udcff more"),
        ("raise RuntimeError", "RuntimeError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_an_error_without_decent_words(tmp_path: Path, body: str, said: str) -> None:
    done = bug(tmp_path, body)
    assert done.returncode == 70
    first, hint = done.stderr.splitlines()
    assert first.startswith(f"nbssh: error: this is a bug in nbssh: {said}")
    assert hint == f"nbssh: hint: please report it with {log_of(tmp_path)}"
    assert "Traceback" in log_of(tmp_path).read_text(encoding="utf-8")


def refused(done: subprocess.CompletedProcess[str]) -> None:
    """Assert that the whole report is on stderr, where no log could be written."""
    assert done.returncode == 70
    assert done.stderr.startswith(f"## nbssh {__version__}: RuntimeError\n")
    assert done.stderr.endswith(
        "nbssh: error: this is a bug in nbssh: RuntimeError: on purpose\n"
        "nbssh: hint: please report it with the text above\n"
    )


@posix
class TestWithoutALog:
    """The report is on stderr, and the status is 70 even where that cannot be written."""

    BODY = "raise RuntimeError('on purpose')"

    def test_a_state_folder_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / ".local").write_text("")
        refused(bug(tmp_path, self.BODY))

    @pytest.mark.parametrize("make", ["mkdir", "fifo", "link"])
    def test_a_log_that_is_no_file(self, tmp_path: Path, make: str) -> None:
        log = log_of(tmp_path)
        log.parent.mkdir(parents=True)
        other = tmp_path / "other"
        other.write_text("theirs")
        {"mkdir": log.mkdir, "fifo": lambda: os.mkfifo(log), "link": lambda: log.symlink_to(other)}[make]()
        refused(bug(tmp_path, self.BODY))
        assert other.read_text() == "theirs"

    def test_a_full_disk_leaves_no_half_report(self, tmp_path: Path) -> None:
        log = log_of(tmp_path)
        log.parent.mkdir(parents=True)
        log.write_text("before\n")
        limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        refused(bug(tmp_path, self.BODY, before=limit))
        assert log.read_text() == "before\n"

    def test_a_home_that_is_none(self, tmp_path: Path) -> None:
        refused(bug(tmp_path, f"import os; os.environ['HOME'] = '/no/where'; {self.BODY}"))

    def test_an_installation_that_is_half_gone(self, tmp_path: Path) -> None:
        done = bug(tmp_path, self.BODY, before="import sys\nsys.modules['nbssh.adapters.laptop.buglog'] = None\n")
        assert done.returncode == 70
        assert done.stderr.startswith("Traceback (most recent call last):\n")
        assert "RuntimeError: on purpose\nnbssh: error: this is a bug in nbssh: RuntimeError\n" in done.stderr

    def test_a_stderr_that_is_full_too(self, tmp_path: Path) -> None:
        (tmp_path / ".local").write_text("")
        with Path("/dev/full").open("w") as full:
            assert bug(tmp_path, self.BODY, stderr=full).returncode == 70

    def test_what_is_broken_is_what_the_report_asks(self, tmp_path: Path) -> None:
        body = "import nbssh.adapters.programs.process as p; p.run = None; raise RuntimeError('on purpose')"
        assert bug(tmp_path, body).returncode == 70
        assert "- unknown (TypeError)\n" in log_of(tmp_path).read_text(encoding="utf-8")
