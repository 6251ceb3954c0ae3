"""Kill whole commands at every system call that changes a file, or fill the disk: ssh goes on, the next run repairs.

Run as a program, this file is the victim's parent: `COMMAND HARM TOP [all]` forks one victim for each point.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotfiles import Laptop, lasting, run_here, scratch, strays, tree
from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL is POSIX")

PORT, OTHER_PORT = str(free_port()), str(free_port())
FUZZ = "NBSSH_FUZZ_EXAMPLES" in os.environ
# Before each of these, and in the middle of a write; with "all" also those after which the disk is as before.
CALLS = ["fsync", "write", "link", "replace", "rename", "unlink", "mkdir", "chmod", "rmdir", "fchmod", "symlink"]
MORE_CALLS = ["open", "close", "fchown", "setxattr"]
# what needs room, and fails from one moment on
ROOM = ["write", "mkdir", "link", "symlink", "fsync", "open"]
HURT = 100  # is added to the status of a victim that met the full disk
ADD = ("add", "box", "--offline", "--token", "--yes", "--port", PORT, "--no-browser")
OTHER = ("add", "other", "gate", "--offline", "--token", "--yes", "--port", OTHER_PORT)
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    # the last is the victim, the others come before
    "init": (("init", "--yes"),),
    "first add": (ADD,),
    "second add": (OTHER, ADD),
    "apply": (ADD, OTHER, ("apply", "--offline", "--yes")),
    "remove": (OTHER, ADD, ("remove", "box", "--offline")),
    "uninstall": (ADD, OTHER, ("uninstall", "--offline", "--yes")),
    "passwd": (OTHER, ADD, ("passwd", "box", "--token")),
}
MOST = 2000


def edited(laptop: Laptop) -> None:
    """Do what a user does before an apply: edit her own block, and a file that is ours."""
    laptop.config.write_bytes(laptop.config.read_bytes().replace(b"10.0.0.5", b"10.0.0.6"))
    conf = laptop.conf_dir / "other.conf"
    conf.write_text(conf.read_text() + "    Compression yes\n")


def forked(job: Callable[[], object]) -> int:
    """Run `job` in a process of its own; return its status, as waitpid gives it."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            found = job()
            status = found if isinstance(found, int) else 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die_at(point: int, calls: list[str], home: str) -> None:
    """Let this process be killed at the n-th of `calls`; a write is cut in the middle first."""
    left = point

    def wrap(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal left
            first = args[0] if args else ""
            # what happens in /tmp on the way to an answer of ssh is not the user's
            if isinstance(first, str | os.PathLike) and not os.fspath(first).startswith(home):
                return real(*args, **kwargs)
            left -= 1
            if left == 0:
                if name == "write":
                    fd, data = args
                    real(fd, bytes(data)[: len(bytes(data)) // 2])  # type: ignore[call-overload]
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for name in calls:
        setattr(os, name, wrap(name, getattr(os, name)))


def fill_at(point: int, home: str) -> Callable[[], bool]:
    """Let the disk be full from the n-th call on that needs room; return what tells whether it came to that."""
    left = point

    def wrap(real: Callable[..., object], *, opens: bool) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal left
            first = args[0] if args else ""
            elsewhere = isinstance(first, str | os.PathLike) and not os.fspath(first).startswith(home)
            if elsewhere or (opens and not (isinstance(args[1], int) and args[1] & os.O_CREAT)):
                return real(*args, **kwargs)
            if isinstance(first, int) and not str(Path(f"/proc/self/fd/{first}").readlink()).startswith(home):
                return real(*args, **kwargs)
            left -= 1
            if left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **kwargs)

        return call

    for name in ROOM:
        setattr(os, name, wrap(getattr(os, name), opens=name == "open"))
    return lambda: left <= 0


def restore(laptop: Laptop, kept: Path) -> None:
    shutil.rmtree(laptop.home)
    shutil.copytree(kept, laptop.home, symlinks=True)


def shape(home: Path) -> str:
    """Return all that is on the disk, in words that do not depend on random names and pids."""
    text = json.dumps({name: text for name, text in tree(home).items() if not name.endswith("nbssh/lock")})
    return re.sub(r"\.[0-9a-f]{8}\.nbssh-tmp", ".nbssh-tmp", text)


def differing(one: dict[str, str], other: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name: (one.get(name, "-"), other.get(name, "-"))
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


def run_forked(laptop: Laptop, *words: str) -> int:
    """Run a command in a fork of this process, whose imports are done."""

    def once() -> int:
        status, text = run_here(laptop, *words)
        return 0 if is_done(status, text) else status

    return forked(once)


def is_done(status: int, text: str) -> bool:
    """Tell whether nothing was left to do: "there is no profile" is the right answer where all was done already."""
    return status == 0 or (status == 1 and "there is no profile" in text)


class Inspector:
    """What a user may find after a kill: asserted for each point. `run` does a command and returns its status."""

    def __init__(self, laptop: Laptop, victim: tuple[str, ...], kept: Path, run: Callable[..., int]) -> None:
        self.laptop, self.victim, self.run = laptop, victim, run
        self.before = tree(laptop.home)
        self.answers = laptop.answers()
        self.asked: set[str] = set()  # files for which ssh has answered so
        assert run(laptop, *victim) == 0
        self.after = tree(laptop.home)
        assert laptop.answers() == self.answers, "the command itself changes what ssh does"
        restore(laptop, kept)

    def look(self) -> int:
        """Assert that nothing is broken; return the number of files that are still the old ones."""
        found = tree(self.laptop.home)
        old = 0
        for name in self.before.keys() | self.after.keys():
            if "nbssh/backups" in name or name.endswith(("nbssh/lock", "nbssh/.folders")):
                continue
            was, shall, now = (state.get(name) for state in (self.before, self.after, found))
            step = "about to be " in (now or "") and name.endswith("nbssh/included")
            assert now in (was, shall) or step, f"{name} is torn: {now}"
            old += now == was != shall
        globbed = {path.name for path in self.laptop.conf_dir.glob("*.conf")}
        assert globbed <= {"box.conf", "other.conf"}
        read = repr([(name, text) for name, text in found.items() if name.startswith(".ssh")])
        if read not in self.asked:  # the same files give the same answers of ssh
            assert self.laptop.answers() == self.answers
            self.asked.add(read)
        return old

    def repair(self) -> None:
        """Run the same command again: now everything is as if it had never been killed."""
        assert self.run(self.laptop, *self.victim) == 0
        found = tree(self.laptop.home)
        if self.victim[0] == "uninstall":  # a kill after the note of them has gone leaves them, empty as they are
            found = {name: text for name, text in found.items() if name not in {".local", ".local/state"}}
        assert lasting(found) == lasting(self.after), differing(lasting(found), lasting(self.after))
        assert strays(self.laptop.home) == []


def drive(command: str, harm: str, top: Path, *, everything: bool) -> Iterator[int]:
    """Harm the command at point after point until it gets through; yield how many files were old each time."""
    laptop, kept = Laptop(top / "h"), top / "kept"
    laptop.home.mkdir(mode=0o700)
    (top / "tmp").mkdir()
    os.environ.update(laptop.environ | {"TMPDIR": str(top / "tmp")})
    tempfile.tempdir = None
    token = "always-the-same-token-0123456789012345678901"
    secrets.token_urlsafe = lambda _: token  # type: ignore[assignment]
    laptop.write()
    *first, victim = COMMANDS[command]
    shutil.copytree(laptop.home, kept, symlinks=True)
    for words in (*first, victim):
        run_here(laptop, *words)  # every import is done, every template compiled before the first fork
    restore(laptop, kept)
    shutil.rmtree(kept)
    for words in first:
        assert forked(lambda words=words: run_here(laptop, *words)[0]) == 0
    if command == "apply":
        edited(laptop)
    token = token[::-1]
    shutil.copytree(laptop.home, kept, symlinks=True)
    inspector = Inspector(laptop, victim, kept, run_forked)
    calls = CALLS + MORE_CALLS if everything else CALLS
    seen: set[str] = set()
    for point in range(1, MOST):

        def suffer(point: int = point) -> int:
            if harm == "killed":
                die_at(point, calls, str(top))
                return run_here(laptop, *victim)[0]
            was_hurt = fill_at(point, str(top))
            status, said = run_here(laptop, *victim)
            assert status == 0 or "no space left on device" in said.lower(), said
            return status + (HURT if was_hurt() else 0)

        status = forked(suffer)
        if status == 0:
            return
        assert status in ({-signal.SIGKILL} if harm == "killed" else {HURT, HURT + 1}), (
            f"point {point}: status {status}"
        )
        now = shape(laptop.home)
        old = inspector.look() if everything or now not in seen else -1
        if everything or now not in seen:
            seen.add(now)
            inspector.repair()
        yield old
        restore(laptop, kept)
    raise AssertionError("it never got through")


@pytest.mark.parametrize(
    ("harm", "command"),
    [("killed", command) for command in COMMANDS]
    + [("full", command) for command in COMMANDS if FUZZ or command in {"first add", "apply", "passwd"}],
)
def test_a_command_harmed_anywhere(harm: str, command: str, record_property: Callable[[str, object], None]) -> None:
    with scratch() as folder:
        done = subprocess.run(
            [sys.executable, __file__, command, harm, folder, *(["all"] if FUZZ else [])],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    olds: list[int] = json.loads(done.stdout)
    assert len(olds) >= (15 if harm == "killed" and command != "passwd" else 2)
    looked = [old for old in olds if old >= 0]
    assert min(looked) < max(looked) > 0 or harm == "full", "it was always killed before the first file"
    what = "a command was killed" if harm == "killed" else "the disk was full for a command"
    record_property("figure", (f"points at which {what}", len(olds)))


def main(command: str, harm: str, top: Path, *, everything: bool) -> None:
    olds = list(drive(command, harm, top, everything=everything))
    sys.stdout.write(json.dumps(olds))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), everything=sys.argv[4:] == ["all"])
