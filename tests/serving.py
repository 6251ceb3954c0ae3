"""What the tests of the server's side share: a Jupyter that misbehaves on request, sessions, processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pwd
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
from bed import REPOSITORY, is_running, lacks, needs, needs_root, not_applicable, unix_user, until
from ports import free_port
from remote_helpers import FAKE_JUPYTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

PASSWORD = "corr€ct horse"
UP = r"open http://127\.0\.0\.1:(\d+)/\s.*k and Enter stop it"


def environment(name: str) -> Path:
    """Return the bin folder of one of the environments that tests/jupyters.sh makes."""
    folder = REPOSITORY / f".venv-jupyter-{name}"
    if (why := folder / "not-applicable").exists():
        not_applicable(why.read_text().strip())
    if not (folder / ".made").exists():
        lacks(f"{folder.name} is not there", "make jupyters (it needs the network)")
    return folder / "bin"


def fake_program(python: str = sys.executable) -> str:
    """Return the fake Jupyter of the script tests, told what to do by ~/fake.json instead of a profile's folder."""
    text = FAKE_JUPYTER.format(python=python)
    for name in ("fake.json", "seen.json"):
        text = text.replace(f'config + "/{name}"', f'os.environ["HOME"] + "/{name}"')
    # one that dies by itself, as the out-of-memory killer would end it
    ending = 'if how.get("dies"):\n    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), 9))\n'
    ending += '    signal.alarm(how["dies"])\nwhile True:\n    connection, _'
    return text.replace("while True:\n    connection, _", ending)


@contextlib.contextmanager
def users_bed(make_bed: Callable[..., Bed], *, below: str = "", **options: Any) -> Iterator[tuple[Bed, Path]]:  # noqa: ANN401  those of `bed.bed`
    """Give a bed of a normal user of this machine, at home as `unix_user` has it, and the fake Jupyter there."""
    needs_root()
    needs("useradd")
    with unix_user("/bin/sh", below=below) as name:
        bed, home = make_bed(user=name, **options), Path(pwd.getpwnam(name).pw_dir)
        program = home / "bin/jupyter-lab"
        program.parent.mkdir()
        program.write_text(fake_program("/usr/bin/python3"))
        program.chmod(0o755)
        (home / "fake.json").write_text("{}")
        bed.on_server("chmod 700 .")
        yield bed, program


@contextlib.contextmanager
def long_home(make_bed: Callable[..., Bed], *extra: str) -> Iterator[tuple[Bed, Path]]:
    """Give a bed of a normal user in whose home, so long it is, no socket fits, and the fake Jupyter there."""
    with users_bed(make_bed, below="x" * 80, extra=list(extra)) as given:
        yield given


def fake_jupyter(bed: Bed, folder: str = "bin") -> Path:
    """Put the fake Jupyter on the server, and return its path."""
    program = bed.remote_home / folder / "jupyter-lab"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(fake_program())
    program.chmod(0o755)
    misbehave(bed)
    return program


def misbehave(bed: Bed, **how: Any) -> None:  # noqa: ANN401  anything JSON knows
    """Tell the next fake Jupyter what to do wrong: see `remote_helpers`, and `dies`: after how many seconds."""
    (bed.remote_home / "fake.json").write_text(json.dumps(how))


def add(
    bed: Bed, *words: str, jupyter: Path | str | None = None, door: str = "password", password: str = PASSWORD
) -> int:
    """Run `nbssh add box`, by default with the fake Jupyter, and return the local port."""
    port = free_port()
    bed.nbssh(
        *("add", "box", "--yes", *(["--password-stdin"] if door == "password" else []), "--port", str(port)),
        *("--jupyter", str(jupyter or fake_jupyter(bed)), *words),
        stdin=f"{password}\n",
    )
    return port


def start(bed: Bed, *options: str, alias: str = "box-nb") -> pexpect.spawn[str]:
    """Run `ssh box-nb` in a terminal until it says that all is ready."""
    session = bed.ssh(*options, alias, timeout=90)
    assert session.expect([UP, pexpect.EOF]) == 0, session.before
    return session


def start_when_free(bed: Bed) -> pexpect.spawn[str]:
    """Start a session on a full connection: its sshd notices a moment after the client that one has left."""
    sessions: list[pexpect.spawn[str]] = []

    def starts() -> bool:
        sessions.append(bed.ssh("box-nb", timeout=90))
        return sessions[-1].expect([UP, pexpect.EOF]) == 0

    until(starts, "the connection takes one more session")
    return sessions[-1]


def said(session: pexpect.spawn[str]) -> str:
    """Return what the session said up to what was expected last, and that."""
    return f"{session.before}{session.after if isinstance(session.after, str) else ''}"


def ended(session: pexpect.spawn[str]) -> tuple[int, str]:
    """Wait for the session's end and return its status and its last words."""
    session.expect(pexpect.EOF)
    words = str(session.before)
    session.wait()
    status = session.exitstatus
    return (status if status is not None else -int(session.signalstatus or 0)), words


def detach(session: pexpect.spawn[str]) -> None:
    """Press Ctrl-C: the server keeps running."""
    session.sendintr()
    status, words = ended(session)
    assert status == 0, words
    assert "detached; the server keeps running" in words


def kill(bed: Bed) -> str:
    """Run `ssh box-nb-kill`, and return what it said; the tunnel, which else stays for some seconds, is closed too."""
    done = bed.run("ssh", "box-nb-kill")
    assert done.returncode == 0, done.stdout + done.stderr
    close_tunnel(bed)
    return done.stdout


def close_tunnel(bed: Bed) -> None:
    """End the master, if one is there: ControlPersist would keep it, and the end of the test waiting, for 5 s."""
    bed.tell_master("exit")


def program(bed: Bed, but: str = "") -> Path:
    """Return the folder of the program on the server; there is one, or one besides `but`."""
    (folder,) = (path for path in (bed.remote_home / ".local/share/nbssh/program").iterdir() if path.name != but)
    return folder


def run_folder(bed: Bed, name: str = "box", host: str = "") -> Path:
    """Return where the records of the server are."""
    return bed.remote_home / ".local/state/nbssh" / name / (host or os.uname().nodename)


def server_pid(bed: Bed) -> int:
    """Return the recorded server's process, 0 if there is none."""
    with contextlib.suppress(OSError):
        for line in (run_folder(bed) / "record").read_text().splitlines():
            if line.startswith("pid "):
                return int(line[4:])
    return 0


def end(pid: int, number: int = signal.SIGKILL) -> None:
    """Send the signal to one process; it may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def named(bed: Bed, *words: str) -> list[int]:
    """Return the processes of the bed whose command line has all `words`."""
    return [pid for pid, line in bed.leftovers().items() if all(word in line for word in words) and is_running(pid)]


def servers(bed: Bed) -> list[int]:
    """Return the Jupyters of the bed, without what they run."""
    found = bed.leftovers()
    return [pid for pid in named(bed, "jupyter-") if not re.search("ipykernel|/gate.py ", found.get(pid, ""))]


def launches_end(bed: Bed) -> None:
    """Wait until no launch of the bed, and nothing that it started to watch, is left."""
    until(lambda: not named(bed, "/launch "), "every launch ends with its session")


def master(bed: Bed) -> int:
    """Return the process that holds the tunnel of box-nb."""
    done = bed.tell_master("check")
    assert "Master running (pid=" in done.stderr, done.stderr
    return int(done.stderr.partition("pid=")[2].partition(")")[0])


def count_sessions(bed: Bed) -> Callable[[], int]:
    """Return what tells how many sessions the server gave since it was asked last."""
    log, login = bed.folder / "sessions", bed.server.folder / "login"
    login.write_text(login.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\necho >>{log}\n"))
    seen = 0

    def more() -> int:
        nonlocal seen
        before, seen = seen, len(log.read_text().splitlines()) if log.exists() else 0
        return seen - before

    return more


def far_end(bed: Bed) -> list[int]:
    """Return the sshd processes that serve the bed at this moment."""
    return [pid for pid in named(bed, "sshd") if "ProxyCommand" not in bed.leftovers().get(pid, "")]


def api(port: int, path: str = "/api") -> dict[str, str]:
    """Ask the server through the tunnel."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer: dict[str, str] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def headers(port: int) -> dict[str, str]:
    """Return the headers of an answer through the tunnel."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/api")
        return dict(connection.getresponse().getheaders())
    finally:
        connection.close()


def tree(*roots: Path, without: Callable[[str], bool] = lambda _: False) -> dict[str, bytes]:
    """Return every file below `roots` with its content, links with their targets."""
    found: dict[str, bytes] = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            if without(str(path)):
                continue
            if path.is_symlink():
                found[str(path)] = b"-> " + os.fsencode(path.readlink())
            else:
                found[str(path)] = path.read_bytes() if path.is_file() else b"folder"
    return found


def config_of(bed: Bed, name: str = "box") -> dict[str, dict[str, Any]]:
    """Return Jupyter's settings on the server, of the newer generations."""
    path = bed.remote_home / f".local/share/nbssh/{name}/config/jupyter_server_config.json"
    loaded: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return loaded
