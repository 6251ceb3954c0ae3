"""The cluster bed: a client, login nodes and two compute nodes, each in namespaces of its own, with a real scheduler.

Only root can make one. Nothing of it has a name outside: not a process, mount, interface or file stays, even if pytest
is killed, and any number of beds can stand side by side. Must not touch the network or the homes of this machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bed as beds
import clusterfiles
import clusteroar
import clusterroom
import pexpect
import pytest
from clusterfiles import NUMBER, USER, Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clusterroom import Room

_COMMANDS = ("unshare", "nsenter", "setpriv", "ip", "bindfs", "perl", "sshd")
_OF_SCHEDULER = {
    "none": (),
    "slurm": ("munged", "slurmctld", "slurmd", "sbatch", "srun"),
    "gridengine": ("tcsh",),
    "oar": ("psql",),
    "openpbs": (),
    "lsf": (),
    "flux": (),
    "pjm": (),
}
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Job:
    """One line of the scheduler's queue."""

    id: str
    name: str
    state: str  # the scheduler's own word
    node: str  # "" while it waits
    reason: str
    partition: str


@dataclass
class Cluster:
    """A cluster as its user on the laptop sees it. `env` is the environment of what runs on the client."""

    room: Room
    options: Options
    env: dict[str, str]
    stack: contextlib.ExitStack = field(repr=False)
    jupyter: Path = beds.BIN / "jupyter-lab"
    user: str = USER

    @property
    def client_home(self) -> Path:
        """The home on the laptop. Only root on this machine can look into it, and links in it lead astray."""
        return self.room.root / "home-client" / USER

    @property
    def cluster_home(self) -> Path:
        """The home that login nodes and compute nodes share."""
        return self.room.root / "home-cluster" / USER

    @property
    def opened(self) -> list[str]:
        """The addresses that the browser on the client was sent to."""
        file = self.room.root / "hosts/client/srv/opened"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def queue(self) -> Path:
        """The folder of a fake batch system; see tests/batch/fakes/batch.py for what a test can write into it."""
        return self.room.root / "home-cluster/.queue"

    @property
    def node_keys(self) -> str:
        """The lines of known_hosts that name the nodes."""
        return clusterfiles.node_keys(self.room.root, clusterfiles.NODES)

    def run(self, *command: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `command` as the user on the client, without a terminal. Never raises; status 124: it hung."""
        return self._run("client", command, stdin, timeout)

    def nbssh(self, *words: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run nbssh on the client and fail the test unless it exits 0."""
        done = self.run("nbssh", *words, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"nbssh {shlex.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def on(self, host: str, command: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the shell command as the user on `host`, in a login shell in the home; no ssh has a part in it."""
        return self._run(host, ("bash", "-lc", command), stdin, timeout)

    def root_on(self, host: str, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the shell command as root on `host`."""
        argv = [*self._into(host), "env", "--chdir=/", "sh", "-c", command]
        return beds.capture(argv, env={"PATH": beds.SYSTEM_PATH}, cwd=Path("/"), timeout=timeout)

    def spawn(self, *command: str, timeout: float = 30) -> pexpect.spawn[str]:
        """Run `command` as the user on the client, in a terminal as a person would."""
        argv = self._argv("client", command)
        child = pexpect.spawn(
            argv[0],
            argv[1:],
            env=self.env,
            cwd="/",
            timeout=timeout,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(40, 160),
        )
        self.stack.callback(child.close, force=True)
        return child

    def piped(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `command` as the user on the client, without a terminal, with pipes for all three streams."""
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self._argv("client", command), env=self.env, cwd="/", **streams)  # type: ignore[call-overload, no-any-return]

    def ssh(self, *words: str, timeout: float = 30) -> pexpect.spawn[str]:
        """Run `ssh words` on the client in a terminal."""
        return self.spawn("ssh", *words, timeout=timeout)

    def jobs(self) -> list[Job]:
        """Return what waits and runs in Slurm's queue, of all users; what ends is not. Other systems: use `on`."""
        done = self.on("login", "squeue --noheader --format='%i|%j|%T|%N|%r|%P'")
        assert done.returncode == 0, done.stderr
        jobs = [Job(*line.strip().split("|")) for line in done.stdout.splitlines()]
        return [job for job in jobs if job.state != "COMPLETING"]

    def logins(self, host: str = "login") -> int:
        """Return how many authentications the sshd of `host` has accepted."""
        return len(re.findall(rf"^Accepted \S+ for {USER} ", self.log(host), re.MULTILINE))

    def log(self, host: str, name: str = "sshd.log") -> str:
        """Return a log of the host: sshd.log, slurmctld.log, slurmd.log."""
        file = self.room.root / "hosts" / host / "log" / name
        return file.read_text(errors="replace") if file.exists() else ""

    def running(self, host: str) -> dict[int, str]:
        """Return pid (as this machine counts) and command line of what the user runs on `host`."""
        found: dict[int, str] = {}
        try:
            space = Path(f"/proc/{self.room.pids[host]}/ns/pid").readlink()
        except FileNotFoundError:
            return found  # it was powered off
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == NUMBER and (entry / "ns/pid").readlink() == space:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    if line:  # a zombie has none
                        found[int(entry.name)] = line
        return found

    def write(self, path: Path, text: str, mode: int = 0o644) -> Path:
        """Write a file into one of the homes, as the user's own, like the folders it needs."""
        missing = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        for made in (path, *missing):
            clusterfiles.own(made)
        return path

    def lead_to(self, login: str) -> None:
        """Let the name `cluster` lead to this login node from now on, as a name for many would."""
        clusterfiles.lead_client(self.room.root / "etc/hosts-client", login)

    def power_off(self, host: str) -> None:
        """End a host at once, with all that runs on it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.room.pids[host], 9)

    @contextlib.contextmanager
    def network(self, host: str = "client") -> Iterator[None]:
        """Let this thread open its sockets on `host`: 127.0.0.1 is that host's. A socket stays where it was opened."""
        libc = ctypes.CDLL(None, use_errno=True)
        here, there = (os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in ("thread-self", self.room.pids[host]))
        try:
            if libc.setns(there, _CLONE_NEWNET):  # Python knows it only from 3.12 on
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            libc.setns(here, _CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def _into(self, host: str) -> list[str]:
        return ["nsenter", f"--target={self.room.pids[host]}", *clusterroom.NAMESPACES, "--"]

    def _argv(self, host: str, command: Sequence[str]) -> list[str]:
        program, *words = command
        start = [sys.executable, "-m", "nbssh"] if program == "nbssh" else [program]
        become = ["setpriv", f"--reuid={NUMBER}", f"--regid={NUMBER}", "--init-groups"]
        return [*self._into(host), *become, "env", f"--chdir={self.env['HOME']}", *start, *words]

    def _run(self, host: str, command: Sequence[str], stdin: str, timeout: float) -> subprocess.CompletedProcess[str]:
        env = self.env if host == "client" else {k: v for k, v in self.env.items() if k not in ("PATH", "BROWSER")}
        env = {"PATH": beds.SYSTEM_PATH, **env}
        return beds.capture(self._argv(host, command), env=env, cwd=Path("/"), stdin=stdin, timeout=timeout)


@contextlib.contextmanager
def cluster(**choices: Any) -> Iterator[Cluster]:  # noqa: ANN401  the fields of `Options`
    """Make a cluster, and at its end prove that no process of the user stays behind on client and login nodes.

    `choices`: see `clusterfiles.Options`.
    """
    options = Options(**choices)
    beds.needs_root("make a cluster of namespaces")
    beds.needs(*_COMMANDS, *_OF_SCHEDULER[options.scheduler])
    if refused := clusterroom.refused("/dev/fuse", *(["/dev/net/tun"] if options.delay_ms else [])):
        beds.lacks(f"this machine lets nobody make a cluster of namespaces: {refused}", "use a privileged container")
    if (folder := {"gridengine": clusterfiles.GRIDENGINE, "oar": clusteroar.OAR}.get(options.scheduler)) is not None:
        if (folder / ".lacking").exists():
            beds.not_applicable(f"this Debian has no {options.scheduler}")
        if not (folder / ".made").exists():
            beds.lacks(f"not unpacked: {options.scheduler}", "run tests/schedulers.sh")
    env = {
        "HOME": f"/home/{USER}",
        "USER": USER,
        "LOGNAME": USER,
        "SHELL": options.shell,
        "PATH": f"/srv/bin:{beds.BIN}:{beds.SYSTEM_PATH}",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "BROWSER": "/srv/bin/browser",
    }
    with clusterroom.started(options) as room:
        made = Cluster(room, options, env, contextlib.ExitStack())
        with made.stack:
            yield made
        _check_end(made)


def _check_end(made: Cluster) -> None:
    """Fail the test if the user still runs something on the client or a login node: endings take their time."""
    hosts = [host for host in made.options.hosts if host not in clusterfiles.NODES]
    end = time.monotonic() + beds.GRACE
    while left := {f"{host}: {line}" for host in hosts for line in made.running(host).values()}:
        if time.monotonic() > end:
            pytest.fail("still running after the test:\n  " + "\n  ".join(sorted(left)), pytrace=False)
        time.sleep(0.05)
