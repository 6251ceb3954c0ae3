"""The server's scripts under every shell that can be /bin/sh, with a Jupyter that misbehaves and with the real one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
import remote_helpers
from bed import is_running, stat_of
from remote_helpers import HOST, SHELLS, Server, sh_program, start_of, wait_until

from nbssh.core.files.program import cksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIN = Path(sys.executable).parent
Make = "Callable[..., Server]"

root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


@pytest.fixture
def make(needs: Callable[..., None]) -> Iterator[Callable[..., Server]]:
    """Give a maker of servers."""
    needs("dash", "busybox", "mksh", "ksh", "curl", "setsid")
    with remote_helpers.servers() as maker:
        yield maker


@pytest.fixture(params=SHELLS)
def server(make: Callable[..., Server], request: pytest.FixtureRequest) -> Server:
    """Give a server for each shell."""
    return make(request.param)


@pytest.fixture
def one(make: Callable[..., Server]) -> Server:
    """Give a server for what does not depend on the shell."""
    return make()


def ended(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a launch ended and what it said since."""
    out, _ = child.communicate(timeout=remote_helpers.PATIENCE)
    return child.returncode, out


def terminal_of(server: Server) -> pexpect.spawn:
    """Start launch in a terminal."""
    command = server.command("launch")
    return pexpect.spawn(
        command[0], command[1:], env=server.env, cwd=str(server.home), encoding="utf-8", timeout=remote_helpers.PATIENCE
    )


def in_terminal(server: Server) -> pexpect.spawn:
    """Start launch in a terminal and wait until it stays."""
    child = terminal_of(server)
    child.expect_exact("k and Enter stop it")
    return child


def tree(folder: Path) -> set[str]:
    """Return everything below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def elsewhere(server: Server, proc: str) -> None:
    """Have the program look for processes in `proc` instead of /proc/."""
    for path in server.program.rglob("*"):
        if path.is_file():
            path.write_text(path.read_text().replace("/proc/", proc))


# --- the usual way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forward", ["socket", "tcp"])
@pytest.mark.parametrize("shell", SHELLS)
def test_start_attach_kill_remove(make: Callable[..., Server], shell: str, forward: str) -> None:
    server = make(shell, forward=forward)
    first, said = server.up()
    lines = said.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"nbssh: JupyterLab (server 9.8.7) started on {HOST} in ")
    assert lines[1] == "nbssh: open http://127.0.0.1:8888/"
    assert (
        lines[2] == "nbssh: Ctrl-C detaches, the server keeps running; k and Enter stop it (so does: ssh mybox-nb-kill)"
    )
    pid = server.pid
    assert is_running(pid)

    second, said = server.up()
    assert f"nbssh: JupyterLab (server 9.8.7) is already running on {HOST} since 20" in said
    assert server.pid == pid
    assert server.call("wait").returncode == 0
    status = server.status()
    assert status == {
        "nbssh": 1,
        "name": "mybox",
        "host": HOST,
        "state": "running",
        "pid": pid,
        "version": "9.8.7",
        "kernels": 0,
        "sessions": 2,
        "since": status["since"],
        "last_activity": status["last_activity"],
        "log": str(server.run_dir / "log"),
        "elsewhere": [],
        "job": None,
        "machine": None,
        "profile": f"{cksum(settings := (server.data / 'profile').read_bytes())} {len(settings)}",
    }
    assert abs(status["since"] - time.time()) < 3600
    assert status["last_activity"] >= status["since"] - 1

    killed = server.call("kill")
    assert (killed.returncode, killed.stdout) == (0, f"nbssh: stopped JupyterLab on {HOST} (pid {pid})\n")
    assert not is_running(pid)
    assert ended(first) == (0, f"nbssh: JupyterLab on {HOST} was stopped\n")
    assert ended(second) == (0, f"nbssh: JupyterLab on {HOST} was stopped\n")
    again = server.call("kill")
    assert (again.returncode, again.stdout) == (0, "nbssh: not running\n")
    assert server.status()["state"] == "stopped"
    assert not (server.state / "sock").exists()
    assert {path.name for path in server.run_dir.iterdir()} <= {
        "connections",
        "log",
        "log.1",
        "runtime",
        "sessions",
        "stopped",
    }
    assert not list((server.run_dir / "sessions").iterdir())

    removed = server.remove()
    assert (removed.returncode, removed.stdout) == (0, "")
    assert tree(server.home) == {".local", ".local/share", ".local/state"}
    wait_until(lambda: not server.processes(), "everything has ended")  # ksh waits for the end of a pipe alone


def test_private_files(one: Server) -> None:
    one.env["LC_ALL"] = "C.UTF-8"
    one.up(one.launch(umask=0))
    for path in {one.state, *one.state.rglob("*")} - set(one.run_dir.glob("runtime/*")):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_the_notebook_gets_the_users_own_environment(server: Server) -> None:
    server.env |= {
        "LC_ALL": "C.UTF-8",
        "SSH_AUTH_SOCK": "x",
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_CONFIG_PATH": "/theirs",
    }
    server.up(server.launch(umask=0o027))
    seen = server.seen()
    env = seen["env"]
    assert seen["umask"] == 0o027
    assert env["LC_ALL"] == "C.UTF-8"
    assert env["JUPYTER_CONFIG_PATH"] == f"{server.data}/config:/theirs"
    assert env["JUPYTER_RUNTIME_DIR"] == str(server.run_dir / "runtime")
    assert env["PATH"].startswith(f"{server.fake.parent}:")
    assert not [key for key in env if key.startswith(("SSH_", "NBSSH", "DISPLAY", "XAUTH", "JUPYTER_NO"))]
    assert seen["cwd"] == str(server.home)
    assert seen["argv"] == [str(server.fake)]
    assert seen["session"] == seen["pid"] == server.pid
    # a background program of a shell ignores SIGINT, and ^C would be dead in every terminal of Jupyter
    assert not {"SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM", "SIGTSTP"} & set(seen["ignored"])


def test_no_locale_stays_no_locale(one: Server) -> None:
    one.up()
    assert "LC_ALL" not in one.seen()["env"]


def test_serve_alone_as_a_batch_job(server: Server) -> None:
    job = subprocess.Popen(
        server.command("serve"), env=server.env, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, umask=0o002
    )
    server.children.append(job)  # type: ignore[arg-type]
    wait_until(lambda: server.status()["state"] == "running", "the job to serve")
    assert server.pid == job.pid
    assert server.seen()["umask"] == 0o002
    assert server.run_dir.stat().st_mode & 0o777 == 0o700
    assert "fake jupyter is up" in (server.run_dir / "log").read_text()
    again = server.call("serve")
    assert again.returncode == 1
    assert f"already runs on {HOST} (pid {job.pid})" in (server.run_dir / "log").read_text()
    _, said = server.up()
    assert "already running" in said
    assert server.call("kill").returncode == 0
    assert job.wait(timeout=remote_helpers.PATIENCE) == 0


# --- staying and leaving ---------------------------------------------------------------------------------------------


def test_ctrl_c_detaches(server: Server) -> None:
    terminal = in_terminal(server)
    terminal.sendintr()
    terminal.expect_exact("nbssh: detached; the server keeps running; ssh mybox-nb attaches again")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert is_running(server.pid)
    wait_until(lambda: set(server.processes()) == {server.pid}, "no process but the server")
    assert not list((server.run_dir / "sessions").iterdir())


def test_k_and_enter_stop(server: Server) -> None:
    terminal = in_terminal(server)
    pid = server.pid
    terminal.sendline("x")
    terminal.sendline("k")
    terminal.expect_exact(f"nbssh: stopped JupyterLab on {HOST} (pid {pid})")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert not is_running(pid)
    wait_until(lambda: not server.processes(), "no process")


def test_the_terminal_is_closed(server: Server) -> None:
    terminal = in_terminal(server)
    terminal.close(force=False)
    wait_until(lambda: set(server.processes()) == {server.pid}, "no process but the server")
    assert not list((server.run_dir / "sessions").iterdir())
    assert is_running(server.pid)


def test_stop_key_of_the_terminal_does_no_harm(one: Server) -> None:
    terminal = in_terminal(one)
    terminal.sendcontrol("z")
    terminal.sendintr()
    terminal.expect_exact("detached")
    terminal.expect(pexpect.EOF)


def test_end_of_stdin_does_not_end_it(server: Server) -> None:
    child, _ = server.up(server.launch(stdin=subprocess.DEVNULL))
    os.kill(server.pid, signal.SIGUSR1)
    assert ended(child) == (0, f"nbssh: JupyterLab on {HOST} was shut down\n")
    assert not (server.run_dir / "record").exists()


def test_the_ssh_session_goes_without_a_terminal(server: Server) -> None:
    wrapper = subprocess.Popen(
        [*server.shell, "-c", f"{' '.join(server.command('launch'))} & wait"],
        env=server.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server.children.append(wrapper)
    assert wrapper.stdout
    wait_until(lambda: "Ctrl-C" in (wrapper.stdout.readline() if wrapper.stdout else ""), "launch to stay")
    assert len(server.processes()) > 2
    wrapper.kill()
    wrapper.wait()
    wait_until(lambda: set(server.processes()) == {server.pid}, "no process but the server")
    assert not list((server.run_dir / "sessions").iterdir())


def test_the_ssh_session_goes_while_the_server_starts(one: Server) -> None:
    one.misbehave(slow=60)
    wrapper = subprocess.Popen(["dash", "-c", f"{' '.join(one.command('launch'))} & wait"], env=one.env)
    wait_until(lambda: one.pid and one.status()["sessions"] == 1, "launch to wait for its server")
    wrapper.kill()
    wrapper.wait()
    wait_until(lambda: set(one.processes()) == {one.pid}, "no process but the server")
    assert not (one.run_dir / "lock").exists()


def test_a_killed_launch_leaves_nothing_behind(server: Server) -> None:
    child, _ = server.up()
    child.kill()
    wait_until(lambda: set(server.processes()) == {server.pid}, "no process but the server")
    assert server.status()["sessions"] == 0
    assert not list((server.run_dir / "sessions").iterdir())


def test_ctrl_c_while_it_starts(one: Server) -> None:
    one.misbehave(slow=2)
    terminal = terminal_of(one)
    wait_until(lambda: one.pid, "the record")
    terminal.sendintr()
    terminal.expect_exact("detached; JupyterLab is still starting")
    terminal.expect(pexpect.EOF)
    assert one.status()["state"] == "starting"
    _, said = one.up()
    assert "already running" in said


def test_ctrl_c_while_another_launch_has_the_lock(one: Server) -> None:
    one.run_dir.mkdir(parents=True)
    (one.run_dir / "lock").write_text(f"{os.getpid()} {start_of(os.getpid())}\n")
    terminal = terminal_of(one)
    wait_until(lambda: list(one.run_dir.glob("lock.[0-9]*")), "it waits")
    terminal.sendintr()
    terminal.expect_exact("detached; nothing was started from here; ssh mybox-nb tries it again")
    terminal.expect(pexpect.EOF)
    assert one.status()["state"] == "stopped"
    assert not list(one.run_dir.glob("lock.[0-9]*"))


# --- servers that end, hang, crash -----------------------------------------------------------------------------------


def test_a_server_that_dies_is_an_error_with_its_log(server: Server) -> None:
    child, _ = server.up()
    os.kill(server.pid, signal.SIGKILL)
    status, said = ended(child)
    assert status == 1
    assert f"nbssh: error: JupyterLab on {HOST} (pid " in said
    assert "died; the end of its log:\n    fake jupyter is up\n" in said
    assert server.status()["state"] == "stopped"
    _, said = server.up()
    assert "started" in said


def test_a_crash_at_the_start_shows_the_log(server: Server) -> None:
    server.misbehave(crash="one\x1b[31mtwo\x07\x9bthree\n" + "long" * 500 + "\nlast words: ü\n")
    child = server.launch()
    status, said = ended(child)
    assert status == 1
    assert f"nbssh: error: JupyterLab did not start on {HOST}; the end of its log:" in said
    assert "last words: ü" in said
    assert "one[31mtwo" in said
    assert not set(said) & {"\x1b", "\x07", "\x9b"}
    assert max(map(len, said.splitlines())) < 500
    assert not (server.run_dir / "record").exists()
    assert not server.processes()


def test_a_server_that_never_answers_is_stopped(server: Server) -> None:
    server.change(start_timeout=2)
    server.misbehave(hang=True)
    status, said = ended(server.launch())
    assert status == 1
    assert f"JupyterLab on {HOST} did not answer within 2 s" in said
    assert not server.processes()
    assert not (server.run_dir / "lock").exists()


@pytest.mark.parametrize("how", [{"answer": "<html>"}, {"status": "503 Busy"}, {"answer": '{"version": "\\u001b[1m"}'}])
def test_an_answer_that_is_not_jupyters(one: Server, how: dict[str, str]) -> None:
    one.change(start_timeout=1)
    one.misbehave(**how)
    status, said = ended(one.launch())
    assert status == 1
    assert "did not answer within 1 s" in said


def test_a_server_that_hangs_is_not_doubled(one: Server) -> None:
    child, _ = one.up()
    pid = one.pid
    child.kill()
    Path(one.socket).unlink()  # it lives and is deaf: what a hung server looks like, without waiting for time limits
    status, said = ended(one.launch())
    assert status == 1
    assert f"nbssh: error: the socket of JupyterLab on {HOST} (pid {pid}) was taken away, {one.socket}" in said
    assert "jupyter console --existing" in said
    assert "ssh mybox-nb-kill" in said
    assert one.status()["state"] == "unresponsive"
    assert one.pid == pid
    assert is_running(pid)


def test_a_server_deaf_to_term_is_killed(one: Server) -> None:
    one.misbehave(deaf=True)
    child, _ = one.up()
    pid = one.pid
    killed = one.call("kill", limit=40)
    assert (killed.returncode, killed.stdout) == (
        0,
        f"nbssh: stopped JupyterLab on {HOST} (pid {pid}), which took a KILL\n",
    )
    assert ended(child) == (0, f"nbssh: JupyterLab on {HOST} was stopped\n")
    assert not Path(one.socket).exists()


def test_kill_while_it_starts(server: Server) -> None:
    server.misbehave(slow=60)
    child = server.launch()
    wait_until(lambda: server.pid, "the record")
    assert server.status()["state"] == "starting"
    killed = server.call("kill")
    assert killed.returncode == 0
    assert "nbssh: stopped JupyterLab" in killed.stdout
    assert ended(child) == (0, f"nbssh: JupyterLab on {HOST} was stopped\n")
    wait_until(lambda: not server.processes(), "no process")


def test_kill_takes_the_servers_whole_group(one: Server) -> None:
    one.change(setup=["sh -c 'trap \"\" INT; while :; do sleep 1; done' & "])
    one.up()
    assert one.call("kill").returncode == 0
    wait_until(lambda: not one.processes(), "no process of the group")


def test_conda_run_as_a_setup_line(one: Server) -> None:
    conda = one.root / "conda"
    conda.write_text('#!/bin/sh\n# as conda run does: the program is a child\nshift; "$@"; exit $?\n')
    conda.chmod(0o755)
    one.change(setup=[f'exec {conda} run "$@"'])
    child, _ = one.up()
    assert one.seen()["parent"] == one.pid
    assert one.call("kill").returncode == 0
    assert not is_running(one.seen()["pid"])
    assert ended(child)[0] == 0


# --- stale things ----------------------------------------------------------------------------------------------------


def test_a_record_whose_number_somebody_else_has_now(server: Server) -> None:
    server.run_dir.mkdir(parents=True)
    stranger = subprocess.Popen(["sleep", "100"])
    try:
        record = f"pid {stranger.pid}\nstart {start_of(stranger.pid)}0\nhost {HOST}\napp lab\nat {server.socket}\n"
        (server.run_dir / "record").write_text(record)
        assert server.status()["state"] == "stopped"
        assert server.call("kill").stdout == "nbssh: not running\n"
        (server.run_dir / "record").write_text(record)
        _, said = server.up()
        assert "started" in said
        assert server.pid != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("pid", ["1; touch x", "-1", "0", "", "1 2", "$(touch x)", "99999999999999999999"])
def test_a_record_that_is_no_record(one: Server, pid: str) -> None:
    one.run_dir.mkdir(parents=True)
    (one.run_dir / "record").write_text(f"pid {pid}\nstart x\nhost {HOST}\n$(touch x)\n`touch x`\n")
    assert one.status()["state"] == "stopped"
    killed = one.call("kill")
    assert (killed.returncode, killed.stdout) == (0, "nbssh: not running\n")
    assert not (one.home / "x").exists()


def test_a_zombie_does_not_count(server: Server) -> None:
    server.run_dir.mkdir(parents=True)
    zombie = subprocess.Popen(["true"])
    wait_until(lambda: stat_of(zombie.pid)[0] == "Z", "a zombie")
    (server.run_dir / "record").write_text(f"pid {zombie.pid}\nstart {start_of(zombie.pid)}\nhost {HOST}\n")
    assert server.status()["state"] == "stopped"
    _, said = server.up()
    assert "started" in said
    zombie.wait()


def test_attaching_to_a_verified_server_waits_for_no_lock(server: Server) -> None:
    """Nothing is changed then, so a launch that hangs with the lock in its hands keeps nobody out."""
    server.up()
    (server.run_dir / "lock").write_text(f"{os.getpid()} {start_of(os.getpid())}\n")
    assert "is already running" in server.up()[1]
    (server.run_dir / "lock").unlink()


def test_locks_of_the_dead_are_taken_over(server: Server) -> None:
    server.run_dir.mkdir(parents=True)
    (server.run_dir / "lock").write_text("1234567 gone\n")
    guard = server.run_dir / "lock.break"
    guard.mkdir()
    os.utime(guard, (1, 1))
    stale = server.state / "sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    (server.run_dir / "sessions").mkdir()
    (server.run_dir / "sessions/1234567").write_text("gone\n")
    _, said = server.up()
    assert "started" in said
    assert not (server.run_dir / "lock").exists()
    assert not guard.exists()
    assert server.status()["sessions"] == 1


def test_something_else_at_the_sockets_place_stays(one: Server) -> None:
    one.run_dir.mkdir(parents=True)
    Path(one.socket).write_text("precious")
    status, said = ended(one.launch())
    assert status == 1
    assert f"{one.socket} on {HOST} is in the way and no socket of ours" in said
    assert Path(one.socket).read_text() == "precious"


def test_a_server_without_a_record_is_not_pushed_aside(one: Server) -> None:
    child, _ = one.up()
    pid = one.pid
    child.kill()
    (one.run_dir / "record").unlink()
    status, said = ended(one.launch())
    assert status == 1
    assert f"a Jupyter that nbssh knows nothing of answers on {one.socket}" in said
    assert is_running(pid)


@pytest.mark.parametrize("shell", SHELLS)
def test_ten_launches_at_once_start_one_server(make: Callable[..., Server], shell: str) -> None:
    server = make(shell)
    server.run_dir.mkdir(parents=True)
    (server.run_dir / "lock").write_text("1234567 gone\n")
    server.misbehave(slow=0.2)
    said = [server.up(child)[1] for child in [server.launch() for _ in range(10)]]
    assert sum("started on" in text for text in said) == 1
    assert sum("already running" in text for text in said) == 9
    assert server.status()["sessions"] == 10
    assert server.call("kill").returncode == 0
    assert [ended(child)[0] for child in server.children] == [0] * 10


def test_other_settings_while_it_runs(one: Server) -> None:
    child, _ = one.up()
    child.kill()
    old = one.socket
    one.change(socket=str(one.state / "sock2"))
    status, said = ended(one.launch())
    assert status == 1
    assert f"still runs with earlier settings, at {old}" in said
    assert one.call("kill").returncode == 0


# --- wait ------------------------------------------------------------------------------------------------------------


def test_wait_until_launch_has_verified(server: Server) -> None:
    server.misbehave(slow=1)
    opener = subprocess.Popen(server.command("wait"), env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    child = server.launch()
    out, _ = opener.communicate(timeout=remote_helpers.PATIENCE)
    assert (opener.returncode, out) == (0, b"nbssh-77-verified\n")
    assert (server.run_dir / "ready").exists()
    server.up(child)


def test_wait_when_launch_refuses(server: Server) -> None:
    server.misbehave(crash="no\n")
    opener = subprocess.Popen(server.command("wait"), env=server.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ended(server.launch())[0] == 1
    out, _ = opener.communicate(timeout=remote_helpers.PATIENCE)
    assert (opener.returncode, out) == (1, b"nbssh-77-refused\n")


def test_wait_takes_no_refusal_of_another_connection_for_that_of_its_own(one: Server) -> None:
    one.misbehave(crash="no\n")
    words = " ".join(one.command("launch"))
    other = subprocess.run(["dash", "-c", f"{words} 2>&1; true"], env=one.env, check=True, capture_output=True)
    assert b"did not start" in other.stdout
    one.misbehave()
    opener = subprocess.Popen(one.command("wait"), env=one.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    child = one.launch()
    out, _ = opener.communicate(timeout=remote_helpers.PATIENCE)
    assert out == b"nbssh-77-verified\n"
    one.up(child)


def test_wait_does_not_outlive_its_session(one: Server) -> None:
    one.misbehave(slow=60)
    one.launch()
    wait_until(lambda: one.pid, "the record")
    wrapper = subprocess.Popen(
        ["dash", "-c", f"{' '.join(one.command('wait'))} & echo $!; wait"], env=one.env, stdout=subprocess.PIPE
    )
    assert wrapper.stdout
    pid = int(wrapper.stdout.readline())
    wait_until(lambda: any(stat_of(other)[1:2] == [str(pid)] for other in one.processes()), "its first nap")
    wrapper.kill()
    wrapper.wait()
    wrapper.stdout.close()
    wait_until(lambda: not is_running(pid), "the end of wait")


@pytest.mark.parametrize("script", ["wait", "launch"])
def test_a_connection_that_broke_before_it_began_is_over(one: Server, script: str) -> None:
    one.misbehave(slow=60)
    orphan = """until [ "$(cut -d' ' -f4 /proc/$$/stat)" = 1 ]; do sleep 0.01; done; exec "$@" """
    started = subprocess.run(
        ["dash", "-c", f"dash -c {shlex.quote(orphan)} x {' '.join(one.command(script))} >/dev/null 2>&1 & echo $!"],
        env=one.env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    pid = int(started.stdout)
    wait_until(lambda: not is_running(pid), f"the end of {script}")
    assert one.pid == 0


# --- other people ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listener_of(uid: int, port: int) -> Iterator[None]:
    """Have another user listen on a port and answer as Jupyter would."""
    code = (
        "import os, socket, sys\n"
        "os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
        "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "s.bind(('127.0.0.1', int(sys.argv[2]))); s.listen(9); print('up', flush=True)\n"
        "while True:\n"
        '    c, _ = s.accept(); c.recv(999); c.sendall(b\'HTTP/1.0 200 OK\\r\\n\\r\\n{"version": "1.0"}\'); c.close()\n'
    )
    with subprocess.Popen([sys.executable, "-c", code, str(uid), str(port)], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        try:
            yield
        finally:
            child.kill()


@root_only
@pytest.mark.parametrize("shell", SHELLS)
def test_a_port_of_somebody_else(make: Callable[..., Server], shell: str) -> None:
    server = make(shell, forward="tcp")
    with listener_of(65534, server.model["remote_port"]):
        status, said = ended(server.launch())
        assert status == 1
        assert f"port {server.model['remote_port']} on {HOST} belongs to somebody else (uid 65534)" in said
        assert not (server.run_dir / "ready").exists()
        assert not server.processes()


@root_only
def test_somebody_else_takes_the_port_while_the_server_starts(make: Callable[..., Server]) -> None:
    server = make(forward="tcp")
    server.misbehave(slow=60)
    child = server.launch()
    wait_until(lambda: server.pid, "the record")
    with listener_of(65534, server.model["remote_port"]):
        status, said = ended(child)
    assert status == 1
    assert "belongs to somebody else" in said
    assert not (server.run_dir / "ready").exists()
    assert not server.processes()


def test_a_port_of_another_program_of_ours(make: Callable[..., Server]) -> None:
    server = make(forward="tcp")
    with listener_of(os.getuid(), server.model["remote_port"]):
        status, said = ended(server.launch())
    assert status == 1
    assert "is taken by another program of yours" in said


@pytest.fixture
def squatted(make: Callable[..., Server]) -> Iterator[tuple[Server, Path]]:
    """Give a server whose socket lies in a folder of /tmp, and that folder, not yet made."""
    folder = Path(f"/tmp/nbssh-test{os.getpid()}")
    yield make(socket=f"{folder}/mybox.sock"), folder
    with contextlib.suppress(FileNotFoundError):
        if folder.is_symlink():
            folder.unlink()
        else:
            for left in folder.iterdir():
                left.unlink()
            folder.rmdir()


def test_a_private_folder_in_tmp(squatted: tuple[Server, Path]) -> None:
    server, folder = squatted
    server.up()
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert server.status()["state"] == "running"
    assert server.call("kill").returncode == 0


@pytest.mark.parametrize("how", ["link", "mode", "file", pytest.param("owner", marks=root_only)])
def test_a_squatted_folder_in_tmp_is_refused(squatted: tuple[Server, Path], how: str) -> None:
    server, folder = squatted
    theirs = server.root / "theirs"
    theirs.mkdir(mode=0o700)
    match how:
        case "link":
            folder.symlink_to(theirs)
        case "file":
            folder.touch(mode=0o700)
        case "mode":
            folder.mkdir()
            folder.chmod(0o770)
        case _:
            folder.mkdir(mode=0o700)
            os.chown(folder, 65534, 65534)
    status, said = ended(server.launch())
    assert status == 1
    assert f"{folder} on {HOST} is not a private folder of this user" in said
    assert not list(theirs.iterdir())
    assert not server.processes()
    if how == "file":
        folder.unlink()


def test_a_folder_in_tmp_that_turns_bad_is_not_asked(squatted: tuple[Server, Path]) -> None:
    server, folder = squatted
    server.up()
    folder.chmod(0o777)
    assert server.status()["state"] == "unresponsive"
    status, said = ended(server.launch())
    assert status == 1
    assert "is not a private folder" in said
    folder.chmod(0o700)


def of_another_machine(record: Path) -> None:
    """Have the record name a process of a machine that was started another time, or is another one."""
    record.write_text(re.sub(r"(?m)^start .*/", "start another-boot/", record.read_text()))


def test_a_machine_may_get_another_name(server: Server) -> None:
    server.up(server.launch(env=server.called("hosta")))
    pid = server.recorded(server.state / "hosta/record")
    server.env = server.called("hostb")
    _, said = server.up()
    assert "is already running on hostb" in said
    assert (server.status()["state"], server.status()["pid"]) == ("running", pid)
    assert f"stopped JupyterLab on hostb (pid {pid})" in server.call("kill").stdout
    assert not is_running(pid)
    server.up()
    assert server.recorded(server.state / "hostb/record")


def test_what_a_name_has_left_on_a_local_disk_is_no_obstacle(server: Server) -> None:
    child, _ = server.up(server.launch(env=server.called("hosta")))
    pid = server.recorded(server.state / "hosta/record")
    os.kill(pid, signal.SIGKILL)
    ended(child)
    record = server.state / "hosta/record"
    assert Path(server.socket).exists()
    of_another_machine(record)
    server.env = server.called("hostb")
    assert server.call("kill").stdout == "nbssh: not running\n"
    assert not record.exists()
    _, said = server.up()
    assert "started on hostb" in said


# --- one home, two hosts ---------------------------------------------------------------------------------------------


def test_a_server_of_another_host_is_left_alone(server: Server) -> None:
    child, _ = server.up(server.launch(env=server.called("hosta")))
    pid = server.recorded(server.state / "hosta/record")
    of_another_machine(server.state / "hosta/record")
    other = server.called("hostb")
    status, said = ended(server.launch(env=other))
    assert status == 1
    assert "the Jupyter of 'mybox' runs on hosta, this is hostb" in said
    killed = server.call("kill", env=other)
    assert killed.returncode == 1
    assert "the Jupyter of 'mybox' runs on hosta, not here on hostb" in killed.stdout
    answer = json.loads(server.call("status", env=other).stdout)
    assert (answer["state"], answer["elsewhere"]) == ("elsewhere", ["hosta"])
    assert is_running(pid)
    assert Path(server.socket).exists()
    server.env = other
    removed = server.remove()
    assert f"nbssh: left: {server.state}/hosta: a Jupyter may run there (pid {pid} on hosta)" in removed.stdout
    assert Path(server.socket).exists()
    os.kill(pid, signal.SIGTERM)
    assert ended(child)[0] == 0


def test_two_hosts_with_ports_do_not_meet(make: Callable[..., Server]) -> None:
    server = make(forward="tcp")
    server.up(server.launch(env=server.called("hosta")))
    of_another_machine(server.state / "hosta/record")
    server.change(remote_port=remote_helpers.free_port())
    _, said = server.up(server.launch(env=server.called("hostb")))
    assert "nbssh: another Jupyter of 'mybox' runs on hosta, this is hostb\n" in said
    assert "started on hostb" in said


def test_a_clean_end_elsewhere_is_no_obstacle(one: Server) -> None:
    child, _ = one.up(one.launch(env=one.called("hosta")))
    child.kill()  # nobody is there to tidy up
    os.kill(one.recorded(one.state / "hosta/record"), signal.SIGTERM)
    wait_until(lambda: not one.processes(), "the end of the server")
    _, said = one.up(one.launch(env=one.called("hostb")))
    assert "started on hostb" in said


@pytest.mark.parametrize("name", ["", "a/b", "..", "-x", "a b"])
def test_a_host_without_a_usable_name(one: Server, name: str) -> None:
    for script in ("launch", "kill", "status", "wait"):
        done = one.call(script, env=one.called("odd") | {"PATH": _odd_uname(one, name)})
        assert done.returncode == 1
        assert "this host's name cannot be a folder" in done.stdout


def _odd_uname(server: Server, name: str) -> str:
    stub = server.root / "odd"
    stub.mkdir(exist_ok=True)
    sh_program(stub / "uname", f"echo '{name}'")
    return f"{stub}:{server.env['PATH']}"


# --- values that bite ------------------------------------------------------------------------------------------------

HOSTILE = ["$(touch x)", "`touch x`", "a'b\"c", "100%s %n", "-dash", "ünïcode ☃", "semi;colon&", "~", "*"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_folder_of_any_name(one: Server, value: str) -> None:
    folder = one.home / "books" / value
    folder.mkdir(parents=True)
    one.change(root_dir=str(folder))
    one.up()
    assert one.seen()["cwd"] == str(folder)
    assert not list(one.root.rglob("x"))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_that_is_not_there(make: Callable[..., Server], shell: str) -> None:
    server = make(shell, root_dir="-n/o $(touch x)")
    status, said = ended(server.launch())
    assert status == 1
    assert f"cannot enter the notebooks' folder {server.home}/-n/o $(touch x) on {HOST}" in said
    assert not list(server.root.rglob("x"))


@pytest.mark.parametrize("folder", ["~/", "{home}", "./"])
def test_an_environment_may_be_named_by_its_folder(make: Callable[..., Server], folder: str) -> None:
    server = make()
    (server.home / "bin").symlink_to(server.fake.parent)
    server.change(jupyter=folder.format(home=server.home))
    _, said = server.up()
    assert "JupyterLab (server 9.8.7) started on " in said
    server.call("kill")


def test_jupyter_is_not_there(make: Callable[..., Server]) -> None:
    server = make(jupyter="jupyter-nowhere")
    status, said = ended(server.launch())
    assert status == 1
    assert "nbssh: jupyter-nowhere: not found; PATH is /" in said


def test_the_configuration_is_not_there(one: Server) -> None:
    (one.data / "config/jupyter_server_config.json").unlink()
    (one.data / "config/fake.json").unlink()
    status, said = ended(one.launch())
    assert status == 1
    assert "Jupyter's configuration, with its password, is missing" in said


@pytest.mark.parametrize(
    "shell", [["/bin/sh"], ["/bin/bash", "-l"], ["/bin/zsh"], ["/bin/mksh"]], ids=lambda words: words[0]
)
def test_setup_lines(one: Server, shell: list[str]) -> None:
    if not Path(shell[0]).exists():
        pytest.skip(f"not installed: {shell[0]}")
    one.change(
        setup_shell=shell,
        jupyter="jupyter-lab",
        setup=[
            "false 'it''s'",
            "export BOOKS='a  b' # comment",
            f"PATH={one.fake.parent}:$PATH",
            "if then",
            "export JUPYTER_CONFIG_PATH=/module JUPYTER_RUNTIME_DIR=/module JUPYTER_NO_CONFIG=1",
        ][: 3 if shell[0] in {"/bin/sh", "/bin/mksh"} else None],
    )
    one.up()
    env = one.seen()["env"]
    assert env["BOOKS"] == "a  b"
    assert env["JUPYTER_CONFIG_PATH"].split(":")[0] == f"{one.data}/config"
    assert env["JUPYTER_RUNTIME_DIR"] == str(one.run_dir / "runtime")
    assert not [key for key in env if key.lower().startswith("nbssh") or key == "JUPYTER_NO_CONFIG"]
    assert "nbssh: setup line 1 ('false 'it''s'') ended with status 1" in (one.run_dir / "log").read_text()


def test_setup_lines_that_lead_nowhere(one: Server) -> None:
    one.change(jupyter="jupyter-nowhere", setup=["true"])
    status, said = ended(one.launch())
    assert status == 1
    assert "nbssh: jupyter-nowhere: not found after the setup lines; PATH is /" in said


# --- few tools -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forward", ["socket", "tcp"])
@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_with_busybox_alone(make: Callable[..., Server], shell: str, forward: str) -> None:
    server = make(shell, forward=forward)
    server.few_tools()
    child, said = server.up()
    assert "started" in said
    assert server.seen()["session"] == server.pid
    assert server.status()["state"] == "running"
    assert server.call("kill").returncode == 0
    assert ended(child)[0] == 0
    assert server.remove().stdout == ""
    assert tree(server.home) == {".local", ".local/share", ".local/state"}


@pytest.mark.parametrize(
    "tools", [["curl", "perl"], ["curl", "perl", "setsid"], ["curl", "setsid"], ["curl"], ["perl"]], ids="-".join
)
def test_without_python(one: Server, tools: list[str]) -> None:
    one.few_tools()
    for tool in tools:
        (one.root / "few" / tool).symlink_to(f"/usr/bin/{tool}")
    # Jupyter's own, which starts in the environment of a login alone
    one.change(python=str(sh_program(one.root / "python", "echo no library >&2; exit 127")))
    # a shell can never hear a signal that it was started to ignore, as below nohup
    child, said = one.up(one.launch(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)))
    assert "started" in said
    os.killpg(child.pid, signal.SIGHUP)
    child.wait(timeout=remote_helpers.PATIENCE)
    assert one.status()["state"] == "running"
    assert one.call("kill").returncode == 0


def test_a_start_starts_few_programs(one: Server) -> None:
    """From launch to Jupyter; the shells of the scripts, and those that ask whether it is there, are not counted."""
    spies, log = one.root / "spies", one.root / "started"
    over = one.root / "over"

    spies.mkdir()
    tools = ["awk", "cat", "chmod", "cut", "date", "env", "find", "grep", "head", "id", "ln", "ls", "mkdir", "mktemp"]
    tools += ["mv", "perl", "ps", "python", "sed", "setsid", "sort", "stat", "tail", "timeout", "tr", "uname"]
    for tool in tools:
        program = sys.executable if tool == "python" else shutil.which(tool)
        sh_program(spies / tool, f'[ -e {over} ] || echo {tool} >>{log}\nexec {program} "$@"')
    begins = sh_program(one.root / "begins", f': >{over}\nexec {one.fake} "$@"')  # what asks it comes after its start
    one.change(jupyter=str(begins), python=str(spies / "python"))
    one.env |= {
        "PATH": f"{spies}:{one.env['PATH']}",
        "SHELL": str(sh_program(one.root / "shell", 'exec /bin/sh -c "$4"')),
    }
    always = ["chmod", "date", "env", "ln", "ls", "perl", "setsid", "timeout", "uname"]
    for once in ("mkdir", "mv"):  # mv: the log of the start before
        one.up(one.launch())
        assert sorted(log.read_text().split()) == sorted([*always, once])
        assert one.call("kill").returncode == 0
        log.unlink()
        over.unlink()


def test_a_perl_that_the_user_has_set_up_oddly_still_asks(one: Server) -> None:
    one.env["PERL5OPT"] = "-Mnothing_that_is_there"
    one.few_tools()
    for tool in ("perl", "setsid"):
        (one.root / "few" / tool).symlink_to(f"/usr/bin/{tool}")
    one.change(python="")
    assert "started" in one.up()[1]


def test_a_perl_that_talks_and_starts_nothing(one: Server) -> None:
    one.replace("perl", "echo perl 5; exit 2")
    assert "started" in one.up()[1]


@pytest.mark.parametrize("broken", ["kill -SEGV $$", "echo perl 5; exit 255", "exit 1"])
def test_one_that_broke_has_not_asked(server: Server, broken: str) -> None:
    server.replace("perl", broken)
    server.replace("curl", "kill -KILL $$")
    assert "started" in server.up()[1]
    assert server.status()["state"] == "running"


@pytest.mark.parametrize("tool", ["perl", "curl", "python3"])
def test_what_a_server_answers_is_heard_alike_by_whoever_asks(one: Server, tool: str) -> None:
    few = remote_helpers.tools(one.root / "few", *{"perl", "curl"} & {tool})
    if tool == "python3":  # as one of 3.6, whose output in the locale C is ASCII
        sh_program(few / tool, f'exec {sys.executable} -X utf8=0 "$@"')
    text = "newline='\n' forward=socket socket=$1 ready=$2 python=; . \"$3\"; s=0; ask_api || s=$?; exit $s"
    said = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b"
    page, api = "<p>h\u00e9, \u00e7a va".encode(), b'{"version": "2.1"}'
    expected = [
        ("/api", said % (len(api), api), 0),
        ("/api", said % (len(page), page), 1),
        ("/", said % (len(page), page), 0),
        ("/", said % (100_000, bytes(100_000).replace(b"\0", b"x")), 0),
        ("/api", b"\xff\xfe\r\n\r\n\xff", 1),
        ("/api", b"", 1),
    ]
    at = str(one.root / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(at)
        listener.listen()
        for ready, answer, status in expected:
            ask = ["/bin/sh", "-c", text, "sh", at, ready, one.program / "api.sh"]
            child = subprocess.Popen(ask, env={"PATH": str(few), "LC_ALL": "C"})
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):  # an answer of no length: closed before it was asked
                if answer and connection.recv(4096):
                    connection.sendall(answer)
            assert child.wait(remote_helpers.PATIENCE) == status, answer[:60]


def test_ctrl_c_while_jupyter_is_asked_asks_nobody_else(server: Server) -> None:
    server.up()
    for tool, text in ("perl", "exec sleep 60"), ("curl", "exit 7"):
        server.replace(tool, f": >{server.root}/{tool}; {text}")
    terminal = terminal_of(server)
    wait_until((server.root / "perl").exists, "perl to ask")
    terminal.sendintr()
    terminal.expect_exact(
        "detached; JupyterLab has not answered yet; ssh mybox-nb tries it again, ssh mybox-nb-kill stops it"
    )
    terminal.expect(pexpect.EOF)
    assert not (server.root / "curl").exists()


def test_nothing_to_ask_with(one: Server) -> None:
    one.few_tools()
    (one.root / "few/setsid").symlink_to("/usr/bin/setsid")
    one.change(python="")
    status, said = ended(one.launch())
    assert status == 1
    assert f"nothing on {HOST} can ask Jupyter whether it is there" in said
    assert "install curl or python3" in said
    assert not one.processes()


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_without_proc(make: Callable[..., Server], needs: Callable[..., None], forward: str) -> None:
    """As on macOS: ps and lsof answer instead."""
    needs("ps", "lsof")
    server = make(forward=forward)
    elsewhere(server, "/nowhere/")
    child, said = server.up()
    assert "started" in said
    _, said = server.up()
    assert "already running" in said
    assert server.status()["state"] == "running"
    assert server.status()["sessions"] == 2
    killed = server.call("kill")
    assert killed.returncode == 0, killed.stdout
    assert ended(child) == (0, f"nbssh: JupyterLab on {HOST} was stopped\n")


# --- the guard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shell", "proc"), [*((shell, "/proc/") for shell in SHELLS), ("dash", "/nowhere/")])
def test_the_connection_to_a_port_ends_with_its_server(
    make: Callable[..., Server], needs: Callable[..., None], shell: str, proc: str
) -> None:
    needs("ps", "lsof")
    server = make(shell, forward="tcp")
    elsewhere(server, proc)
    # what serves a connection goes on when the session has ended: a page uses the tunnel
    sshd = server.root / "bin/sshd"
    sshd.symlink_to("/usr/bin/dash")
    connection = subprocess.Popen(
        [sshd, "-c", '"$@"; read -r _', "sshd", *server.command("launch")],
        env=server.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    server.children.append(connection)
    server.up(connection)
    session = next(pid for pid in server.processes() if stat_of(pid)[1] == str(connection.pid))
    os.kill(session, signal.SIGINT)
    wait_until(
        lambda: (server.run_dir / f"guard.{connection.pid}").exists() and not is_running(session), "the guard alone"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        connection.wait(4)
    os.kill(server.pid, signal.SIGKILL)
    assert connection.wait(20) == -signal.SIGTERM
    wait_until(lambda: not server.processes(), "no process")
    assert not list(server.run_dir.glob("guard.*"))


# --- remove ----------------------------------------------------------------------------------------------------------


def test_remove_stops_what_runs(server: Server) -> None:
    child, _ = server.up()
    removed = server.remove()
    assert removed.returncode == 0
    assert removed.stdout.startswith("nbssh: stopped JupyterLab on ")
    assert removed.stdout.count("\n") == 1
    assert ended(child)[0] == 0
    assert tree(server.home) == {".local", ".local/share", ".local/state"}


def test_remove_follows_no_link(one: Server) -> None:
    precious = one.root / "precious"
    one.data.rename(precious)
    one.data.symlink_to(precious)
    removed = one.remove()
    assert f"nbssh: left: {one.data} on {HOST} is a symbolic link" in removed.stdout
    assert (precious / "profile").exists()


@pytest.mark.parametrize("what", ["data", "state", "name"])
def test_remove_refuses_other_places(one: Server, what: str) -> None:
    one.model |= {what: str(one.home) if what != "name" else ".."}
    removed = one.remove()
    assert removed.returncode == 1
    assert (one.data / "profile").exists()


def test_a_torn_remove_does_nothing(one: Server) -> None:
    script = one.removing()
    torn = subprocess.run(
        one.shell,
        input=script[: script.rindex("remove </dev/null")],
        env=one.env,
        text=True,
        check=False,
        capture_output=True,
    )
    assert torn.stdout == ""
    assert (one.data / "profile").exists()


# --- the real Jupyter ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_the_real_jupyterlab(make: Callable[..., Server], forward: str) -> None:
    if not (BIN / "jupyter-lab").exists():
        pytest.skip("not installed: jupyterlab")
    server = make(forward=forward, jupyter=str(BIN / "jupyter-lab"), start_timeout=60)
    app = {
        "allow_root": True,
        "ip": "127.0.0.1",
        "open_browser": False,
        "port": server.model["remote_port"] or 8888,
        "port_retries": 0,
        **({"sock": server.socket, "sock_mode": "0600"} if server.socket else {}),
    }
    server.configure({"ServerApp": app, "IdentityProvider": {"token": "secret"}})
    child, said = server.up()
    assert said.startswith("nbssh: JupyterLab (server 2.")
    pid = server.pid
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    assert command[1:] == [str(BIN / "jupyter-lab").encode(), b""]
    assert server.status()["version"].startswith("2.")
    killed = server.call("kill")
    assert killed.stdout == f"nbssh: stopped JupyterLab on {HOST} (pid {pid})\n"
    assert ended(child)[0] == 0

    child, _ = server.up()
    os.kill(server.pid, signal.SIGTERM)
    assert ended(child) == (0, f"nbssh: JupyterLab on {HOST} was shut down\n")
    assert not server.processes()


def test_a_laptop_that_shares_the_home_hears_once_of_the_folders_that_stay(server: Server) -> None:
    made, note = [server.home / ".local", server.home / ".local/state"], server.state.parent / ".folders"
    note.parent.mkdir(parents=True)
    note.touch()
    (server.share / ".made").write_text("".join(f"{folder}\n" for folder in made))
    (server.share / "other").mkdir()
    assert server.remove().stdout == ""
    assert note.read_text() == ""
    (server.share / "other").rmdir()
    assert server.remove().stdout == ""
    assert not server.share.exists()
    assert note.read_text().split("\0") == [str(made[1]), str(made[0]), ""]
