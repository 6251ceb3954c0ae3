"""The test bed: a scratch laptop and a scratch server on this machine, joined by the real ssh and sshd.

Nothing here touches the real home; at the end nothing may be left running that was started in the bed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import warm
from listening import listening
from ports import PortsOfNames
from quick import quick

if sys.platform != "win32":  # there are no beds there, but tests that need none import this too
    import pwd

    import pexpect

    from nbssh.demo import sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true" and sys.platform == "linux"  # where all of it can be installed
GRACE = 30.0  # seconds in which what was told to end must have ended; never waited out when all is well
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# The exchange that OpenSSH has preferred since 9.0 computes for 75 ms more, at each of some thousand logins.
QUICK_EXCHANGE = "KexAlgorithms curve25519-sha256"


def needs(*commands: str) -> None:
    """Skip the test at home, fail it in CI, where one of `commands` is not installed."""
    missing = [command for command in commands if not shutil.which(command, path=SYSTEM_PATH)]
    if missing and sys.platform == "win32":
        pytest.skip(f"not on Windows: it has no {' '.join(missing)}")
    if missing:
        lacks(f"not installed: {' '.join(missing)}", "add it to tests/system-packages.txt")


def needs_packaged(command: str) -> None:
    """Do as `needs`; where this Debian has no package of that name at all, the test is not applicable."""
    if not shutil.which(command, path=SYSTEM_PATH) and shutil.which("apt-cache"):
        asked = subprocess.run(["apt-cache", "show", command], capture_output=True, check=False)
        if asked.returncode:
            not_applicable(f"this Debian has no {command}")
    needs(command)


def lacks(what: str, how: str) -> NoReturn:
    """Skip the test at home, fail it in CI, because of `what`; `how` to mend it."""
    if CI:
        pytest.fail(f"{what}; {how}", pytrace=False)
    pytest.skip(what)


def not_applicable(why: str) -> NoReturn:
    """Skip the test, in CI too: what it tests cannot exist here. Counted at the end under this name."""
    pytest.skip(f"not applicable: {why}")


def needs_root(to: str = "make a second user") -> None:
    """Skip the test for a normal user, who cannot do what it does."""
    if os.getuid() != 0:
        not_applicable(f"only root can {to}")


def until(condition: Callable[[], object], what: str, seconds: float = GRACE) -> None:
    """Wait until `condition` holds; fail with `what` if it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def stat_of(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: state, parent, group, session, …; nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return []


def is_running(pid: int) -> bool:
    """Tell whether the process is there and no zombie."""
    fields = stat_of(pid)
    return bool(fields) and fields[0] not in "ZX"


def parent(pid: int) -> int:
    """Return the process that `pid` is a child of, 0 if it has ended."""
    fields = stat_of(pid)
    return int(fields[1]) if fields else 0


def ends(process: subprocess.Popen[Any] | warm.Warm, stdin: str | bytes, seconds: float) -> bool:
    """Feed `process`, the head of a group of its own, and wait for it; False: it was killed after `seconds`.

    Not by communicate(timeout=…), which looks for the end every 50 ms: too seldom for thousands of short commands.
    """
    late = threading.Event()

    def kill() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    watch = threading.Timer(seconds, kill)
    watch.start()
    try:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(stdin)
        process.wait()
    finally:
        watch.cancel()
    return not late.is_set()


def capture(
    argv: Sequence[str], *, env: dict[str, str], cwd: Path, stdin: str = "", timeout: float = 60, memory: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `argv` without a terminal and return what it said. Never raises; status 124: it hung.

    Into files, not pipes: an ssh master in the background would keep a pipe open.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = warm.started(argv, env=env, cwd=cwd, stdout=out, stderr=err, memory=memory)
        status, note = 124, ""
        if ends(process, stdin, timeout):
            status = process.wait()
        else:
            note = f"(test bed: ended after {timeout:.0f} s)\n"
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(argv, status, out.read(), err.read() + note)


@dataclass
class Bed:
    """A scratch laptop (`local_home`) and a scratch server (`remote_home`), reached as `box`.

    `env` is the whole environment of what runs on the laptop. `login` is the user on the server, `batch_environ` what a
    login there finds besides the usual variables when it has a fake batch system.
    """

    folder: Path
    server: sshd.Server
    remote_home: Path
    env: dict[str, str]
    login: str
    batch_environ: dict[str, str]
    stack: contextlib.ExitStack = field(repr=False)
    ports: PortsOfNames = field(repr=False)

    @property
    def local_home(self) -> Path:
        """The home on the laptop."""
        return self.folder / "l"

    @property
    def queue(self) -> Path:
        """The folder of the fake batch system; see tests/batch/fakes/batch.py for what a test can write into it."""
        folder = self.folder / "queue"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def ssh_config(self) -> Path:
        """The laptop user's own ssh_config."""
        return self.local_home / ".ssh" / "config"

    @property
    def ssh_command(self) -> list[str]:
        """The ssh that reads the laptop user's config."""
        return ["ssh", "-F", str(self.ssh_config)]

    @property
    def opened(self) -> list[str]:
        """The addresses that the browser was sent to."""
        file = self.folder / "opened"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def jupyter(self) -> Path:
        """A real JupyterLab, which answers --version at once."""
        return quick(BIN / "jupyter-lab")

    def run(
        self, *command: str, stdin: str = "", timeout: float = 60, cwd: Path | None = None, memory: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` on the laptop, without a terminal; `nbssh` and `ssh` are this bed's. See `capture`."""
        place = cwd or self.local_home
        return capture(self._argv(command), env=self.env, cwd=place, stdin=stdin, timeout=timeout, memory=memory)

    def nbssh(self, *words: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run nbssh on the laptop and fail the test unless it exits 0."""
        done = self.run("nbssh", *words, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"nbssh {shlex.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def spawn(self, *command: str, timeout: float = 60) -> pexpect.spawn[str]:
        """Run `command` on the laptop in a terminal, as a person would."""
        argv = self._argv(command)
        child = pexpect.spawn(
            argv[0],
            argv[1:],
            env=self.env,
            cwd=str(self.local_home),
            timeout=timeout,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(40, 160),
        )
        self.stack.callback(child.close, force=True)
        return child

    def ssh(self, *words: str, timeout: float = 60) -> pexpect.spawn[str]:
        """Run `ssh words` on the laptop in a terminal."""
        if not sshd.gives_terminals():
            not_applicable("on this system only root's sshd can give a terminal")
        return self.spawn("ssh", *words, timeout=timeout)

    def tell_master(self, order: str, name: str = "box") -> subprocess.CompletedProcess[str]:
        """Give the master of `ssh NAME-nb` an order, as `ssh -O`: that logs in itself where a master is just ending."""
        return self.run("ssh", "-o", "ProxyCommand=false", "-O", order, f"{name}-nb", timeout=GRACE)

    def has_master(self, name: str = "box") -> bool:
        """Tell whether the master of `ssh NAME-nb` listens, without a question that would prolong its life."""
        return (self.local_home / ".ssh" / "nbssh.d" / f"{name}.ctl").exists()

    def on_server(self, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `command` in the login shell of the server."""
        return self.run("ssh", "-o", "BatchMode=yes", "box", command, timeout=timeout)

    def leftovers(self) -> dict[int, str]:
        """Return pid and command line of all that runs and names the bed: in HOME, arguments, folder."""
        found = sshd.processes(self.folder) | sshd.processes(self.remote_home)
        names = (os.fsencode(self.folder), os.fsencode(self.remote_home))
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            if pid in found or pid == os.getpid():
                continue
            with contextlib.suppress(OSError):
                seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                seen += os.fsencode((entry / "cwd").readlink())
                if any(name in seen for name in names):
                    found[pid] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        # the sshd that listens for the bed is ended with it
        return {pid: line for pid, line in found.items() if "-D" not in line.split()}

    def _argv(self, command: Sequence[str]) -> list[str]:
        program, *words = command
        # here, where every command of the bed passes: these listen on a profile's port, or look who does
        if any(word.endswith("-nb") for word in words) or words[:1] in (["open"], ["doctor"]):
            self.ports.hold(self.local_home / ".config/nbssh/profiles")
        if program == "nbssh":
            return [sys.executable, "-m", "nbssh", *words]
        if program == "ssh":
            return [*self.ssh_command, *words]
        return [program, *words]


@contextlib.contextmanager
def unix_user(shell: str, below: str = "") -> Iterator[str]:
    """Make a normal user of this machine, at home in a folder of its own in /tmp; remove both at the end.

    `below`: its home is a folder of this name in there, for example to make the path long.
    """
    # a number that no process of a removed user still has
    number = 20_000 + (os.getpid() * 7 + time.monotonic_ns()) % 30_000
    name = f"nbt{number}"
    folder = Path("/tmp", name)
    folder.mkdir(mode=0o755)
    home = folder / below if below else folder / "h"
    command = ["useradd", "--create-home", "--home-dir", str(home), "--uid", str(number), "--shell", shell]
    subprocess.run([*command, "--password", "*", name], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    home.chmod(0o700)
    try:
        yield name
    finally:
        subprocess.run(["userdel", "--force", name], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(f"/tmp/nbssh-{number}", ignore_errors=True)


def laptop_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user at home in `folder`/l, whose browser writes down where it is sent."""
    home, bin_ = folder / "l", folder / "bin"
    (home / ".ssh").mkdir(mode=0o700, parents=True)
    bin_.mkdir()
    browser = bin_ / "browser"
    browser.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >>{folder}/opened\n")
    browser.chmod(0o755)
    for name in ("xdg-open", "open"):
        (bin_ / name).symlink_to(browser)
    env = {
        "HOME": str(home),
        "USER": pwd.getpwuid(os.getuid()).pw_name,
        "LOGNAME": pwd.getpwuid(os.getuid()).pw_name,
        "SHELL": "/bin/sh",
        "PATH": f"{bin_}:{BIN}:{SYSTEM_PATH}",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "BROWSER": str(browser),
        "NBSSH_SSH_COMMAND": f"ssh -F {home}/.ssh/config",
    }
    # what coverage hands to the processes that a test starts
    return env | {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}


@contextlib.contextmanager
def bed(
    *,
    listen: bool = False,
    extra: Sequence[str] = (),
    shell: str = "/bin/sh",
    user: str = "",
    host_lines: Sequence[str] = (),
    batch: str = "",
    within: Sequence[str] = (),
) -> Iterator[Bed]:
    """Make a bed, and at its end prove that nothing of it is left running.

    `listen`: sshd on a port of 127.0.0.1 instead of behind a ProxyCommand. `extra`: lines of sshd_config that
    win. `shell`: the login shell on the server. `user`: a real other user as the server's (root only), with
    home and shell of the password database. `host_lines`: more lines for the laptop's `Host box`. `batch`: a batch
    system of tests/batch/fakes, `openpbs` or `lsf`, whose jobs run here too, with its queue in `Bed.queue`. `within`:
    see `listening`.
    """
    # directly below /tmp: a unix socket's path may have 104 bytes
    folder = Path(tempfile.mkdtemp(prefix="nb", dir="/tmp"))
    folder.chmod(0o711)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        env = laptop_environment(folder)
        remote = Path(pwd.getpwnam(user).pw_dir) if user else folder / "r"
        if not user:
            remote.mkdir(mode=0o700)
        environ = {}
        if batch:
            environ = {
                "PATH": f"{REPOSITORY}/tests/batch/fakes/{batch}:{SYSTEM_PATH}",
                "FAKE_QUEUE": str(folder / "queue"),
            }
        server = sshd.make_server(
            folder / "s",
            home=None if user else remote,
            shell=shell,
            user=user,
            extra=[*extra, QUICK_EXCHANGE],
            environ=environ,
        )
        port = stack.enter_context(listening(server, within)) if listen or user else None
        ports = stack.enter_context(PortsOfNames())  # left when all is ended that listened on them
        block = server.host_block("box", port) + "".join(f"    {line}\n" for line in host_lines)
        config = folder / "l" / ".ssh" / "config"
        config.write_text(block)
        config.chmod(0o600)
        made = Bed(folder, server, remote, env, server.user, environ, contextlib.ExitStack(), ports)
        try:
            yield made
        except BaseException:
            made.stack.close()
            _end(made)
            raise
        made.stack.close()
        _end_tunnels(made)
        _check_end(made)


def _end_tunnels(made: Bed) -> None:
    """Ask the masters of our aliases to end: those that nothing uses would stay for the 5 s of ControlPersist."""
    for control_socket in (made.local_home / ".ssh" / "nbssh.d").glob("*.ctl"):
        made.tell_master("exit", control_socket.stem)


def _check_end(made: Bed) -> None:
    """Fail the test if anything of the bed still runs: after a short wait, for endings take their time."""
    end = time.monotonic() + GRACE
    while left := made.leftovers():
        if time.monotonic() > end:
            text = "\n".join(f"  {pid} {line}" for pid, line in sorted(left.items()))
            _end(made)
            pytest.fail(f"still running after the test:\n{text}", pytrace=False)
        time.sleep(0.05)


def _end(made: Bed) -> None:
    for pid in made.leftovers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
