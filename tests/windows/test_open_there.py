"""`nbssh open` on Windows: a hidden ssh in the background, which is found again, and ends when it shall."""

from __future__ import annotations

import http.server
import os
import re
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import until
from bridge import RELEASES
from desk import PASSWORD, SECONDS, Desk, desk_of_its_own
from laptop import Laptop, laptop

if TYPE_CHECKING:
    from collections.abc import Iterator

STAYS = r"nbssh: the tunnel stays open in the background; close it with: taskkill /F /PID (\d+)\n"


@pytest.fixture(scope="module")
def shared() -> Iterator[Desk]:
    with desk_of_its_own() as made:
        made.add()
        yield made


@pytest.fixture
def desk(shared: Desk) -> Iterator[Desk]:
    """Lend the laptop; each test leaves no tunnel there, and no Jupyter."""
    (shared.laptop.folder / "told").unlink(missing_ok=True)
    yield shared
    shared.laptop.env.pop("NBSSH_BED_OPENSSH", None)
    shared.nbssh("kill", "box")
    until(lambda: hidden(shared.laptop) == [], "no ssh is left")


def hidden(made: Laptop) -> list[int]:
    """Return the processes, as this system numbers them, of every hidden ssh."""
    mine = f"WINEPREFIX={made.prefix}\0"
    return [pid for pid, words in processes(mine).items() if "BatchMode" in words and "ssh.exe" in words]


def processes(mine: str) -> dict[int, str]:
    """Return the command lines of all that runs on a laptop."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mine.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text(errors="replace")
        except OSError:  # it has ended
            continue
    return found


def record(desk: Desk) -> Path:
    """Return the file by which a tunnel is found again."""
    return desk.laptop.home / "AppData/Local/nbssh/tunnels/box.json"


def browsed(desk: Desk) -> list[str]:
    """Return what the browser was given."""
    told = desk.laptop.folder / "told"
    return re.findall(r'winebrowser\.exe" "([^"]*)"', told.read_text(encoding="utf-8")) if told.exists() else []


@pytest.mark.parametrize("release", RELEASES)
def test_the_tunnel_is_opened_found_again_and_ends_with_jupyter(desk: Desk, release: str) -> None:
    desk.laptop.env["NBSSH_BED_OPENSSH"] = release
    said = desk.nbssh("open", "box")
    (pid,) = re.findall(STAYS, said)
    address = f"http://127.0.0.1:{desk.port}/"
    assert said.endswith(f"\n{address}\n") or said.startswith(f"{address}\n")
    assert desk.answers()
    until(lambda: browsed(desk) == [address], "the browser opens once")
    assert record(desk).stat().st_mode & 0o007 == 0
    assert desk.status()["tunnel"] is True
    assert "tunnel open" in desk.nbssh()

    again = desk.nbssh("open", "box", "notes/a.ipynb")
    assert f"the tunnel was open already; close it with: taskkill /F /PID {pid}\n" in again
    until(lambda: browsed(desk)[1:] == [f"{address}lab/tree/notes/a.ipynb"], "the notebook is shown")
    assert len(hidden(desk.laptop)) == 1

    desk.nbssh("kill", "box")
    until(lambda: hidden(desk.laptop) == [], "ssh ends with Jupyter")
    assert not desk.answers()
    assert desk.status()["tunnel"] is False
    assert not record(desk).exists()


def test_neither_control_c_nor_the_end_of_its_console_reaches_it(desk: Desk) -> None:
    """A program of the same console is reached by both."""
    program = (
        "import subprocess, sys, time\n"
        "subprocess.run([sys.executable, '-m', 'nbssh', 'open', 'box'], check=True)\n"
        "print('open' + 'ed', flush=True)\n"
        "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print('inter' + 'rupted', flush=True)\n"
        "time.sleep(600)\n"
    )
    with desk.laptop.starts("python", "-c", program) as console:
        console.expect("opened", timeout=SECONDS)
        before = hidden(desk.laptop)
        console.sendintr()
        console.expect("interrupted")
        assert desk.answers()
    assert len(before) == 1
    assert hidden(desk.laptop) == before
    assert desk.answers()


def test_one_that_was_ended_is_noticed_and_opened_again(desk: Desk) -> None:
    (pid,) = re.findall(STAYS, desk.nbssh("open", "box"))
    desk.laptop.run("python", "-c", f"import os; os.kill({pid}, 15)")
    until(lambda: hidden(desk.laptop) == [], "it ends")
    assert record(desk).exists()
    seen = desk.status()
    assert (seen["state"], seen["tunnel"]) == ("running", False)
    assert not record(desk).exists()
    # what another process got its number for is none of ours
    record(desk).write_text("[8,1]", encoding="ascii")
    assert re.search(STAYS, desk.nbssh("open", "box"))
    assert desk.answers()


@pytest.mark.parametrize(
    ("missing", "told"), [("id", "Permission denied"), ("known_hosts", "Host key verification failed")]
)
def test_a_login_that_fails_is_told_and_nothing_is_left(desk: Desk, missing: str, told: str) -> None:
    file = desk.bed.server.folder / missing
    file.rename(file.with_name("away"))
    said = desk.nbssh("open", "box", status=255)
    file.with_name("away").rename(file)
    assert told in said
    assert "error: ssh box-nb ended with status 255" in said
    assert "what it asks, it asks in a window: ssh box-nb; look for the reason: nbssh doctor box" in said
    assert not record(desk).exists()
    assert browsed(desk) == []


def test_a_login_that_asks_is_not_tried(desk: Desk) -> None:
    profile = desk.laptop.home / "AppData/Local/nbssh/profiles/box.toml"
    whole = profile.read_bytes()
    profile.write_bytes(
        whole.replace(b"prompts = false", b"prompts = true") if b"prompts" in whole else whole + b"prompts = true\n"
    )
    said = desk.nbssh("open", "box", status=1)
    profile.write_bytes(whole)
    assert "asks for something, which nobody could answer in the background" in said
    assert "leave its window open: ssh box-nb" in said


def test_a_jupyter_that_does_not_start_is_told_and_leaves_no_tunnel(desk: Desk) -> None:
    program = next((desk.bed.remote_home / ".local/share/nbssh/program").glob("*/serve"))
    whole = program.read_bytes()
    program.write_bytes(b"#!/bin/sh\necho broken; exit 7\n")
    said = desk.nbssh("open", "box", status=1)
    program.write_bytes(whole)
    assert "did not start" in said
    assert "no Jupyter of 'box'" in said
    until(lambda: hidden(desk.laptop) == [], "no ssh is left")
    assert not record(desk).exists()
    assert browsed(desk) == []


@pytest.mark.parametrize("how", ["control-c", "killed"])
def test_it_lives_no_longer_than_nbssh_until_jupyter_is_verified(desk: Desk, how: str) -> None:
    program = next((desk.bed.remote_home / ".local/share/nbssh/program").glob("*/serve"))
    whole = program.read_bytes()
    program.write_bytes(b"#!/bin/sh\nexec sleep 600\n")
    try:
        with desk.laptop.starts("nbssh", "open", "box") as console:
            until(lambda: record(desk).exists() and len(hidden(desk.laptop)) == 1, "ssh is there")
            if how == "control-c":
                console.sendintr()
                console.expect("nbssh: interrupted")
            else:
                nbssh = processes(f"WINEPREFIX={desk.laptop.prefix}\0")
                for pid in [pid for pid, words in nbssh.items() if "nbssh\0open" in words]:
                    os.kill(pid, signal.SIGKILL)
            until(lambda: hidden(desk.laptop) == [], "it ends")
    finally:
        program.write_bytes(whole)
    assert desk.status()["tunnel"] is False
    assert not record(desk).exists()


def test_a_port_that_another_program_has_is_told(desk: Desk) -> None:
    with http.server.HTTPServer(("127.0.0.1", desk.port), http.server.BaseHTTPRequestHandler) as stranger:
        threading.Thread(target=stranger.serve_forever).start()
        said = desk.nbssh("open", "box", status=1)
        stranger.shutdown()
    assert f"port {desk.port} on this machine, which is that of 'box', is taken by" in said
    assert hidden(desk.laptop) == []


def test_check_tries_it_without_a_terminal(desk: Desk) -> None:
    wrong = desk.nbssh("check", "box", "--password-stdin", stdin="wrong\n", status=1)
    assert "does not accept the password" in wrong
    said = desk.nbssh("check", "box", "--password-stdin", stdin=f"{PASSWORD}\n")
    steps = [line.split(" s  ", 1)[1] for line in said.splitlines() if line.startswith("ok ")]
    assert steps[0] == "ssh box-nb, without a terminal: the tunnel is open"
    assert steps[1].startswith(f"the page answers at http://127.0.0.1:{desk.port}/, jupyter server ")
    assert steps[2:] == ["the password opens it", "the tunnel ends"]
    assert hidden(desk.laptop) == []
    assert not desk.answers()
    assert not record(desk).exists()
    assert desk.status()["state"] == "running"
    assert browsed(desk) == []
    desk.nbssh("open", "box")
    assert "end it first, Jupyter keeps running: taskkill /F /PID " in desk.nbssh(
        "check", "box", "--password-stdin", stdin=f"{PASSWORD}\n", status=1
    )


def test_launch_is_asked_by_a_login_of_its_own_where_others_could_listen_at_the_far_end() -> None:
    """And remove ends the tunnel."""
    with desk_of_its_own("AllowStreamLocalForwarding no") as desk:
        assert "its sshd forbids forwarding to a unix socket" in desk.add()
        assert re.search(STAYS, desk.nbssh("open", "box"))
        until(lambda: browsed(desk) == [f"http://127.0.0.1:{desk.port}/"], "the browser opens")
        desk.nbssh("remove", "box", "--yes")
        assert hidden(desk.laptop) == []
        assert not record(desk).parent.exists()


IN_WINDOWS = """
import os, pathlib, signal, socket, subprocess, sys, time
from nbssh.adapters.laptop.background import Known
from nbssh.windows import background as module
from nbssh.windows.background import Process, WindowsBackground, _holder

background = WindowsBackground()
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
    (found,) = background.listeners(port)
    assert found.pid in (os.getpid(), 0)  # wine 8 does not know whose it is
assert background.listeners(port) == []
assert _holder(os.getpid()) == ("python.exe", os.getpid(), "")
assert _holder(1) == ("a program", 1, "another user")

me = Process(os.getpid()).known
assert background.lasts(me)
assert not background.lasts(Known(me.pid, me.began - 1))

sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
sleeper = subprocess.Popen(sleeps)
its = Process(sleeper.pid).known
background.end(Known(its.pid, its.began - 1))
assert background.lasts(its)
background.end(its)
assert not background.lasts(its)
background.end(its)

# what it starts is its own, and ends with it
starts = f"import subprocess as s, sys; p = s.Popen({sleeps!r}); print(p.pid, file=sys.stderr, flush=True); p.wait()"
said = pathlib.Path("C:/said")
with said.open("wb") as errors:
    with background.start([sys.executable, "-c", starts], errors=errors, cwd=said.parent) as hidden:
        while not said.read_bytes().endswith(b"\\n"):
            assert hidden.status() is None
            time.sleep(0.1)
        child = Process(int(said.read_bytes())).known
        assert [hidden.owns(pid) for pid in (0, hidden.known.pid, child.pid, me.pid)] == [True, True, True, False]
while background.lasts(hidden.known) or background.lasts(child):
    time.sleep(0.1)
# let go, it takes what it started along all the same, however it ends
with said.open("wb") as errors:
    with background.start([sys.executable, "-c", starts], errors=errors, cwd=said.parent) as hidden:
        while not said.read_bytes().endswith(b"\\n"):
            time.sleep(0.1)
        child = Process(int(said.read_bytes())).known
        hidden.let_go()
assert background.lasts(hidden.known) and background.lasts(child)
background.end(hidden.known)
while background.lasts(hidden.known) or background.lasts(child):
    time.sleep(0.1)

# Ctrl-C between its start and the job that would end it
begun = []
def interrupted(pid, real=module.Hidden):
    begun.append(Process(pid).known)
    signal.raise_signal(signal.SIGINT)
    return real(pid)
module.Hidden = interrupted
try:
    with said.open("wb") as errors, background.start(sleeps, errors=errors, cwd=said.parent):
        print("it went on")
except KeyboardInterrupt:
    pass
assert not background.lasts(*begun)
print("right")
"""


@pytest.mark.few
def test_a_process_is_known_by_its_number_and_its_beginning() -> None:
    with laptop("3.13") as made:
        done = made.run("python", "-c", IN_WINDOWS)
    assert done.stderr == ""
    assert done.stdout == "right\r\n"


# what pip's nbssh.exe and py.exe do: all ends with them but what leaves the job, by itself (0x1000) or by wish (0x800)
IN_A_JOB = """
import ctypes, pathlib, subprocess, sys
from nbssh.adapters.laptop.background import Known
from nbssh.windows import background

STARTER = '''
import pathlib, sys
from nbssh.windows.background import WindowsBackground
sys.stdin.readline()
sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
there = pathlib.Path("C:/")
with open("C:/said", "wb") as errors, WindowsBackground().start(sleeps, errors=errors, cwd=there) as hidden:
    hidden.let_go()
    print(*hidden.known, flush=True)
    sys.stdin.readline()
'''

def outlives_its_job(flag):
    with subprocess.Popen([sys.executable, "-c", STARTER], stdin=-1, stdout=-1) as starter:
        launcher = background.Hidden(starter.pid)
        launcher._limit(background._ENDS_WITH_JOB | flag)
        starter.stdin.write(b"\\n")
        starter.stdin.flush()
        known = Known(*map(int, starter.stdout.readline().split()))
        assert background.WindowsBackground().lasts(known)
        launcher.close()
    lasts = background.WindowsBackground().lasts(known)
    background.WindowsBackground().end(known)
    return lasts

print(*map(outlives_its_job, (0, 0x800, 0x1000)))
"""


def test_it_leaves_the_job_of_the_program_that_started_nbssh() -> None:
    with laptop("3.13") as made:
        done = made.run("python", "-c", IN_A_JOB)
    assert done.stderr == ""
    assert done.stdout == "False True True\r\n"
