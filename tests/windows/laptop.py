"""A laptop with a real Windows' Python: a fresh C:, a user with a difficult name, ssh.exe by way of bridge.py.

What runs there is CPython for Windows under wine; see build.py. Its wineserver and all that it runs end with it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import build
import pexpect
from bed import lacks, needs
from bridge import Bridge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bed import Bed

SECONDS = 60.0


@dataclass
class Laptop:
    """`folder` is its C:, `home` the user's profile folder; both as this system has them."""

    prefix: Path
    python: str
    env: dict[str, str]

    @property
    def folder(self) -> Path:
        """The root of its C:."""
        return self.prefix / "drive_c"

    @property
    def home(self) -> Path:
        """The profile folder of its user."""
        return self.folder / "users" / build.USER

    @property
    def interpreter(self) -> str:
        """Its python.exe."""
        return str(build.BED / self.python / "python.exe")

    def run(
        self, *command: str, stdin: str = "", timeout: float = SECONDS, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` there, `python` and `nbssh` are its own; never raises, status 124: it hung.

        Through pipes: Python for Windows cannot start with files of Linux as its streams.
        """
        process = subprocess.Popen(
            self._argv(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env | variables,
            cwd=cwd or self.home,
            start_new_session=True,
        )
        out, err, status = _conversation(process, stdin.encode(), timeout)
        return subprocess.CompletedProcess(
            command, status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        )

    @contextlib.contextmanager
    def starts(self, *command: str) -> Iterator[pexpect.spawn[str]]:
        """Run `command` there in a console, for the time of the block."""
        child = pexpect.spawn(
            "wine", self._argv(command)[1:], env=self.env, cwd=str(self.home), encoding="utf-8", codec_errors="replace",
            dimensions=(40, 160), timeout=SECONDS,
        )  # fmt: skip
        try:
            yield child
        finally:
            child.close(force=True)

    def _argv(self, command: Sequence[str]) -> list[str]:
        program, *words = command
        if program == "nbssh":
            program, words = self.interpreter, ["-m", "nbssh", *words]
        elif program == "python":
            program = self.interpreter
        return ["wine", program, *words]

    def nbssh(self, *words: str, stdin: str = "", status: int = 0, **variables: str) -> str:
        """Run nbssh there; it must end with `status` and without a bug. Returns stdout and stderr."""
        done = self.run("nbssh", *words, stdin=stdin, **variables)
        assert done.returncode == status, f"nbssh {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


def _conversation(process: subprocess.Popen[bytes], stdin: bytes, timeout: float) -> tuple[bytes, bytes, int]:
    """Feed it and read it until it has ended; return what it wrote, and its status.

    Not until its pipes end: what wine starts has the starter's own stderr, too, whatever Windows hands down.
    """
    feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
    feeder.start()
    until, status = time.monotonic() + timeout, None
    written: dict[object, bytes] = {process.stdout: b"", process.stderr: b""}
    with process, selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream
            selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            ready = selector.select(0 if ended else 0.05)
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                written[key.fileobj] += data
                if not data:
                    selector.unregister(key.fileobj)
            if ended and not any(ready):
                break
            if time.monotonic() > until and not ended:
                process.kill()
                status = 124
                written[process.stderr] += f"(laptop: ended after {timeout:.0f} s)\n".encode()
        feeder.join()
    return written[process.stdout], written[process.stderr], process.returncode if status is None else status


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    assert process.stdin
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(stdin)


@contextlib.contextmanager
def laptop(python: str) -> Iterator[Laptop]:
    """Make a laptop with the Python of this minor version; end and remove it."""
    needs("wine", "wineserver")
    if not build.STAMP.exists():
        lacks("no Windows was built", "see what make test-windows says")
    folder = Path(tempfile.mkdtemp(prefix="nbw", dir="/tmp"))
    prefix = folder / "w"
    env = build.environment(prefix) | {
        "PYTHONPYCACHEPREFIX": "Z:" + str(build.BED / "pycache" / python).replace("/", "\\"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # links for what nobody writes; copies for the registry and for the drives, which are links themselves
        subprocess.run(["cp", "-as", build.PREFIX, prefix], check=True)
        for name in ("dosdevices", "system.reg", "user.reg", "userdef.reg"):
            subprocess.run(["rm", "-r", prefix / name], check=True)
            subprocess.run(["cp", "-a", build.PREFIX / name, prefix / name], check=True)
        stack.callback(subprocess.run, ["wineserver", "-w"], env=env, check=False, timeout=SECONDS, **silent)
        stack.callback(subprocess.run, ["wineserver", "-k"], env=env, check=False, **silent)
        # a server that stays a minute without a program, and the services of Windows: whoever starts those hands its
        # pipes down to them
        subprocess.run(["wineserver", "-p60"], env=env, check=True, **silent)  # type: ignore[call-overload]
        subprocess.run(["wineboot"], env=env, check=True, timeout=SECONDS, **silent)  # type: ignore[call-overload]
        made = Laptop(prefix, python, env)
        bridge = Bridge(prefix, made.home, env)
        stack.callback(bridge.close)
        yield made


def lend_config(made: Laptop, bed: Bed) -> None:
    """Give the laptop the destination `box` of the bed."""
    (made.home / ".ssh").mkdir(exist_ok=True)
    config = made.home / ".ssh" / "config"
    config.write_bytes(bed.ssh_config.read_bytes().replace(b"\n", b"\r\n"))
    config.chmod(0o600)
