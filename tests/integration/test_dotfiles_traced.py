"""Harm whole commands by strace at the system calls themselves: killed there, or told that the disk is full.

A sample of the points; `make fuzz` takes all. What happens inside Python alone is in test_dotfiles_killed.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import pytest
from dotfiles import Laptop, scratch, tree
from test_dotfiles_killed import COMMANDS, FUZZ, Inspector, edited, is_done, restore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None and "CI" not in os.environ, reason="strace is missing: make system-packages"
)

# an editor that is a program; whoever takes up a draft finds it done
EDITOR = "#!/bin/sh\nsed -i 's/^browser = .*/browser = true/' \"$1\"\n"
# whoever draws lots has the same luck each time
LOTS = """
import os, secrets
hex_of = secrets.token_hex
secrets.token_urlsafe = lambda _: os.environ["LOTS"]
secrets.token_hex = lambda size: "0" * 16 if size == 8 else hex_of(size)  # the laptop's number
"""
ADD, OTHER = COMMANDS["second add"][1], COMMANDS["second add"][0]
TRACED = COMMANDS | {"edit": (OTHER, ADD, ("edit", "box", "--offline", "--yes"))}
# with names that only some machines' kernels have: strace lets a ? precede those
FULL = (
    "fsync",
    "write",
    "?link",
    "linkat",
    "?rename",
    "renameat",
    "renameat2",
    "?mkdir",
    "mkdirat",
    "?symlink",
    "symlinkat",
)
KILLED = (*FULL, "?unlink", "unlinkat", "?rmdir", "?chmod", "fchmod", "fchmodat")
SAMPLE = 2


@functools.cache
def lots() -> Path:
    """Return the folder of LOTS: one for all tests, for nbssh is forked from a process that has read it (warm.py)."""
    folder = Path(tempfile.mkdtemp(prefix="nbl", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "sitecustomize.py").write_text(LOTS)
    return folder


def nbssh(laptop: Laptop, *words: str, trace: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; `trace` are the words of a strace around its main process."""
    top = laptop.home.parent
    ours = {
        "EDITOR": str(top / "editor"),
        "VISUAL": str(top / "editor"),
        "TMPDIR": str(top / "tmp"),
        "PYTHONPATH": str(lots()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LOTS": ("other" if words[0] == "passwd" else "first") * 8,
    }
    argv = [*trace, sys.executable, "-m", "nbssh", *words]
    return beds.capture(argv, env=laptop.environ | ours, cwd=laptop.home, timeout=120)


def run(laptop: Laptop, *words: str) -> int:
    done = nbssh(laptop, *words)
    return 0 if is_done(done.returncode, done.stdout + done.stderr) else done.returncode


def strace(calls: Sequence[str], top: Path, *inject: str) -> tuple[str, ...]:
    more = [word for each in inject for word in ("-e", f"inject={each}")]
    return ("strace", "-qq", "-o", str(top / "trace"), "-e", f"trace={','.join(calls)}", *more)


def traced(top: Path) -> list[str]:
    """Return the names of the calls that were made, one after the other."""
    return [line.partition("(")[0] for line in (top / "trace").read_text().splitlines() if "(" in line]


def harm_at(point: int, made: Sequence[str], harm: str) -> list[str]:
    """Return strace's words for harm at the call `point` of `made`; it counts each kind of call by itself."""
    if harm == "killed":
        return [f"{made[point]}:signal=KILL:when={made[: point + 1].count(made[point])}"]
    return [f"{call}:error=ENOSPC:when={made[:point].count(call) + 1}+" for call in FULL]


def points(count: int) -> list[int]:
    """Return the calls that are harmed, of `count`: all, or some that are spread evenly."""
    if FUZZ:
        return list(range(count))
    return sorted({count * (2 * part + 1) // (2 * SAMPLE) for part in range(SAMPLE)})


@pytest.mark.parametrize("harm", ["killed", "full"])
@pytest.mark.parametrize("command", TRACED)
def test_a_command_harmed_at_its_system_calls(
    command: str, harm: str, record_property: Callable[[str, object], None]
) -> None:
    calls = KILLED if harm == "killed" else FULL
    with scratch() as top:
        laptop, kept = Laptop(top / "h"), top / "kept"
        laptop.home.mkdir(mode=0o700)
        (top / "tmp").mkdir()
        (top / "editor").write_text(EDITOR)
        (top / "editor").chmod(0o755)
        laptop.write()
        *first, victim = TRACED[command]
        for words in first:
            assert run(laptop, *words) == 0
        if command == "apply":
            edited(laptop)
        shutil.copytree(laptop.home, kept, symlinks=True)
        inspector = Inspector(laptop, victim, kept, run)
        assert nbssh(laptop, *victim, trace=strace(calls, top)).returncode == 0
        made = traced(top)
        restore(laptop, kept)
        harmed = 0
        for point in points(len(made)):
            done = nbssh(laptop, *victim, trace=strace(calls, top, *harm_at(point, made, harm)))
            if harm == "killed":
                assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
            else:
                assert done.returncode in (0, 1, 74), done.stderr
                assert "bug" not in done.stderr
            harmed += done.returncode != 0
            inspector.look()
            inspector.repair()
            restore(laptop, kept)
        assert harmed
        assert tree(laptop.home) == inspector.before
    what = "a command was killed" if harm == "killed" else "the disk was full for a command"
    record_property("figure", (f"system calls at which {what}", harmed))
