"""A stranger on the host who listens at the first possible moment where the tunnel ends, and a tab that asks on and on.

What he is sent is counted: nothing, not one request. NBSSH_STRANGER_RUNS says how often each attack is tried.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import needs_root, until
from serving import add, api, close_tunnel, end, ended, free_port, launches_end, long_home, server_pid, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

RUNS = int(os.environ.get("NBSSH_STRANGER_RUNS", "1"))
COOKIE = b"username-127-0-0-1-8888=the-login-of-the-tab"

pytestmark = pytest.mark.figure("attacks of a stranger at the tunnel's end repelled")

# Tries without a pause to have PLACE, then writes down what he is sent, and answers as Jupyter does.
STRANGER = r"""
import os, socket, sys
place = sys.argv[1]
os.setgid(65534); os.setgroups([]); os.setuid(65534)
print("up", flush=True)
while True:
    try:
        if place.startswith("/"):
            os.umask(0)
            os.mkdir(os.path.dirname(place), 0o777)
            s = socket.socket(socket.AF_UNIX)
            s.bind(place)
        else:
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", int(place)))
        s.listen(100)
        break
    except OSError:
        continue
print("listens", flush=True)
while True:
    with s.accept()[0] as c:
        c.settimeout(5)
        try:
            print("sent", c.recv(4096), flush=True)
            c.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"version": "4.6.6"}')
        except OSError:
            pass
"""


class Stranger:
    """Another user of the host, and what he was sent."""

    def __init__(self, place: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", STRANGER, place], stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        until(lambda: "up" in self.lines, "the stranger is there")

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            self.lines.extend(line.strip() for line in self.process.stdout)

    @property
    def listens(self) -> bool:
        """He has the place."""
        return "listens" in self.lines

    def sent(self) -> list[str]:
        """Return what he was sent; a connection that closes before a byte was sent is nothing: the gate looked."""
        return [line for line in self.lines if line.startswith("sent") and line != "sent b''"]

    def end(self) -> None:
        """End him."""
        self.process.kill()
        self.process.wait()
        self.reader.join()


@contextlib.contextmanager
def stranger(place: str) -> Iterator[Stranger]:
    """Let a stranger try to have `place`, a port or the path of a socket."""
    he = Stranger(place)
    try:
        yield he
    finally:
        he.end()


@contextlib.contextmanager
def tab(port: int) -> Iterator[Callable[[], int]]:
    """Ask with a cookie, as an open page does, all the time; give a function that says how many answers came."""
    stop = threading.Event()
    answers = [0]

    def ask() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as page:
                page.sendall(b"GET /api/status HTTP/1.0\r\nHost: 127.0.0.1\r\nCookie: %s\r\n\r\n" % COOKIE)
                answers[0] += bool(page.recv(4096))
            stop.wait(0.005)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        yield lambda: answers[0]
    finally:
        stop.set()
        for thread in asking:
            thread.join()


def reaches(port: int) -> bool:
    """Tell whether something listens on the port here."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


class Way:
    """One way to a server, and where a stranger would wait."""

    def __init__(self, bed: Bed, port: int, place: str) -> None:
        self.bed, self.port, self.place = bed, port, place

    def clean(self) -> None:
        """Leave nothing of one attack to the next."""
        close_tunnel(self.bed)
        launches_end(self.bed)
        if self.place.startswith("/"):
            folder = Path(self.place).parent
            if folder.is_symlink() or (folder.exists() and folder.stat().st_uid == 65534):
                shutil.rmtree(folder)


WAYS = {
    "port": [],
    "port, no master": ["MaxSessions 1"],
    "port, no sockets forwarded": ["AllowStreamLocalForwarding no"],
}


IN_TMP = "socket in /tmp"
ALL_WAYS = (*WAYS, IN_TMP)


@pytest.fixture
def way(request: pytest.FixtureRequest, make_bed: Callable[..., Bed]) -> Iterator[Way]:
    """Give each way whose end a stranger could have."""
    needs_root()
    browser = request.node.callspec.params["browser"]
    words = [] if browser == "browser" else ["--no-browser"]
    if request.param in WAYS:
        bed = make_bed(extra=WAYS[request.param])
        far = free_port()
        yield Way(bed, add(bed, "--forward", "tcp", "--remote-port", str(far), *words), str(far))
        return
    with long_home(make_bed) as (bed, program):
        folder = Path(f"/tmp/nbssh-{pwd.getpwnam(bed.login).pw_uid}")
        made = Way(bed, add(bed, *words, jupyter=program), f"{folder}/box.sock")
        yield made
        made.clean()


def pid(way: Way) -> int:
    """Return the process of the Jupyter that runs."""
    if not way.place.startswith("/"):
        return server_pid(way.bed)
    record = next((way.bed.remote_home / ".local/state/nbssh/box").glob("*/record"))
    return next(int(line[4:]) for line in record.read_text().splitlines() if line.startswith("pid "))


def attack(way: Way, session: pexpect.spawn[str], how: str) -> None:
    """Let Jupyter end in this way."""
    match how:
        case "kill":
            done = way.bed.run("ssh", "box-nb-kill")
            assert (done.returncode, "stopped JupyterLab" in done.stdout) == (0, True), done
        case "k":
            session.sendline("k")
        case "died":
            end(pid(way), 9)
        case "ended by itself":
            end(pid(way), 10)
        case "emptied":
            end(pid(way), 9)
            shutil.rmtree(Path(way.place).parent)
        case _:
            session.sendintr()
            session.expect(pexpect.EOF)
            end(pid(way), 9)


@pytest.mark.parametrize("browser", ["browser", "no browser"])
@pytest.mark.parametrize(
    ("way", "how"),
    [(way, how) for how in ("kill", "k", "died", "ended by itself", "detached, then died") for way in ALL_WAYS]
    + [(IN_TMP, "emptied")],  # only /tmp is
    indirect=["way"],
)
def test_after_the_end_a_stranger_is_sent_nothing(way: Way, how: str, browser: str) -> None:  # noqa: ARG001
    in_tmp = way.place.startswith("/")
    for _ in range(RUNS):
        session = start(way.bed)
        until(lambda: api(way.port)["version"] == "9.8.7", "the page")
        with stranger(way.place) as he, tab(way.port) as answers:
            until(lambda: answers() > 3, "the page is asked")
            attack(way, session, how)
            if how != "detached, then died":
                ended(session)
            if not in_tmp or how == "emptied":
                until(lambda: he.listens, "the stranger has the place")
            if how == "emptied":
                # a cleaner is root's; who is quicker than the guard's next look gets what is asked until then
                until(lambda: not reaches(way.port), "the tunnel is closed")
            else:
                time.sleep(2)  # what may come
                assert he.sent() == [], f"{len(he.sent())} requests"
        way.clean()


@pytest.mark.parametrize("browser", ["browser", "no browser"])
@pytest.mark.parametrize("way", ALL_WAYS, indirect=True)
def test_before_the_word_and_after_a_refusal_a_stranger_is_sent_nothing(way: Way, browser: str) -> None:
    login = way.bed.server.folder / "login"
    if login.exists():  # launch comes late: there is time to send something
        login.write_text(login.read_text().replace("#!/bin/sh\n", "#!/bin/sh\nsleep 0.5\n"))
    for _ in range(RUNS):
        folder = Path(way.place).parent
        if way.place.startswith("/") and folder.exists():
            folder.rmdir()
        with stranger(way.place) as he, tab(way.port):
            until(lambda: he.listens, "the stranger has the place")
            status, words = ended(way.bed.ssh("box-nb", timeout=60))
            assert status == 1, words
            assert "belongs to somebody else" in words or "is not a private folder" in words
            time.sleep(1)
            # launch itself asks nobody but for the page's version, and not even that of a stranger
            assert he.sent() == [], f"{len(he.sent())} requests"
        way.clean()
    if browser == "browser":
        assert way.bed.opened == []
