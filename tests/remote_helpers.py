"""A throw-away server for the remote scripts: a home, the rendered scripts, a Jupyter that misbehaves on request.

The fake Jupyter does what the scripts rely on and nothing else: it reads JUPYTER_CONFIG_PATH, writes and removes its
`jpserver-PID.json`, binds the socket or port, answers `GET /api`. `config/fake.json` tells it how to misbehave.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bed import SYSTEM_PATH, is_running, stat_of
from ports import free_port

from nbssh.commands.remove import Remove
from nbssh.core.files.program import program
from nbssh.core.files.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHELLS: dict[str, list[str]] = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh": ["ksh"],
}
KEYS = {"jupyter": "jupyter", "python": "python", "dir": "root_dir", "start_seconds": "start_timeout"}
HOST = os.uname().nodename
PATIENCE = 30.0  # how long a condition may take before its test fails; never waited out when all is well

# The first lines are pip's for a Python with a long path or a blank in it: to the shell a command, to Python a string.
FAKE_JUPYTER = r"""#!/bin/sh
'''exec' '{python}' -IS "$0" "$@"
' '''
import contextlib, json, os, signal, socket, sys, threading, time

if sys.argv[1:] == ["--version"]:
    print("9.8.7")
    sys.exit()
config = os.environ["JUPYTER_CONFIG_PATH"].split(":")[0]
with open(config + "/jupyter_server_config.json") as file:
    app = json.load(file)["ServerApp"]
with open(config + "/fake.json") as file:
    how = json.load(file)
with open(config + "/seen.json", "w") as file:
    mask = os.umask(0)
    os.umask(mask)
    ignored = [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]
    json.dump(
        {{"env": dict(os.environ), "cwd": os.getcwd(), "umask": mask, "ignored": ignored, "argv": sys.argv,
         "session": os.getsid(0), "pid": os.getpid(), "parent": os.getppid()}},
        file,
    )
if how.get("crash"):
    sys.stderr.write(how["crash"])
    sys.exit(1)
info = os.environ["JUPYTER_RUNTIME_DIR"] + "/jpserver-%d.json" % os.getpid()
open(info, "w").close()
for number in range(how.get("kernels", 0)):
    open(os.environ["JUPYTER_RUNTIME_DIR"] + "/kernel-%d.json" % number, "w").close()


def end(*_):
    os.unlink(info)
    sys.stderr.write("Shutting down\n")
    time.sleep(how.get("ends", 0))
    os._exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if how.get("deaf") else end)
signal.signal(signal.SIGUSR1, end)
if how.get("slow"):
    time.sleep(how["slow"])
if how.get("hang"):
    while True:
        time.sleep(1000)
if app.get("sock"):
    server = socket.socket(socket.AF_UNIX)
    if os.path.exists(app["sock"]):
        os.unlink(app["sock"])
    server.bind(app["sock"])
    os.chmod(app["sock"], 0o600)
else:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", app["port"]))
server.listen(50)
sys.stderr.write("fake jupyter is up\n")
sys.stderr.flush()
answer = how.get("answer", '{{"version": "9.8.7"}}').encode()
status = how.get("status", "200 OK").encode()


def serve(connection):
    with contextlib.suppress(OSError), connection:
        if connection.recv(4096):
            connection.sendall(b"HTTP/1.0 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


while True:
    connection, _ = server.accept()
    if not how.get("mute"):
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
"""

# What the scripts use, by busybox alone: no curl, no setsid, no flock, no lsof, no GNU option.
FEW_APPLETS = [
    "[",
    "awk",
    "base64",
    "basename",
    "cat",
    "chmod",
    "chown",
    "cut",
    "date",
    "df",
    "dirname",
    "env",
    "expr",
    "false",
    "find",
    "head",
    "hostname",
    "id",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "od",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sleep",
    "sort",
    "stat",
    "tail",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "wc",
]


def wait_until(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401  whatever the condition gives
    """Return the first true value of `condition`; fail when it takes too long."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited too long for: {what}"
        time.sleep(0.02)


def sh_program(path: Path, text: str) -> Path:
    """Make `path` a program of sh."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def tools(folder: Path, *names: str) -> Path:
    """Make `folder` a PATH with these programs of the system and no other."""
    folder.mkdir()
    for name in names:
        program = shutil.which(name, path=SYSTEM_PATH)
        assert program, name
        (folder / name).symlink_to(program)
    return folder


def start_of(pid: int) -> str:
    """Return the start of a process as the scripts write it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{stat_of(pid)[19]}"


class Server:
    """A remote home with the program and one profile, run by one shell."""

    def __init__(self, root: Path, shell: Sequence[str], **model: Any) -> None:  # noqa: ANN401  template parameters
        self.root = root
        self.shell = list(shell)
        self.home = root / "home"
        name = model.get("name", "mybox")
        self.share = self.home / ".local/share/nbssh"
        self.data = self.share / name
        self.program = self.share / "program" / program("batch").id
        self.state = self.home / ".local/state/nbssh" / name
        self.run_dir = self.state / HOST
        self.fake = root / "bin" / "jupyter-lab"
        tcp = model.get("forward") == "tcp"
        self.socket = "" if tcp else model.pop("socket", str(self.state / "sock"))
        self.model: dict[str, Any] = {
            "name": name,
            "data": str(self.data),
            "state": str(self.state),
            "socket": self.socket,
            "remote_port": free_port() if tcp else 0,
            "jupyter": str(self.fake),
            "python": sys.executable,
            "setup": [],
            "setup_shell": [],
            "root_dir": "",
            "start_timeout": 20,
            **model,
        }
        self.env = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "SHELL": "/bin/sh",
            "USER": "alice",
            "SSH_CONNECTION": "x",
            "DISPLAY": ":1",
        }
        self.children: list[subprocess.Popen[str]] = []
        self.home.mkdir(parents=True)
        self.fake.parent.mkdir()
        self.fake.write_text(FAKE_JUPYTER.format(python=sys.executable))
        self.fake.chmod(0o755)
        self.install()

    def install(self) -> None:
        """Put the scripts and the configuration in place, as nbssh does."""
        (self.data / "config").mkdir(parents=True, exist_ok=True)
        if not self.program.exists():
            for part in program("batch").parts:
                path = self.program / part.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part.data)
        model = self.model
        lines = [
            f"socket {self.socket}" if self.socket else f"port {model['remote_port']}",
            *(f"{key} {model[value]}" for key, value in KEYS.items() if model[value]),
            *(f"setup {line}" for line in model["setup"]),
            *(f"setup_shell {word}" for word in model["setup_shell"]),
        ]
        (self.data / "profile").write_text("# made by a test\nfast_start no\n" + "".join(f"{line}\n" for line in lines))
        app = {"sock": self.socket} if self.socket else {"port": self.model["remote_port"]}
        self.configure({"ServerApp": app})
        if not (self.data / "config/fake.json").exists():
            self.misbehave()

    def configure(self, config: dict[str, Any]) -> None:
        """Write Jupyter's configuration."""
        (self.data / "config/jupyter_server_config.json").write_text(json.dumps(config))

    def misbehave(self, **how: Any) -> None:  # noqa: ANN401  anything JSON knows
        """Tell the next fake Jupyter what to do wrong."""
        (self.data / "config/fake.json").write_text(json.dumps(how))

    def change(self, **model: Any) -> None:  # noqa: ANN401  template parameters
        """Render everything again with other parameters."""
        self.model.update(model)
        self.socket = self.model["socket"]
        self.install()

    def command(self, script: str) -> list[str]:
        """Return the argv that runs a script with the server's shell."""
        words = {"launch": ["8888"], "wait": ["77"]}.get(script, [])
        return [*self.shell, str(self.program / script), self.model["name"], *words]

    def launch(self, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401  those of Popen
        """Start launch without a terminal, its stdin a pipe that stays open."""
        options = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
            "env": self.env,
            "cwd": self.home,
            "start_new_session": True,
            **options,
        }
        child = subprocess.Popen(self.command("launch"), **options)
        self.children.append(child)
        return child

    def up(self, child: subprocess.Popen[str] | None = None) -> tuple[subprocess.Popen[str], str]:
        """Start launch (or take one) and return it and what it said once it stays."""
        child = child or self.launch()
        assert child.stdout is not None
        said = ""
        for line in child.stdout:
            said += line
            if "Ctrl-C" in line:
                return child, said
        raise AssertionError(f"launch ended with {child.wait()}: {said}")

    def call(self, script: str, limit: float = PATIENCE, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        """Run a script to its end; stderr goes where stdout goes."""
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
            "env": self.env,
            "cwd": self.home,
            **options,
        }
        return subprocess.run(self.command(script), check=False, timeout=limit, **options)

    def removing(self, *, laptop: str = "0" * 16, everywhere: str = "") -> str:
        """Return the script that removes the profile, as it is sent."""
        model = self.model
        return render(
            Remove(
                name=model["name"], title="JupyterLab", share=str(self.share), data=model["data"], state=model["state"],
                socket=self.socket, laptop=laptop, everywhere=everywhere, program=str(self.program), options=[],
                wing="",
            )
        )  # fmt: skip

    def remove(self, **how: str) -> subprocess.CompletedProcess[str]:
        """Remove the profile as `ssh host /bin/sh` does it: by a script over stdin."""
        return subprocess.run(
            self.shell,
            input=self.removing(**how),
            check=False,
            timeout=PATIENCE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.env,
            cwd=self.home,
        )

    def status(self) -> dict[str, Any]:
        """Return what status says, checked to be one line of JSON and nothing else."""
        done = self.call("status")
        assert done.returncode == 0, done.stdout
        assert done.stdout.count("\n") == 1, done.stdout
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @property
    def pid(self) -> int:
        """The recorded process, 0 if there is none."""
        return self.recorded(self.run_dir / "record")

    @staticmethod
    def recorded(record: Path) -> int:
        """Return the process that a record names, 0 if there is no record."""
        with contextlib.suppress(OSError):
            for line in record.read_text().splitlines():
                if line.startswith("pid "):
                    return int(line[4:])
        return 0

    def seen(self) -> dict[str, Any]:
        """Return what the fake Jupyter found: env, cwd, umask, ignored signals, session, parent."""
        answer: dict[str, Any] = json.loads((self.data / "config/seen.json").read_text())
        return answer

    def processes(self) -> dict[int, str]:
        """Return the live processes whose environment has this home, but not the pytest process."""
        mark = f"HOME={self.home}\0".encode()
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal() or int(folder.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() + b"\0" and is_running(int(folder.name)):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def few_tools(self) -> None:
        """Leave nothing on PATH but a handful of busybox applets."""
        few = self.root / "few"
        few.mkdir()
        for applet in FEW_APPLETS:
            (few / applet).symlink_to("/usr/bin/busybox")
        for shell in ("dash", "bash", "mksh", "ksh"):
            if shutil.which(shell):
                self.shell[0] = shutil.which(self.shell[0]) or self.shell[0]
        self.env["PATH"] = str(few)

    def replace(self, tool: str, text: str) -> None:
        """Put a program of sh in the place of a tool of the machine."""
        folder = self.root / "replaced"
        if not folder.exists():
            folder.mkdir()
            self.env["PATH"] = f"{folder}:{self.env['PATH']}"
        sh_program(folder / tool, text)

    def called(self, host: str) -> dict[str, str]:
        """Return an environment in which the machine has another name."""
        stubs = self.root / f"host-{host}"
        stubs.mkdir(exist_ok=True)
        sh_program(stubs / "uname", f'[ "$1" = -n ] && echo {host} || exec /bin/uname "$@"')
        return {**self.env, "PATH": f"{stubs}:{self.env['PATH']}"}

    def end(self) -> None:
        """End whatever is left, by its process id."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), "the end of all processes")


@contextlib.contextmanager
def servers() -> Iterator[Callable[..., Server]]:
    """Give a maker of servers, all of them gone at the end; a short path, for sockets have 107 bytes."""
    root = Path(tempfile.mkdtemp(prefix="nbr", dir="/tmp"))
    made: list[Server] = []

    def make(shell: str = "dash", **model: Any) -> Server:  # noqa: ANN401  template parameters
        server = Server(root / str(len(made)), SHELLS[shell], **model)
        made.append(server)
        return server

    try:
        yield make
    finally:
        for server in made:
            server.end()
        shutil.rmtree(root)
