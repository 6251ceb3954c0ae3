"""Kill the writer at every step: each file is the old one or the new one, and the next run repairs.

Run as a program, this file is the victim: `KIND OPERATION TOP` forks one writer for each point.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotfiles import scratch, tree

from nbssh.adapters.files import access, atomic, lock, swap, tidy, writer
from nbssh.core.files.change import Change, seal
from nbssh.core.ssh.include import include_added, include_removed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL is POSIX")

# What changes the disk; between two of these a kill finds what the kill before found.
CALLS = [
    "open",
    "close",
    "write",
    "fsync",
    "fchmod",
    "fchown",
    "setxattr",
    "link",
    "replace",
    "rename",
    "unlink",
    "mkdir",
    "chmod",
    "rmdir",
]
FUZZ = "NBSSH_FUZZ_EXAMPLES" in os.environ
USER = b"# mine\nHost a\n  HostName 10.0.0.5\nHost caf\xe9\n  User me\n"
BLOCK = seal("# nbssh-checksum:\nHost mybox-nb\n  HostName 10.0.0.5\n").encode()
NEWER = seal("# nbssh-checksum:\nHost mybox-nb\n  HostName 10.0.0.6\n  User alice\n").encode()
MOST = 2000  # points; an operation takes far fewer, so a loop that never ends is found out


@dataclasses.dataclass(frozen=True)
class Operation:
    """What one command writes: each file under the home, before and after (None: no file)."""

    old: dict[str, bytes | None]
    new: dict[str, bytes | None]

    def prepare(self, home: Path) -> None:
        home.mkdir(parents=True)
        (home / ".ssh").mkdir(mode=0o700)
        for name, data in self.old.items():
            if data is not None:
                (home / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (home / name).write_bytes(data)
                (home / name).chmod(0o600)

    def run(self, home: Path) -> list[str]:
        changes = []
        for name, new in self.new.items():
            old, mode = writer.snapshot(home / name)
            changes.append(Change(str(home / name), old, new, 0o600, mode, "test", secret="secrets" in name))
        return writer.apply_changes(changes, lock=home / "state/lock", backups=home / "state/backups")


CONFIG, CONF, CONF2 = ".ssh/config", ".ssh/nbssh.d/mybox.conf", ".ssh/nbssh.d/other.conf"
TOML, SECRET = ".config/nbssh/profiles/mybox.toml", "state/secrets/mybox.json"
OPERATIONS = {
    "first add": Operation(
        {CONFIG: None, CONF: None, TOML: None, SECRET: None},
        {TOML: b"destination = 'mybox'\n", SECRET: b'{"hash": "x"}', CONF: BLOCK, CONFIG: include_added(b"")},
    ),
    "init": Operation({CONFIG: USER}, {CONFIG: include_added(USER)}),
    "apply": Operation(
        {CONFIG: include_added(USER), CONF: BLOCK, CONF2: BLOCK + b"# by hand\n"},
        {CONF: NEWER, CONF2: NEWER.replace(b"mybox", b"other")},
    ),
    "remove": Operation(
        {CONFIG: include_added(USER), CONF: BLOCK, TOML: b"x = 1\n", SECRET: b"{}"},
        {CONF: None, TOML: None, SECRET: None},
    ),
    "uninstall": Operation(
        {CONFIG: include_added(USER), CONF: BLOCK},
        {CONFIG: include_removed(include_added(USER)), CONF: None},
    ),
}


@dataclasses.dataclass
class Countdown:
    """Kill this process at the n-th step; with `half`, a write is cut in the middle first."""

    left: int

    def step(self, before: Callable[[], object] | None = None) -> None:
        self.left -= 1
        if self.left == 0:
            if before is not None:
                before()
            os.kill(os.getpid(), signal.SIGKILL)


def die_at_call(countdown: Countdown) -> None:
    """Count the system calls of the writer, filelock's included."""

    def wrap(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            half = None
            if name == "write":
                fd, data = args
                half = lambda: real(fd, bytes(data)[: len(bytes(data)) // 2])  # type: ignore[call-overload]  # noqa: E731
            countdown.step(half)
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        if hasattr(os, name):
            setattr(os, name, wrap(name, getattr(os, name)))
    for name in ("exchange", "rename_to_free"):  # system calls of the C library
        setattr(swap, name, wrap(name, getattr(swap, name)))


def die_at_line(countdown: Countdown) -> None:
    """Count the lines that the writer's own modules run."""
    ours = {module.__file__ for module in (writer, atomic, lock, access, swap)}

    def trace(frame: FrameType, event: str, _argument: object) -> Callable[..., object] | None:
        if frame.f_code.co_filename not in ours:
            return None
        if event == "line":
            countdown.step()
        return trace

    sys.settrace(trace)


def be_killed(kind: str, operation: Operation, top: Path) -> Iterator[tuple[int, int]]:
    """Fork one writer for each point, in a home of its own; yield (point, status) until one gets through."""
    # Most lines change nothing on the disk: every seventh is enough where time matters.
    for point in range(1, MOST, 7 if kind == "line" and not FUZZ else 1):
        home = top / str(point)
        operation.prepare(home)
        pid = os.fork()
        if pid == 0:
            if kind == "old call":
                swap._call = lambda: None  # type: ignore[assignment]
            {"line": die_at_line}.get(kind, die_at_call)(Countdown(point))
            try:
                operation.run(home)
            except BaseException:  # noqa: BLE001
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        yield point, status
        if status != -signal.SIGKILL:
            return


_TAKEN: set[str] = set()  # what lay in an .ssh of which ssh took the config


def ssh_takes(home: Path) -> bool:
    read = repr(tree(home / ".ssh"))
    if not (home / CONFIG).exists() or read in _TAKEN:
        return True
    done = subprocess.run(
        ["ssh", "-G", "-F", home / CONFIG, "mybox-nb"],
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    if done.returncode == 0:
        _TAKEN.add(read)
    return done.returncode == 0


def strays(home: Path) -> list[str]:
    return [path.name for path in home.rglob("*") if path.name.endswith(".nbssh-tmp")]


def inspect(operation: Operation, home: Path) -> int:
    """Assert what a user may find after the kill, repair, assert again; return how many files were old."""
    old = 0
    for name, new in operation.new.items():
        data = writer.read(home / name)
        assert data in (operation.old[name], new), f"{name} is torn"
        old += data != new
        if data is not None:
            assert (home / name).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in (home / ".ssh/nbssh.d").glob("*.conf")} <= {
        Path(CONF).name,
        Path(CONF2).name,
    }
    assert ssh_takes(home)
    for backup in (home / "state/backups").glob("[!.]*"):
        assert backup.read_bytes() in operation.old.values()

    operation.run(home)
    for name, new in operation.new.items():
        assert writer.read(home / name) == new
    assert ssh_takes(home)
    # A folder that was not touched again is swept by whoever looks.
    tidy.sweep({(home / name).parent for name in operation.new}, lock=home / "state/lock")
    tidy.sweep([home / "state/backups"], lock=home / "state/lock")
    assert strays(home) == []
    assert operation.run(home) == []
    return old


def victims(kind: str, name: str, top: Path) -> list[tuple[int, int]]:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, kind, name, str(top)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        capture_output=True,
        timeout=300,
        check=True,
    )
    points: list[tuple[int, int]] = json.loads(done.stdout)
    return points


@pytest.fixture
def top() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("call", "old call") for name in OPERATIONS]
    + [("line", name) for name in OPERATIONS if FUZZ or name == "uninstall"],
)
def test_killed_anywhere(top: Path, kind: str, name: str, record_property: Callable[[str, object], None]) -> None:
    points = victims(kind, name, top)
    statuses = [status for _, status in points]
    assert statuses[-1] == 0, "the writer got through only by failing, or never"
    assert set(statuses[:-1]) == {-signal.SIGKILL}
    assert len(points) > 20
    seen = {inspect(OPERATIONS[name], top / str(point)) for point, _ in points}
    # Both sides of the rename were met.
    assert {0, len(OPERATIONS[name].new)} <= seen
    record_property("kill points", len(points) - 1)
    print(f"killed {name!r} at {len(points) - 1} {kind}s")  # noqa: T201


STRACE = [
    "rename,renameat2",
    "unlink,unlinkat",
    "mkdir,mkdirat",
    "fsync",
    "fchmod",
    "chmod,fchmodat",
    "write",
    "flock",
]


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


def test_killed_by_the_kernel_at_a_system_call(top: Path, record_property: Callable[[str, object], None]) -> None:
    """The same with strace, which knows of system calls that Python hides."""
    if not strace_works():
        assert "CI" not in os.environ, "strace is missing"
        pytest.skip("strace is missing or may not trace")
    operation = OPERATIONS["uninstall"]
    killed = 0
    for calls in STRACE:
        for point in range(1, MOST):
            home = top / calls / str(point)
            operation.prepare(home)
            trace = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={point}"]
            done = subprocess.run(
                [
                    "strace",
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    *trace,
                    sys.executable,
                    "-B",
                    __file__,
                    "once",
                    "uninstall",
                    home,
                ],
                env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
                capture_output=True,
                timeout=60,
                check=False,
            )
            inspect(operation, home)
            if done.returncode == 0:
                break
            assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
            killed += 1
    assert killed >= len(STRACE)
    record_property("kill points", killed)
    print(f"killed 'uninstall' at {killed} system calls")  # noqa: T201


def main(kind: str, name: str, top: Path) -> None:
    if kind == "once":
        OPERATIONS[name].run(top)
    else:
        sys.stdout.write(json.dumps(list(be_killed(kind, OPERATIONS[name], top))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
