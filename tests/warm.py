"""nbssh started by fork from a process that has imported it: 0.2 s of imports less for each command of a test.

What Python and the imports read of the environment is in that process as the test wants it: for each such choice there
is one. Where it cannot be (another system, another network namespace, coverage), and for all other commands, `started`
is a `Popen`. Tests in a terminal, those that limit or kill nbssh and those of its start itself have a process of its
own anyway.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# what counts before the first line of nbssh's own code runs: names, and beginnings of names
_EARLY = ("LANG", "LC_", "PYTHON", "TYPER_", "TZ", "WSL_", "FORCE_COLOR", "PY_COLORS", "TERMINAL_WIDTH", "GITHUB_")
_NEVER = ("COVERAGE_",)
_NBSSH = [sys.executable, "-m", "nbssh"]
_LATE = ("typer.main", "filelock", "platformdirs.unix", "tomlkit", "encodings.ascii", "encodings.unicode_escape")
_LONGEST = 1 << 20


class Warm:
    """A started nbssh: what `bed.ends` uses of a `Popen`."""

    def __init__(self, stdin: IO[str], answers: IO[str]) -> None:
        self.stdin = stdin
        self._answers = answers
        self.pid = int(answers.readline())
        self.returncode: int | None = None

    def wait(self) -> int:
        if self.returncode is None:
            with self._answers:
                self.returncode = int(self._answers.readline())
        return self.returncode


def started(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: IO[Any], stderr: IO[Any], memory: int = 0
) -> Warm | subprocess.Popen[str]:
    """Start `argv` as the head of a session of its own, and `stdin` as a pipe for text; `memory`: bytes it may have."""
    if list(argv[:3]) == _NBSSH and not memory and _possible(env):
        early = tuple(sorted((name, value) for name, value in env.items() if name.startswith(_EARLY)))
        with _LOCK:
            return _server(early).start(argv[3:], env, cwd, (stdout.fileno(), stderr.fileno()))
    return subprocess.Popen(
        ["prlimit", f"--as={memory}", *argv] if memory else argv,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd=cwd,
        text=True,
        start_new_session=True,  # no controlling terminal: nothing can ask there
    )


def _possible(env: Mapping[str, str]) -> bool:
    # a thread of a test may be in another network, where a fork of elsewhere has nothing to say
    return (
        hasattr(os, "pidfd_open")
        and Path("/proc/thread-self/ns/net").stat().st_ino == _HERE
        and not any(name.startswith(_NEVER) for name in env)
    )


_LOCK = threading.Lock()
_HERE = Path("/proc/self/ns/net").stat().st_ino if Path("/proc/self/ns/net").exists() else 0


class _Server:
    """The tests' end of a process that forks; it ends with us."""

    def __init__(self, early: tuple[tuple[str, str], ...]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=dict(early),
                pass_fds=[theirs.fileno()],
            )

    def start(self, words: Sequence[str], env: Mapping[str, str], cwd: Path, streams: tuple[int, int]) -> Warm:
        theirs, ours = os.pipe()
        answers, says = os.pipe()
        try:
            request = {"words": words, "env": dict(env), "cwd": str(cwd), "umask": _umask()}
            socket.send_fds(self._socket, [json.dumps(request).encode()], [theirs, *streams, says])
        finally:
            os.close(theirs)
            os.close(says)
        return Warm(os.fdopen(ours, "w"), os.fdopen(answers))


@cache
def _server(early: tuple[tuple[str, str], ...]) -> _Server:
    return _Server(early)


def _umask() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("Umask:")[2].split()[0], 8)


def _serve(requests: socket.socket) -> None:
    """Fork for each request, and tell how each child ended; return in the child, or exit with the tests."""
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data:
                pid, answers = key.data
                selector.unregister(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(BrokenPipeError), os.fdopen(answers, "w") as out:
                    out.write(f"{os.waitstatus_to_exitcode(status)}\n")
                continue
            data, fds, _, _ = socket.recv_fds(requests, _LONGEST, 4)
            if not data:
                sys.exit()
            *streams, answers = fds
            pid = os.fork()
            if not pid:
                selector.close()  # objects too: their end would close a number that stands for another file by then
                requests.close()
                _become(json.loads(data), streams)
                return
            for fd in streams:
                os.close(fd)
            os.write(answers, f"{pid}\n".encode())
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, answers))


def _become(request: dict[str, Any], streams: list[int]) -> None:
    os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.closerange(3, 256)
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[0] = request["cwd"]  # as `-m` does
    import nbssh.__main__  # noqa: PLC0415

    sys.argv = [str(nbssh.__main__.__file__), *request["words"]]


def _main() -> None:
    import gc  # noqa: PLC0415
    import importlib  # noqa: PLC0415
    import pkgutil  # noqa: PLC0415

    import nbssh  # noqa: PLC0415

    for module in pkgutil.walk_packages(nbssh.__path__, "nbssh."):
        if not module.name.startswith(("nbssh.windows", "nbssh.demo")):
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    gc.freeze()  # a collection in a child would copy all pages
    _serve(socket.socket(fileno=int(sys.argv[1])))
    from nbssh.__main__ import main  # noqa: PLC0415

    main()


if __name__ == "__main__":
    _main()
