"""What opens the browser on Windows, run by cmd.exe as ssh's LocalCommand, for a user with a difficult name."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import bed, until
from build import USER
from laptop import Laptop, laptop, lend_config
from ports import free_port

from nbssh.core.files import laptop_files
from nbssh.core.files.client import LocalCommand
from nbssh.core.files.program import program
from nbssh.windows.client import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = f"C:\\users\\{USER}"
PAGE = f"{HOME}\\pages\\mybox.html"


class NotFound(http.server.BaseHTTPRequestHandler):
    """What is no Jupyter, but says so."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def read_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return ""


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port at which a page answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


# wine 8 on a busy machine: its cmd.exe cannot start the second one that the command of a `for /f` runs in
LOST = "Can't recognize 'CMD.EXE /C "


@dataclass
class Desk:
    """A laptop with an opener; `told` are the command lines of netstat, tasklist, taskkill and the browser."""

    laptop: Laptop

    def opens(self, port: int, caution: str = "", show: str = "") -> tuple[str, int]:
        """Run LocalCommand; return what it said, and its status."""
        (self.laptop.folder / "told").unlink(missing_ok=True)
        model = LocalCommand(
            opener=f"{HOME}\\.ssh\\nbssh.d\\open.cmd", name="mybox", port=port, program=program().id,
            without_master=caution, show=show,
        )  # fmt: skip
        # as ssh expands it
        line = WINDOWS.local_command(model, PAGE).replace("%%", "%")
        for _ in range(3):
            done = self.laptop.run("bedshell.exe", line)
            if LOST not in done.stderr:
                break
        assert done.stdout == ""
        return done.stderr.replace("\r", ""), done.returncode

    def told(self, name: str) -> list[str]:
        path = self.laptop.folder / "told"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if re.search(rf"(?i)\b{name}(\.exe)?\b", line)]

    def looks(self) -> bool:
        """Tell whether an opener is still at work in the background."""
        mine = f"WINEPREFIX={self.laptop.prefix}\0"
        folders = [folder for folder in Path("/proc").glob("[0-9]*") if ":later" in read_of(folder / "cmdline")]
        return any(mine in read_of(folder / "environ") for folder in folders)

    def shows(self) -> str:
        """Wait for the browser; return what it was given."""
        until(lambda: self.told("winebrowser"), "a browser opens")
        (line,) = self.told("winebrowser")
        return line.rstrip('"')

    @contextlib.contextmanager
    def says(self, name: str, text: str) -> Iterator[None]:
        """Let a program of Windows print that."""
        path = self.laptop.folder / f"{name}.txt"
        path.write_bytes(text.replace("\n", "\r\n").encode())
        yield
        path.unlink()


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with laptop("3.13") as made:
        folder = made.home / ".ssh" / "nbssh.d"
        folder.mkdir(parents=True)
        (folder / "open.cmd").write_bytes(laptop_files.opener("", WINDOWS).encode())
        made.run("cmd.exe", "/c", "assoc .html=htmlfile")
        yield Desk(made)


@pytest.mark.few
def test_the_browser_gets_the_page_that_answers(desk: Desk, port: int) -> None:
    assert desk.opens(port) == ("", 0)
    assert desk.shows().endswith(f"http://127.0.0.1:{port}/")
    desk.opens(port, show="path=lab/tree/a&c.ipynb?path=x")
    assert desk.shows().endswith(f"http://127.0.0.1:{port}/lab/tree/a&c.ipynb?path=x")


def test_a_file_carries_the_token(desk: Desk, port: int) -> None:
    page = desk.laptop.home / "pages" / "mybox.html"
    page.parent.mkdir()
    page.touch()
    desk.opens(port, show="path=lab")
    assert "mybox.html" in desk.shows()
    page.unlink()


def test_nothing_is_opened_where_the_session_has_ended_or_nobody_may_be_believed(desk: Desk, port: int) -> None:
    assert desk.opens(free_port()) == ("", 0)
    assert desk.opens(port, caution="hold") == ("", 0)
    until(lambda: not desk.looks(), "nobody looks any more")
    assert desk.told("winebrowser") == []


@pytest.mark.few
def test_launch_is_asked_where_somebody_else_could_listen(desk: Desk, port: int) -> None:
    with bed(listen=True) as lent:
        lend_config(desk.laptop, lent)
        config = desk.laptop.home / ".ssh" / "config"
        config.write_bytes(config.read_bytes().replace(b"Host box\r\n", b"Host box mybox-nb\r\n"))
        wait = lent.remote_home / ".local/share/nbssh/program" / program().id / "wait"
        wait.parent.mkdir(parents=True)
        wait.write_text('echo "$*" >>~/asked; echo "nbssh-$2-refused"; echo nbssh-1-verified\n', encoding="ascii")
        asked = lent.remote_home / "asked"
        desk.opens(port, caution="ask")
        until(asked.exists, "launch is asked")
        until(lambda: not desk.looks(), "the answer was read")
        assert desk.told("winebrowser") == []
        wait.write_text('echo "nbssh-$2-verified"\n', encoding="ascii")
        desk.opens(port, caution="ask")
        assert desk.shows().endswith(f"http://127.0.0.1:{port}/")
        assert re.fullmatch(r"mybox \d+ 60\n", asked.read_text())


LISTENERS = """
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    0.0.0.0:8888           0.0.0.0:0              ABHÖREN         17
  TCP    127.0.0.1:88           0.0.0.0:0              ABHÖREN         18
  TCP    127.0.0.1:8888         127.0.0.1:50000        HERGESTELLT     19
  TCP    127.0.0.1:8888         0.0.0.0:0              ABHÖREN         4711
  TCP    127.0.0.1:8888         0.0.0.0:0              ABHÖREN         4712
"""


def test_a_port_that_an_earlier_session_has_is_said_to_be(desk: Desk) -> None:
    with desk.says("netstat", LISTENERS), desk.says("tasklist", '"ssh.exe","4711","x"\n"ssh.exe","4712","x"\n'):
        said = "nbssh: port 8888 of this computer is served by the first session; this window shows the same Jupyter\n"
        assert desk.opens(8888) == (said, 0)
    assert desk.told("taskkill") == []
    assert len(desk.told("tasklist")) == 2


@pytest.mark.few
def test_a_session_whose_port_is_a_strangers_ends(desk: Desk) -> None:
    """The stranger's page would be taken for Jupyter's. Its name is no command of ours."""
    programs = '"ssh.exe","4711","x"\n"a & echo b.exe","4712","x"\n'
    with desk.says("netstat", LISTENERS), desk.says("tasklist", programs):
        said, _ = desk.opens(8888)
    assert said.splitlines() == [
        "nbssh: error: port 8888 of this computer is taken by another program (a & echo b.exe, process 4712)",
        "nbssh: hint: end that, or take another port: nbssh edit mybox",
    ]
    (ended,) = desk.told("taskkill")
    assert ended.split()[1:] == ["/f", "/pid", "4711"]
