"""Where the benchmarks play: a laptop and a server on this machine, joined by the real ssh and sshd, near or far."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import far
from bed import BIN, ends, laptop_environment
from listening import listening

from nbssh.demo import sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PORT = 21888  # of the browser's end of every tunnel
HOSTS = 100
SHELL = "/bin/bash"
LIMIT = 120.0  # seconds after which a contender has failed
# What an environment without rfc3987_syntax looks like to Jupyter, as those of conda-forge: one stand-in for all.
_ABSENT = 'raise ImportError("not installed")\n'


class Terminal:
    """A command in a terminal that somebody reads; `said` is what it wrote."""

    def __init__(self, argv: Sequence[str], env: dict[str, str], cwd: Path) -> None:
        self._master, slave = pty.openpty()
        self.said = b""
        # its controlling terminal too: fish asks for one
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *argv], stdin=slave, stdout=slave, stderr=slave, env=env, cwd=cwd
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: the last writer has gone
            while part := os.read(self._master, 65536):
                self.said += part

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def until(self, text: bytes, after: int = 0) -> None:
        """Wait until the command has written `text`, behind the first `after` bytes."""
        end = time.monotonic() + LIMIT
        while text not in self.said[after:]:
            over = not self._reader.is_alive() and text not in self.said[after:]  # all that it wrote was read
            if over or time.monotonic() > end:
                raise RuntimeError(f"{self.process.args!r} never said {text!r}: {self.said[-2000:]!r}")
            time.sleep(0.001)

    def close(self) -> None:
        """End the command and all that it started here."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self._master)
        self._reader.join(2)


@dataclass
class Stage:
    """A laptop with the profile `box`, and its server. `there` holds the server's home and nothing else."""

    folder: Path
    there: Path
    server: sshd.Server
    env: dict[str, str]
    address: str
    terminals: list[Terminal] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The home on the laptop."""
        return self.folder / "l"

    @property
    def remote(self) -> Path:
        """The home on the server."""
        return self.there / "r"

    @property
    def profiles(self) -> Path:
        """The folder of profiles on the laptop."""
        return self.home / ".config/nbssh/profiles"

    @property
    def opened(self) -> Path:
        """What the browser command writes when it is called."""
        return self.folder / "opened"

    @property
    def token(self) -> str:
        """The token of the profile `box`."""
        secret = json.loads((self.home / ".local/state/nbssh/secrets/box.json").read_text())
        return str(secret["token"])

    def argv(self, program: str, *words: str) -> list[str]:
        """Return the words that run `program` as the laptop's user does."""
        if program == "ssh":
            return ["ssh", "-F", f"{self.home}/.ssh/config", *words]
        return [str(BIN / program) if program == "nbssh" else program, *words]

    def run(self, program: str, *words: str, env: dict[str, str] | None = None, stdin: str = "") -> float:
        """Run a command on the laptop to its end; return the seconds. It must succeed."""
        with tempfile.TemporaryFile() as out:
            began = time.monotonic()
            child = subprocess.Popen(
                self.argv(program, *words), env=self.env | (env or {}), cwd=self.home, stdin=subprocess.PIPE,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
            ends(child, stdin.encode(), LIMIT * 5)
            seconds = time.monotonic() - began
            out.seek(0)
            if child.returncode:
                said = out.read().decode(errors="replace")
                raise RuntimeError(f"{program} {' '.join(words)}: {child.returncode}: {said[-3000:]}")
        return seconds

    def terminal(self, program: str, *words: str) -> Terminal:
        """Run a command on the laptop in a terminal."""
        made = Terminal(self.argv(program, *words), self.env, self.home)
        self.terminals.append(made)
        return made

    def no_sessions(self) -> None:
        """Close every terminal and the tunnel; the server goes on."""
        while self.terminals:
            self.terminals.pop().close()
        subprocess.run(
            self.argv("ssh", "-o", "ProxyCommand=false", "-O", "exit", "box-nb"),
            env=self.env,
            capture_output=True,
            check=False,
        )
        _until(lambda: not (self.home / ".ssh/nbssh.d/box.ctl").exists(), "the tunnel closes")
        self.opened.unlink(missing_ok=True)

    def nothing_runs(self) -> None:
        """Close every session and end all that runs on the server, in order where there is an order."""
        self.no_sessions()
        for kill in (self.remote / ".local/share/nbssh/program").glob("*/kill"):
            subprocess.run(
                ["/bin/sh", str(kill), "box"], env={"HOME": str(self.remote)}, capture_output=True, check=False
            )
        sshd.end_processes(self.there)

    def server_runs(self) -> None:
        """See to it that the server of `box` runs and that nothing is connected to it."""
        session = self.terminal("ssh", "box-nb")
        session.until(b"stop it")
        self.no_sessions()

    def server_pid(self) -> int:
        """Return the process of the server of `box`."""
        record = next((self.remote / ".local/state/nbssh/box").glob("*/record")).read_text()
        return int(record.split("pid ", 1)[1].split()[0])

    def page(self, began: float, path: str = "/login") -> float:
        """Return the seconds since `began` after which the page at PORT is there."""
        while time.monotonic() - began < LIMIT:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=LIMIT)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                if answer.status == http.client.OK and answer.read():
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.01)
        said = self.terminals[-1].said[-2000:] if self.terminals else b""
        raise RuntimeError(f"no page at port {PORT}: {said!r}")

    def browser(self, began: float) -> float:
        """Return the seconds since `began`, of the wall's clock, after which the browser command was called."""
        _until(self.opened.exists, "the browser is called")
        return self.opened.stat().st_mtime - began

    def has_rfc3987(self, *, there: bool) -> None:
        """Give the server an environment with that package, or one without."""
        (self.remote / "absent/rfc3987_syntax.py").unlink(missing_ok=True)
        if not there:
            (self.remote / "absent/rfc3987_syntax.py").write_text(_ABSENT)

    def logins(self) -> int:
        """Return how many authentications the server has accepted so far."""
        return self.server.log.read_text(errors="replace").count("Accepted publickey")


def _until(condition: object, what: str, seconds: float = LIMIT) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.002)


@contextlib.contextmanager
def stage(round_trip: float) -> Iterator[Stage]:
    """Set the stage with the server `round_trip` seconds away, and clear it: nothing is left running."""
    folder = Path(tempfile.mkdtemp(prefix="nb", dir="/tmp"))
    folder.chmod(0o711)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        env = laptop_environment(folder)
        there = folder / "t"
        remote = there / "r"
        (remote / "absent").mkdir(parents=True)
        server = sshd.make_server(
            folder / "s", home=remote, shell=SHELL,
            environ={"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{remote}/absent"},
        )  # fmt: skip
        # the login shells of jupyter-forward read /etc/profile, which sets PATH again
        (remote / ".bash_profile").write_text(f"PATH={BIN}:$PATH\n")
        (remote / ".jupyter").mkdir()
        settings = {"ServerApp": {"allow_root": os.getuid() == 0}}
        (remote / ".jupyter/jupyter_server_config.json").write_text(json.dumps(settings))
        if round_trip:
            inside = stack.enter_context(far.delayed(round_trip))
            address, port = far.THERE, 22
            stack.enter_context(_sshd([*inside, server.sshd], server, address, port))
        else:
            address, port = "127.0.0.1", stack.enter_context(listening(server))
        blocks = [server.host_block(name, port) for name in ("box", *(f"h{n:03}" for n in range(HOSTS)))]
        config = folder / "l/.ssh/config"
        # without CanonicalizeHostname no other name is ever looked up
        config.write_text("".join(blocks).replace("HostName 127.0.0.1", f"HostName {address}"))
        config.chmod(0o600)
        made = Stage(folder, there, server, env, address)
        try:
            made.run("nbssh", "add", "box", "--yes", "--token", "--port", str(PORT), "--jupyter", f"{BIN}/jupyter-lab")
            yield made
        finally:
            made.nothing_runs()
            for pid in sshd.processes(folder):
                if pid != os.getpid():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def _sshd(command: list[str], server: sshd.Server, address: str, port: int) -> Iterator[None]:
    words = ["-D", "-f", str(server.config), "-E", str(server.log), "-o", f"ListenAddress {address}:{port}"]
    child = subprocess.Popen([*command, *words], stdin=subprocess.DEVNULL)
    try:
        _until(lambda: server.log.exists() and "Server listening" in server.log.read_text(), "sshd listens", 10)
        yield
    finally:
        child.terminate()
        child.wait()


def versions() -> dict[str, str]:
    """Return what was measured, on what."""
    model = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    lab = subprocess.run([str(BIN / "jupyter-lab"), "--version"], capture_output=True, text=True, check=False)
    client = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    said = subprocess.run(["ssh", "-F", "none", "-G", "x"], capture_output=True, text=True, check=False).stdout
    exchange = next((line.split()[1].partition(",")[0] for line in said.splitlines() if line.startswith("kexalg")), "")
    return {
        "cpu": model,
        "cores": str(os.cpu_count()),
        "system": " ".join(os.uname()[:3:2]),
        "python": sys.version.split()[0],
        "ssh": client.stderr.strip(),
        "key exchange": exchange,  # half of a login; the user's own config does not count here
        "jupyterlab": lab.stdout.strip(),
        "load at start": f"{os.getloadavg()[0]:.1f}",
    }
