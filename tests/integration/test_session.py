"""`ssh box-nb` as people use it: start, attach, a second terminal, open tabs, lost connections, refusals."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import is_running, needs_root, until
from ports import free_port
from serving import UP, add, api, detach, server_pid, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed


@contextlib.contextmanager
def browser_tab(port: int) -> Iterator[http.client.HTTPConnection]:
    """Hold a connection through the tunnel open, as a tab with a kernel does."""
    tab = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    tab.connect()
    tab.auto_open = 0  # never a new connection behind our back
    try:
        assert ask(tab) == 200
        yield tab
    finally:
        tab.close()


def ask(tab: http.client.HTTPConnection) -> int:
    tab.request("GET", "/api")
    answer = tab.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_start_detach_attach_kill(bed: Bed, forward: str) -> None:
    # the default port is made from user and name, which other tests share
    port = add(bed, "--forward", forward, "--remote-port", str(free_port()), jupyter=bed.jupyter)
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert bed.opened == [f"http://127.0.0.1:{port}/"]
    assert "version" in api(port)
    pid = server_pid(bed)
    detach(session)
    assert is_running(pid)
    again = start(bed)
    assert "is already running on" in str(again.before)
    assert server_pid(bed) == pid
    stopped = bed.run("ssh", "box-nb-kill")
    assert stopped.returncode == 0
    assert f"(pid {pid})" in stopped.stdout
    again.expect_exact("was stopped")
    again.expect(pexpect.EOF)
    assert again.wait() == 0
    until(lambda: not is_running(pid), "the server ends")
    twice = bed.run("ssh", "box-nb-kill")
    assert (twice.returncode, twice.stdout.strip()) == (0, "nbssh: not running")
    state = bed.remote_home / ".local/state/nbssh/box"
    left = [path.name for path in state.rglob("*") if path.name in {"sock", "lock", "record", "ready"}]
    assert left == []


def test_leaving_the_first_of_two_terminals_returns_at_once_with_a_tab_open(make_bed: Callable[..., Bed]) -> None:
    # a port, no ProxyCommand: that is ended with the terminal that it was started from, and the test ends the terminal
    bed = make_bed(listen=True)
    port = add(bed, jupyter=bed.jupyter)
    first = start(bed)
    until(lambda: bed.opened, "the browser is called")
    second = start(bed)
    with browser_tab(port) as tab:
        detach(first)  # pexpect would time out: without ControlPersist ssh waits for the tab
        assert ask(tab) == 200
        assert second.isalive()
    assert len(bed.opened) == 1
    assert "nbssh open box" not in str(first.after)
    assert "ssh opens the browser only with a connection's first session: nbssh open box" in str(second.after)
    assert bed.nbssh("open", "box").returncode == 0
    until(lambda: len(bed.opened) == 2, "the browser is called again")
    detach(second)
    assert bed.run("ssh", "box-nb-kill").returncode == 0


def test_k_stops_the_server(bed: Bed) -> None:
    add(bed)
    session = start(bed)
    pid = server_pid(bed)
    session.sendline("k")
    session.expect_exact("stopped JupyterLab")
    session.expect(pexpect.EOF)
    assert session.wait() == 0
    until(lambda: not is_running(pid), "the server ends")
    # not asked with `ssh -O check`, which prolongs its life
    until(lambda: "[mux]" not in "".join(bed.leftovers().values()), "a master that nothing uses ends by itself")


def test_a_jupyter_that_cannot_start_is_shown_with_its_log(bed: Bed) -> None:
    add(bed, "--dir", "nowhere")
    session = bed.ssh("box-nb", timeout=60)
    session.expect_exact("nbssh: error: JupyterLab did not start on")
    session.expect_exact("cannot enter the notebooks' folder")
    session.expect_exact("the whole log: ")
    session.expect(pexpect.EOF)
    assert session.wait() == 1
    assert bed.opened == []


def test_a_client_killed_without_a_word_leaves_the_server_and_frees_the_port(bed: Bed) -> None:
    port = add(bed)
    session = start(bed)
    pid = server_pid(bed)
    # the client, and the master that it made
    for victim in (process for process, line in bed.leftovers().items() if "box-nb" in line or "[mux]" in line):
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    session.expect(pexpect.EOF)
    assert is_running(pid)
    until(lambda: "launch" not in "".join(bed.leftovers().values()), "launch ends with its session")
    again = start(bed)
    assert "is already running on" in str(again.before)
    assert "version" in api(port)
    detach(again)
    assert bed.run("ssh", "box-nb-kill").returncode == 0


def test_without_a_terminal_the_tunnel_stays_until_the_master_ends(bed: Bed) -> None:
    port = add(bed)
    done = bed.run("ssh", "-f", "-o", "ControlPersist=no", "box-nb", timeout=90)
    assert done.returncode == 0, done.stderr
    until(lambda: bed.opened, "the browser is called", 60)
    assert "version" in api(port)
    assert bed.run("ssh", "-O", "exit", "box-nb").returncode == 0
    until(lambda: "launch" not in "".join(bed.leftovers().values()), "launch ends with its session")
    assert bed.run("ssh", "box-nb-kill").returncode == 0


def test_a_token_opens_the_page_and_is_in_no_command_line(bed: Bed) -> None:
    port = add(bed, "--token", jupyter=bed.jupyter, door="token")
    token = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["token"]
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    page = bed.local_home / ".local/state/nbssh/secrets/box.html"
    assert bed.opened == [f"file://{page}"]
    assert f"http://127.0.0.1:{port}/?token={token}" in page.read_text()
    for line in bed.leftovers().values():
        assert token not in line
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/api/status?token={token}")
    assert connection.getresponse().status == 200
    connection.close()
    detach(session)
    assert bed.run("ssh", "box-nb-kill").returncode == 0


def test_a_squatter_on_the_servers_port_gets_no_browser_and_no_tunnel(bed: Bed) -> None:
    needs_root()
    far = free_port()
    add(bed, "--forward", "tcp", "--remote-port", str(far))
    squat = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(); "
        f"s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', {far})); s.listen(); "
        "print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", squat], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as squatter:
        assert squatter.stdout
        assert squatter.stdin
        assert squatter.stdout.readline() == "up\n"
        session = bed.ssh("box-nb", timeout=60)
        session.expect_exact(f"port {far} on ")
        session.expect_exact("belongs to somebody else (uid 65534)")
        session.expect(pexpect.EOF)
        assert session.wait() == 1
        until(lambda: not bed.has_master(), "the tunnel is closed")
        squatter.stdin.close()
    assert bed.opened == []
    assert server_pid(bed) == 0


def test_a_port_in_use_here_is_said_by_ssh_and_starts_nothing(bed: Bed) -> None:
    port = add(bed)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = bed.run("ssh", "box-nb")
    assert done.returncode == 255
    assert f"bind [127.0.0.1]:{port}: Address already in use" in done.stderr
    assert server_pid(bed) == 0


def test_ten_starts_at_once_make_one_server(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(listen=True)
    add(bed)
    sessions = [
        bed.ssh("-S", "none", "-o", "ControlMaster=no", "-o", "ClearAllForwardings=yes", "box-nb", timeout=240)
        for _ in range(10)
    ]
    for session in sessions:
        session.expect(UP)
    said = [str(session.before) for session in sessions]
    assert sum("started on" in text for text in said) == 1
    assert sum("is already running on" in text for text in said) == len(sessions) - 1
    assert bed.run("ssh", "box-nb-kill").returncode == 0
    for session in sessions:
        session.expect(pexpect.EOF)


def test_a_connection_that_persists_costs_no_second_login(bed: Bed) -> None:
    port = add(bed, "--persist", "1h")
    detach(start(bed))
    logins = bed.server.log.read_text().count("Accepted publickey")
    again = start(bed)
    assert bed.server.log.read_text().count("Accepted publickey") == logins
    assert "version" in api(port)
    again.sendline("k")
    again.expect_exact("stopped")
    assert "controlpersist 3600" in bed.run("ssh", "-G", "box-nb").stdout
    bed.tell_master("exit")


@pytest.mark.parametrize("time", ["1 h", "no", "-1", "1y", "5\n"])
def test_a_time_that_is_none_is_told(bed: Bed, time: str) -> None:
    done = bed.run("nbssh", "add", "box", "--offline", "--token", "--yes", f"--persist={time}")
    assert done.returncode == 1
    assert "is no time" in done.stderr
