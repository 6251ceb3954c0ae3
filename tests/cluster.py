"""The cluster bed: a client, login nodes and two compute nodes, each in namespaces of its own, with a real scheduler.

Only root can make one. Nothing of it has a name outside: not a process, mount, interface or file stays, even if pytest
is killed, and any number of beds can stand side by side. Must not touch the network or the homes of this machine.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import clusterfiles
import pexpect
import pytest
from clusterfiles import NUMBER, USER, Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

READY = 30.0  # seconds until a bed must be up; it takes 2
_ROOM = Path(__file__).resolve().parent / "cluster" / "room.sh"
_COMMANDS = ("unshare", "nsenter", "setpriv", "ip", "bindfs", "perl", "sshd")
_OF_SCHEDULER = {
    "none": (),
    "slurm": ("munged", "slurmctld", "slurmd", "sbatch", "srun"),
    "gridengine": ("tcsh",),
    "openpbs": (),
    "lsf": (),
}
_DEVICES = ("/dev/fuse",)
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
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
    """A cluster as its user on the laptop sees it; `room` is the process that everything else lives below."""

    room: subprocess.Popen[str]
    root: Path
    options: Options
    pids: dict[str, int]  # of each host's first process
    env: dict[str, str]
    stack: contextlib.ExitStack = field(repr=False)
    jupyter: Path = beds.BIN / "jupyter-lab"
    user: str = USER

    @property
    def client_home(self) -> Path:
        """The home on the laptop. Only root on this machine can look into it, and links in it lead astray."""
        return self.root / "home-client" / USER

    @property
    def cluster_home(self) -> Path:
        """The home that login nodes and compute nodes share."""
        return self.root / "home-cluster" / USER

    @property
    def opened(self) -> list[str]:
        """The addresses that the browser on the client was sent to."""
        file = self.root / "hosts/client/srv/opened"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def queue(self) -> Path:
        """The folder of a fake batch system; see tests/fakes/batch.py for what a test can write into it."""
        return self.root / "home-cluster/.queue"

    @property
    def node_keys(self) -> str:
        """The lines of known_hosts that name the nodes."""
        return clusterfiles.node_keys(self.root, clusterfiles.NODES)

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

    def ssh(self, *words: str, timeout: float = 30) -> pexpect.spawn[str]:
        """Run `ssh words` on the client in a terminal."""
        return self.spawn("ssh", *words, timeout=timeout)

    def jobs(self) -> list[Job]:
        """Return what is in Slurm's queue, of all users; what has ended is not in it. Other systems: use `on`."""
        done = self.on("login", "squeue --noheader --format='%i|%j|%T|%N|%r|%P'")
        assert done.returncode == 0, done.stderr
        return [Job(*line.strip().split("|")) for line in done.stdout.splitlines()]

    def logins(self, host: str = "login") -> int:
        """Return how many authentications the sshd of `host` has accepted."""
        return len(re.findall(rf"^Accepted \S+ for {USER} ", self.log(host), re.MULTILINE))

    def log(self, host: str, name: str = "sshd.log") -> str:
        """Return a log of the host: sshd.log, slurmctld.log, slurmd.log."""
        file = self.root / "hosts" / host / "log" / name
        return file.read_text(errors="replace") if file.exists() else ""

    def running(self, host: str) -> dict[int, str]:
        """Return pid (as this machine counts) and command line of what the user runs on `host`."""
        found: dict[int, str] = {}
        try:
            space = Path(f"/proc/{self.pids[host]}/ns/pid").readlink()
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
        clusterfiles.lead_client(self.root / "etc/hosts-client", login)

    def power_off(self, host: str) -> None:
        """End a host at once, with all that runs on it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pids[host], 9)

    @contextlib.contextmanager
    def network(self, host: str = "client") -> Iterator[None]:
        """Let this thread open its sockets on `host`: 127.0.0.1 is that host's. A socket stays where it was opened."""
        libc = ctypes.CDLL(None, use_errno=True)
        here, there = (os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in ("thread-self", self.pids[host]))
        try:
            if libc.setns(there, _CLONE_NEWNET):  # Python knows it only from 3.12 on
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            libc.setns(here, _CLONE_NEWNET)
            os.close(here)
            os.close(there)

    def _into(self, host: str) -> list[str]:
        return ["nsenter", f"--target={self.pids[host]}", *_NAMESPACES, "--"]

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
def cluster(
    *,
    scheduler: str = "slurm",
    delay_ms: float = 0,
    adopt: bool = False,
    login2: bool = False,
    login_sshd: Sequence[str] = (),
    node_sshd: bool = True,
    node_lines: Sequence[str] = (),
    slurm_lines: Sequence[str] = (),
    shell: str = "/bin/bash",
    password: str = "",
    cluster_key: bool = True,
    system_known_hosts: bool = True,
    home_size: str = "",
) -> Iterator[Cluster]:
    """Make a cluster, and at its end prove that no process of the user stays behind on client and login nodes.

    `scheduler`: slurm (with Torque's commands), gridengine, a fake of tests/fakes (openpbs, lsf), or none.
    `delay_ms`: how long the client's cable is, one way. `adopt`: ssh into a node only while a job of the user runs
    there (pam_slurm_adopt). `login2`: a second login node. `login_sshd`, `node_lines`: lines of sshd_config that win.
    `node_sshd`: whether the nodes run an sshd. `slurm_lines`: more of slurm.conf. `password`: the login nodes ask for
    it and take no keys. `cluster_key`: the user may go from the login node to the nodes with a key of the cluster's.
    `system_known_hosts`: /etc/ssh/ssh_known_hosts on the cluster names all its hosts. `home_size`: how much the homes
    on the cluster can hold, such as 10m.
    """
    beds.needs_root("make a cluster of namespaces")
    beds.needs(*_COMMANDS, *_OF_SCHEDULER[scheduler])
    if refused := _refused_by_kernel(_DEVICES + (("/dev/net/tun",) if delay_ms else ())):
        beds.lacks(f"this machine lets nobody make a cluster of namespaces: {refused}", "use a privileged container")
    if scheduler == "gridengine" and not (clusterfiles.GRIDENGINE / ".made").exists():
        beds.lacks("not installed: Grid Engine", "run tests/gridengine.sh")
    options = Options(
        scheduler, delay_ms, adopt, login2, login_sshd, node_sshd, node_lines, slurm_lines, shell, password,
        cluster_key, system_known_hosts, home_size,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        made = _start(options, stack)
        try:
            yield made
        except BaseException:
            made.stack.close()
            raise
        made.stack.close()
        _check_end(made)


def _refused_by_kernel(devices: Sequence[str]) -> str:
    """Return what even root may not do or use here, as in many a container; "" if all is well."""
    if missing := [device for device in devices if not Path(device).exists()]:
        return f"no {missing[0]}"
    command = ["unshare", *_NAMESPACES, "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def _start(options: Options, stack: contextlib.ExitStack) -> Cluster:
    environ = {
        "PATH": beds.SYSTEM_PATH,
        "LC_ALL": "C.UTF-8",
        "BED_HOSTS": " ".join(options.hosts),
        "BED_SCHEDULER": options.scheduler,
        "BED_DELAY": str(options.delay_ms / 1000) if options.delay_ms else "0",
        "BED_LOGIN": clusterfiles.LOGIN_ADDRESS,
        "BED_NODE_SSHD": str(int(options.node_sshd)),
        "BED_PYTHON": sys.executable,
        "BED_PARTS": str(_ROOM.parent),
        "BED_FAKES": str(beds.REPOSITORY / "tests/fakes"),
        "BED_GRIDENGINE": str(clusterfiles.GRIDENGINE),
    }
    room = subprocess.Popen(
        ["unshare", *_NAMESPACES, "--fork", "--kill-child", "bash", str(_ROOM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        text=True,
        start_new_session=True,  # Ctrl-C is pytest's
    )
    stack.callback(_end, room)
    _expect(room, "made")
    root = Path(f"/proc/{_children(room.pid)[0]}/root/mnt")
    clusterfiles.write_files(root, options)
    assert room.stdin
    room.stdin.write("go\n")
    room.stdin.flush()
    _expect(room, "ready", root / "hosts")
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
    return Cluster(room, root, options, _first_processes(room), env, contextlib.ExitStack())


def _expect(room: subprocess.Popen[str], word: str, logs: Path | None = None) -> None:
    """Read the room's next line; fail the test with what the hosts have to say unless it is `word`."""
    assert room.stdout
    seen = select.select([room.stdout], [], [], READY)[0] and room.stdout.readline().strip()
    if seen == word:
        return
    text = [f"the cluster bed is not {word}: {seen or 'silence'}"]
    for log in sorted(logs.glob("*/console.log")) if logs else []:
        text += [f"--- {log.parent.name}", log.read_text(errors="replace").strip()[-2000:]]
    if not logs and room.poll() is not None:
        text.append(room.stdout.read())
    pytest.fail("\n".join(text), pytrace=False)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _first_processes(room: subprocess.Popen[str]) -> dict[str, int]:
    """Return the pid of each host's first process: the child of an `unshare … host.sh HOST`, child of the room."""
    pids = {}
    for parent in _children(_children(room.pid)[0]):
        words = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
        if words[0] == b"unshare":
            pids[words[-2].decode()] = _children(parent)[0]
    return pids


def _end(room: subprocess.Popen[str]) -> None:
    """End the room, and with it everything; unshare has ended when the kernel is done with that."""
    assert room.stdin
    assert room.stdout
    room.stdin.close()
    try:
        room.wait(timeout=beds.GRACE)
    except subprocess.TimeoutExpired:
        room.kill()
        room.wait()
    room.stdout.close()


def _check_end(made: Cluster) -> None:
    """Fail the test if the user still runs something on the client or a login node: endings take their time."""
    hosts = [host for host in made.options.hosts if host not in clusterfiles.NODES]
    end = time.monotonic() + beds.GRACE
    while left := {f"{host}: {line}" for host in hosts for line in made.running(host).values()}:
        if time.monotonic() > end:
            pytest.fail("still running after the test:\n  " + "\n  ".join(sorted(left)), pytrace=False)
        time.sleep(0.05)
