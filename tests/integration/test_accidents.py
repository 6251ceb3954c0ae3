"""After any accident `ssh box-nb` either gives the user her Jupyter or says in one line why not."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import is_running, needs_packaged, needs_root, until
from serving import (
    PASSWORD,
    UP,
    add,
    api,
    close_tunnel,
    detach,
    end,
    ended,
    fake_jupyter,
    far_end,
    free_port,
    kill,
    launches_end,
    master,
    misbehave,
    named,
    program,
    run_folder,
    said,
    server_pid,
    servers,
    start,
    start_when_free,
)

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

pytestmark = pytest.mark.figure("accidents survived")


def refused(bed: Bed) -> str:
    """Run `ssh box-nb`, which must end with 1, and return the one line that says why."""
    session = bed.ssh("box-nb", timeout=60)
    status, words = ended(session)
    close_tunnel(bed)
    errors = [line.strip() for line in words.splitlines() if line.startswith("nbssh: error: ")]
    assert status == 1, words
    assert len(errors) == 1, words
    return errors[0]


# --- the server's end ------------------------------------------------------------------------------------------------


def test_a_killed_server_is_said_and_started_again(bed: Bed) -> None:
    port = add(bed)
    session = start(bed)
    pid = server_pid(bed)
    end(pid)
    status, words = ended(session)
    assert status == 1
    assert f"(pid {pid}) died; the end of its log:" in words
    assert "fake jupyter is up" in words
    session = start(bed)
    assert "started on" in said(session)
    assert server_pid(bed) != pid
    assert api(port)["version"] == "9.8.7"
    detach(session)
    kill(bed)


def test_after_a_reboot_a_stranger_with_the_old_number_is_left_alone(bed: Bed) -> None:
    port = add(bed)
    session = start(bed)
    run = run_folder(bed)
    kept = {name: (run / name).read_text() for name in ("record", "ready")}
    end(server_pid(bed))
    ended(session)
    close_tunnel(bed)
    launches_end(bed)
    # everything that lay there stays, and another process has the number now
    with subprocess.Popen(["sleep", "600"], env={"HOME": str(bed.remote_home)}) as stranger:
        old = re.search(r"^pid (\d+)", kept["record"], re.MULTILINE)
        assert old
        for name, text in kept.items():
            (run / name).write_text(text.replace(old.group(1), str(stranger.pid)))
        (run / "lock").write_text(f"{stranger.pid} another-boot/123\n")
        (run / "sessions" / str(stranger.pid)).write_text("another-boot/123\n")
        assert (run.parent / "sock").is_socket()
        assert "not running" in bed.run("ssh", "box-nb-kill").stdout
        assert is_running(stranger.pid)
        (run / "record").write_text(kept["record"].replace(old.group(1), str(stranger.pid)))
        assert "stopped" in bed.nbssh("status", "box").stdout
        session = start(bed)
        assert "started on" in said(session)
        assert api(port)["version"] == "9.8.7"
        detach(session)
        kill(bed)
        assert is_running(stranger.pid)
        stranger.kill()


def test_a_server_that_dies_after_a_second(bed: Bed) -> None:
    add(bed)
    misbehave(bed, dies=1)
    session = bed.ssh("box-nb")
    status, words = ended(session)
    assert status == 1
    assert re.search(r"nbssh: error: JupyterLab on \S+ \(pid \d+\) died; the end of its log:", words), words
    misbehave(bed)
    detach(start(bed))
    kill(bed)


def test_a_server_that_never_answers(bed: Bed) -> None:
    add(bed)
    settings = bed.remote_home / ".local/share/nbssh/box/profile"
    settings.write_text(settings.read_text() + "start_seconds 2\n")
    for how in ({"hang": True}, {"mute": True}):
        misbehave(bed, **how)
        assert "did not answer within 2 s; the end of its log:" in refused(bed)
        until(lambda: not servers(bed), "what does not answer is stopped")
    misbehave(bed)
    detach(start(bed))
    kill(bed)


# --- the disk --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def mounted(folder: Path, *words: str) -> Iterator[None]:
    """Mount something on `folder`; skip where even root may not."""
    needs_root()
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave not a byte free on the file system of `folder`."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


def test_a_disk_that_is_full(bed: Bed) -> None:
    bed.remote_home.joinpath(".local/state").mkdir(parents=True)
    with mounted(bed.remote_home / ".local/state", "-t", "tmpfs", "-o", "size=256k,mode=700", "none"):
        port = add(bed)
        filler = fill(bed.remote_home / ".local/state")
        assert "No space left on device" in refused(bed)
        assert servers(bed) == []
        filler.unlink()
        session = start(bed)
        fill(bed.remote_home / ".local/state")
        assert api(port)["version"] == "9.8.7"  # a server that runs goes on, and can be asked and stopped
        assert "running" in bed.nbssh("status", "box").stdout
        session.sendintr()
        assert ended(session)[0] == 0
        close_tunnel(bed)
        fill(bed.remote_home / ".local/state")
        detach(start(bed))  # the notebook may be where she makes room
        assert "stopped" in kill(bed)
        until(lambda: not servers(bed), "the server ends")


def test_a_home_that_is_full_takes_no_half_installation(bed: Bed) -> None:
    add(bed)
    (bed.remote_home / "notes").mkdir()
    share = bed.remote_home / ".local/share"
    before = {path.name: path.read_bytes() for path in (share / "nbssh/box").iterdir() if path.is_file()}
    copy = bed.folder / "copy"
    shutil.copytree(share, copy)
    with mounted(share, "-t", "tmpfs", "-o", "size=256k,mode=700", "none"):
        shutil.copytree(copy, share, dirs_exist_ok=True)
        filler = fill(share)
        toml = bed.local_home / ".config/nbssh/profiles/box.toml"
        toml.write_text(f'dir = "notes"\n{toml.read_text()}')
        done = bed.run("nbssh", "apply", "box")
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert {path.name: path.read_bytes() for path in (share / "nbssh/box").iterdir() if path.is_file()} == before
        filler.unlink()
        assert bed.run("nbssh", "apply", "box").returncode == 0
        detach(start(bed))
        kill(bed)


def test_a_first_add_on_a_full_home_leaves_nothing_there(bed: Bed) -> None:
    jupyter = fake_jupyter(bed)
    above = bed.remote_home / ".local"
    above.mkdir()
    with mounted(above, "-t", "tmpfs", "-o", "size=128k,mode=700", "none"):
        (above / "share").mkdir()
        filler = fill(above)
        before = sorted(bed.remote_home.rglob("*"))
        for room in (0, 16384):  # the second leaves room for the folders
            with filler.open("r+b") as file:
                file.truncate(filler.stat().st_size - room)
            done = bed.run("nbssh", "add", "box", "--yes", "--token", "--jupyter", str(jupyter))
            assert done.returncode == 1
            assert "No space left on device" in done.stderr
            assert sorted(bed.remote_home.rglob("*")) == before


def test_a_home_that_cannot_be_written(bed: Bed) -> None:
    add(bed)
    with mounted(bed.remote_home, "--bind", str(bed.remote_home)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(bed.remote_home)], check=True)
        assert "is not yours to write; it belongs to root, or is read-only" in refused(bed)
        done = bed.run(
            "nbssh", "add", "two", "box", "--yes", "--token", "--jupyter", str(bed.remote_home / "bin/jupyter-lab")
        )
        assert done.returncode == 1
        assert "its file system is read-only" in done.stderr
        assert "Traceback" not in done.stderr
        status = bed.nbssh("status", "box")
        assert "stopped" in status.stdout
        assert bed.run("ssh", "box-nb-kill").stdout == "nbssh: not running\n"
    detach(start(bed))
    kill(bed)


# --- many at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 50])
def test_many_laptops_start_at_once(make_bed: Callable[..., Bed], number: int) -> None:
    bed = make_bed(listen=True, extra=["MaxStartups 100:30:200"])
    add(bed)
    sock = bed.remote_home / ".local/state/nbssh/box/sock"
    ports = [free_port() for _ in range(number)]
    # each with a port and a ControlPath of its own; the alias itself has one
    sessions = [
        bed.spawn(
            *("ssh", "-tt", "-M", "-S", str(bed.folder / f"ctl-{port}"), "-o", "ExitOnForwardFailure=yes"),
            *("-L", f"127.0.0.1:{port}:{sock}", "box"),
            f"exec /bin/sh {program(bed)}/launch box {port}",
            timeout=120,
        )
        for port in ports
    ]
    for session in sessions:
        session.expect(UP)
    words = [said(session) for session in sessions]
    assert sum("started on" in text for text in words) == 1
    assert sum("is already running on" in text for text in words) == number - 1
    assert servers(bed) == [server_pid(bed)]
    for port in {ports[0], ports[-1]}:
        assert api(port)["version"] == "9.8.7"
    kill(bed)
    for session in sessions:
        status, last = ended(session)
        assert (status, "was stopped" in last) == (0, True)
    launches_end(bed)


def test_as_many_terminals_of_one_laptop_as_its_connection_takes(make_bed: Callable[..., Bed]) -> None:
    most = 6
    bed = make_bed(listen=True, extra=[f"MaxSessions {most}"])
    port = add(bed)
    # Nothing is open yet: one of them gets the local port, and with it the connection that the others can join. Who
    # came too early for that and too late for the port is told so.
    racing = [bed.ssh("box-nb", timeout=90) for _ in range(most)]
    up = []
    for session in racing:
        if session.expect([UP, pexpect.EOF]) == 0:
            up.append(session)
        else:
            assert f"bind [127.0.0.1]:{port}: Address already in use" in said(session)
            assert ended(session)[0] == 255
    assert up
    until(lambda: bed.opened, "the browser is called")
    until(lambda: not named(bed, "/wait "), "the opener's session has ended")
    up += [start_when_free(bed) for _ in range(most - len(up))]
    one_more = bed.ssh("box-nb")
    status, words = ended(one_more)
    assert (status, "Session open refused by peer" in words) == (255, True), words
    assert all(session.isalive() for session in up)
    assert servers(bed) == [server_pid(bed)]
    assert len(bed.opened) == 1
    assert api(port)["version"] == "9.8.7"
    killed = bed.run("ssh", "box-nb-kill")
    assert (killed.returncode, "stopped" in killed.stdout) == (0, True), killed.stderr
    assert [ended(session)[0] for session in up] == [0] * most
    close_tunnel(bed)


def test_more_terminals_than_one_connection_takes(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["MaxSessions 2"])
    port = add(bed)
    first = start(bed)
    until(lambda: bed.opened, "the browser is called")
    second = start_when_free(bed)
    third = bed.ssh("box-nb")
    status, words = ended(third)
    assert status == 255
    assert "Session open refused by peer" in words
    assert first.isalive()
    assert api(port)["version"] == "9.8.7"
    # the commands do not need a session of that connection: they log in by themselves, and say nothing of it
    status = bed.nbssh("status", "box")
    assert "running" in status.stdout
    assert status.stderr == ""
    assert "fake jupyter is up" in bed.nbssh("logs", "box").stdout
    following = bed.spawn("nbssh", "logs", "box", "-f")
    following.expect_exact("fake jupyter is up")
    following.sendintr()
    following.expect(pexpect.EOF)
    doctor = " ".join(bed.run("nbssh", "doctor", "box").stdout.split())
    assert "is reached" in doctor
    assert "carries as many sessions as its sshd permits (MaxSessions)" in doctor
    assert bed.nbssh("open", "box").stdout == f"http://127.0.0.1:{port}/\n"
    detach(second)
    second = start_when_free(bed)
    assert "stopped JupyterLab" in bed.nbssh("kill", "box").stdout
    assert [ended(session)[0] for session in (first, second)] == [0, 0]
    close_tunnel(bed)


def test_a_full_connection_to_a_server_that_prompts(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["MaxSessions 2"])
    add(bed)
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    text = re.sub(r"(?m)^(\[server\].*)$", r"\1\nprompts = true", toml.read_text())
    assert "prompts = true" in text
    toml.write_text(text)
    first = start(bed)
    until(lambda: bed.opened, "the browser is called")
    second = start_when_free(bed)
    log = bed.server.folder / "sshd.log"
    before = log.read_text() if log.exists() else ""
    done = bed.run("nbssh", "status")
    assert done.returncode == 1
    assert "error: box: its open connection takes no more sessions (MaxSessions of its sshd)" in done.stderr
    assert "Accepted" not in (log.read_text() if log.exists() else "").removeprefix(before), "nobody was named"
    assert "running" in bed.nbssh("status", "box").stdout, "named, it may ask"
    detach(first)
    detach(second)
    kill(bed)


def test_open_where_a_connection_takes_two_sessions(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["MaxSessions 2"])
    port = add(bed)
    assert bed.nbssh("open", "box").stdout == f"http://127.0.0.1:{port}/\n"
    until(lambda: bed.opened, "the browser is called")
    assert api(port)["version"] == "9.8.7"
    kill(bed)


# --- the connection --------------------------------------------------------------------------------------------------


def test_lost_connections_lose_no_kernel(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(listen=True)
    port = add(bed, jupyter=bed.jupyter)
    session = start(bed)
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    kernel = visitor.start_kernel()
    visitor.run(kernel, "answer = 41")
    pid = server_pid(bed)

    # sshd goes away: the line is cut
    for process in far_end(bed):
        end(process)
    assert ended(session)[0] == 255
    launches_end(bed)
    session = start(bed)
    assert "is already running on" in said(session)
    assert visitor.run(kernel, "answer += 1; answer") == "42"

    # ... or falls silent: the network is gone, and ServerAliveInterval notices
    detach(session)
    close_tunnel(bed)
    session = start(bed, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2")
    silent = far_end(bed)
    for process in silent:
        end(process, signal.SIGSTOP)
    status, words = ended(session)
    assert status == 255, words
    session = start(bed)
    assert visitor.run(kernel, "answer") == "42"
    for process in silent:
        end(process, signal.SIGCONT)

    # ... or the laptop sleeps for a while
    sleeper = master(bed)
    end(sleeper, signal.SIGSTOP)
    session.expect([pexpect.TIMEOUT], timeout=2)
    end(sleeper, signal.SIGCONT)
    assert session.isalive()
    assert visitor.run(kernel, "answer") == "42"
    assert visitor.kernels() == [kernel]
    assert server_pid(bed) == pid

    # Jupyter's own menu: File, Shut Down
    visitor._ask("api/shutdown", b"{}")
    status, words = ended(session)
    assert (status, "JupyterLab on" in words, "was shut down" in words) == (0, True, True)
    close_tunnel(bed)
    until(lambda: not servers(bed), "the server ends")


@pytest.mark.parametrize("how", ["a terminal", "-T", "-f"])
def test_a_client_that_vanishes_leaves_no_loop_behind(bed: Bed, how: str) -> None:
    port = add(bed)
    if how == "-f":
        assert bed.run("ssh", "-f", "-o", "ControlPersist=no", "box-nb").returncode == 0
    elif how == "-T":
        bed.stack.enter_context(subprocess.Popen(
            [*bed.ssh_command, "-T", "box-nb"], env=bed.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ))  # fmt: skip
    else:
        start(bed)
    until((run_folder(bed) / "ready").exists, "the server is verified")
    pid = server_pid(bed)
    for process in {master(bed), *named(bed, "box-nb")}:
        end(process)
    launches_end(bed)
    # what is left on the server is the server, and it can be had again
    until(lambda: not far_end(bed), "sshd ends")
    until(lambda: all("jupyter-lab" in line for line in bed.leftovers().values()), "nothing but the server is left")
    assert is_running(pid)
    session = start(bed)
    assert "is already running on" in said(session)
    assert api(port)["version"] == "9.8.7"
    detach(session)
    kill(bed)


COMMANDS = [("status", "box"), ("kill", "box"), ("logs", "box"), ("apply", "box"), ("remove", "box", "--yes")]


@pytest.mark.parametrize("what", ["the master", "the network"])
def test_every_command_ends_when_something_hangs(make_bed: Callable[..., Bed], what: str) -> None:
    bed = make_bed(listen=True)
    add(bed)
    start(bed, "-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3")
    pid = server_pid(bed)
    hanging = [master(bed)] if what == "the master" else far_end(bed)
    for process in hanging:
        end(process, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda words: bed.run("nbssh", *words, timeout=110), COMMANDS[:4]))
        done.append(bed.run("nbssh", *COMMANDS[4], timeout=110))
        for words, result in zip(COMMANDS, done, strict=True):
            assert result.returncode in {0, 1}, (words, result)
            assert "Traceback" not in result.stderr, result.stderr
        if what == "the master":
            for words, result in zip(COMMANDS[:4], done, strict=False):
                assert result.returncode == 1, words
                assert "nbssh: error: the ssh master at" in result.stderr, result.stderr
                assert "does not answer within" in result.stderr
                assert f"nbssh: hint: kill -9 {hanging[0]}" in result.stderr
            assert f"kill -9 {hanging[0]}" in done[4].stderr  # the files that lead there are gone
        # the files here are gone, whatever hangs there
        assert not (bed.local_home / ".ssh/nbssh.d/box.conf").exists()
    finally:
        for process in hanging:
            end(process, signal.SIGCONT)
    for process in servers(bed):
        end(process)
    until(lambda: not is_running(pid), "the server ends")


def test_a_host_whose_sh_is_yash(bed: Bed) -> None:
    """Its `[` is found by PATH alone, and nothing may be started without one."""
    needs_packaged("yash")
    log_in_where(bed, f"mount --bind {shutil.which('yash')} {Path('/bin/sh').resolve()}")
    add(bed)
    session = start(bed)
    assert "running" in bed.nbssh("status", "box").stdout
    detach(session)
    kill(bed)


# posh, as far as it is needed: POSIX has `sh -s WORD`
NO_WORD = """#!/bin/bash
case $1:$# in
-s:[2-9]) echo 'sh: -s: unknown option' >&2; exit 1 ;;
esac
exec /bin/bash --posix "$@"
"""


def test_a_host_whose_sh_lacks_what_posix_demands(bed: Bed) -> None:
    needs_root()
    program = bed.folder / "posh"
    program.write_text(NO_WORD)
    program.chmod(0o755)
    log_in_where(bed, f"mount --bind {program} {Path('/bin/sh').resolve()}")
    done = bed.run("nbssh", "add", "box", "--yes", "--token")
    assert done.returncode == 1
    assert "error: box: its /bin/sh knows no `sh -s WORD`, which POSIX demands of it: posh is such a one" in done.stderr
    assert "nbssh needs dash, bash, " in done.stderr


# --- one home, two hosts ---------------------------------------------------------------------------------------------


def log_in_where(bed: Bed, done: str) -> None:
    """Let every later login be in namespaces of its own, after the line of shell `done`; empty: as it was."""
    login = bed.server.folder / "login"
    text = login.read_text().partition("#here\n")[2] or login.read_text()
    inside = f'{done}; exec /bin/sh "$0"'
    other = f"""[ -n "${{NBT-}}" ] || exec env NBT=1 unshare --uts --mount /bin/sh -c '{inside}' "$0"\n"""
    login.write_text(f"#!/bin/sh\n{other if done else ''}#here\n{text}")


def move_to(bed: Bed, host: str) -> None:
    """Let every later login be on another machine, with the same home: another name, and another boot."""
    boot = bed.server.folder / "boot"
    boot.write_text("00000000-0000-0000-0000-000000000002\n")
    log_in_where(bed, f"mount --bind {boot} /proc/sys/kernel/random/boot_id; hostname {host}" if host else "")


def records(bed: Bed) -> dict[str, bytes]:
    """Return what lies in the host's folder, but for the guards of its connections, which go with those."""
    files = [path for path in run_folder(bed).iterdir() if path.is_file() and not path.name.startswith("guard.")]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_a_home_that_two_hosts_share(bed: Bed, forward: str) -> None:
    needs_root()
    if subprocess.run(["unshare", "--uts", "true"], check=False, capture_output=True).returncode:
        pytest.skip("unshare is not permitted here")
    here = os.uname().nodename
    add(bed, "--forward", forward, "--remote-port", str(free_port()))
    detach(start(bed))
    close_tunnel(bed)
    pid = server_pid(bed)
    before = records(bed)
    move_to(bed, "node2")
    assert bed.on_server("uname -n").stdout.strip() == "node2"
    # one port of one kernel here, so the second one cannot have it either; on two machines it could
    assert (f"runs on {here}, this is node2" if forward == "socket" else "is taken by") in refused(bed)
    assert here in bed.nbssh("status", "box").stdout
    killed = bed.run("ssh", "box-nb-kill")
    # of its own 1; here both hosts are one kernel, and the end of the tunnel, which answers still, makes it ssh's 255
    assert killed.returncode == 255
    assert f"the Jupyter of 'box' runs on {here}, not here on node2" in killed.stderr
    assert is_running(pid)
    assert records(bed) == before
    move_to(bed, "")
    session = start(bed)
    assert "is already running on" in said(session)
    detach(session)
    kill(bed)
    # gone there, so it may start here
    move_to(bed, "node2")
    session = start(bed)
    assert "started on node2" in said(session)
    detach(session)
    kill(bed)
