"""The test bed itself: what the other tests take for granted about it."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from typing import TYPE_CHECKING

import bed as beds
import pytest
from ports import PortsOfNames, free_port, only_user_of
from serving import detach, fake_jupyter, kill, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

SHELLS = (
    "/bin/sh",
    "/bin/bash",
    "/usr/bin/zsh",
    "/usr/bin/fish",
    "/usr/bin/tcsh",
    "/usr/bin/mksh",
    "/usr/bin/ksh",
)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_login_has_its_own_home_shell_and_environment(make_bed: Callable[..., Bed], shell: str) -> None:
    beds.needs(shell)
    bed = make_bed(shell=shell)
    bed.env["SECRET"] = "of the laptop"
    done = bed.on_server("pwd; echo $SHELL; env | grep -c -e SECRET -e BROWSER; cat")
    assert done.stdout.splitlines() == [str(bed.remote_home), shell, "0"], done.stderr


def test_a_login_reads_no_file_of_the_real_home(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["ForceCommand echo $HOME"])  # run by the shell that would read it, before ours
    assert bed.on_server("").stdout == f"{bed.server.folder}\n"


@pytest.mark.parametrize("listen", [False, True])
def test_standard_input_passes_and_a_status_comes_back(make_bed: Callable[..., Bed], listen: bool) -> None:  # noqa: FBT001
    bed = make_bed(listen=listen)
    done = bed.run("ssh", "box", "cat; exit 7", stdin="through\n")
    assert (done.stdout, done.returncode) == ("through\n", 7), done.stderr


def test_a_terminal_is_one_on_the_server_too(bed: Bed) -> None:
    child = bed.ssh("-t", "box", "tty; stty size")
    child.expect(r"/dev/pts/\d+\r\n40 160\r\n")
    child.expect_exact(beds.pexpect.EOF)


def test_lines_of_sshd_config_win(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["AllowTcpForwarding no", "Banner /etc/hostname"])
    port = free_port()
    done = bed.run("ssh", "-o", "ExitOnForwardFailure=yes", "-W", f"127.0.0.1:{port}", "box")
    assert "administratively prohibited" in done.stderr
    assert beds.Path("/etc/hostname").read_text().strip() in done.stderr


def test_the_jupyter_of_the_bed_answers_as_the_one_that_it_stands_for(bed: Bed) -> None:
    real, ours = (
        subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        for program in (beds.BIN / "jupyter-lab", bed.jupyter)
    )
    assert ours == real


def test_a_process_that_stays_is_found_and_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beds, "GRACE", 0.3)
    with pytest.raises(pytest.fail.Exception, match="sleep 987"), beds.bed() as bed:
        pid = int(bed.on_server("nohup sleep 987 >/dev/null 2>&1 & echo $!").stdout)
    beds.until(lambda: not beds.Path(f"/proc/{pid}/cwd").exists(), "the test bed ends what it found")


def test_a_needed_tool_that_is_missing_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beds, "CI", True)
    with pytest.raises(pytest.fail.Exception, match="no-such-tool"):
        beds.needs("sh", "no-such-tool")
    monkeypatch.setattr(beds, "CI", False)
    with pytest.raises(pytest.skip.Exception):
        beds.needs("sh", "no-such-tool")


def test_what_cannot_exist_here_is_skipped_in_ci_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beds, "CI", True)
    with pytest.raises(pytest.skip.Exception, match="not applicable: no such Jupyter"):
        beds.not_applicable("no such Jupyter")


def test_home_is_a_scratch_one() -> None:
    assert os.environ["HOME"].startswith("/tmp/nbh")


def test_a_free_port_is_ours_and_can_be_listened_on() -> None:
    port = free_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="Address already in use"):
        stranger.bind(("127.0.0.1", port))
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED, "it is held and nobody listens"
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port), timeout=beds.GRACE):
        pass


def test_a_free_port_is_not_one_that_the_system_gives_away() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    first = int(beds.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < first, "an outgoing connection of another test could take it before it is used"


def test_what_a_test_starts_can_be_interrupted_although_the_run_itself_is_a_background_job() -> None:
    program = "import conftest, os; os.execvp('grep', ['grep', 'SigIgn', '/proc/self/status'])"
    script = 'trap "" INT QUIT; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "-", sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(beds.REPOSITORY / "tests")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ignored = int(done.stdout.split()[1], 16)
    assert not ignored & (1 << signal.SIGINT - 1 | 1 << signal.SIGQUIT - 1)


def test_who_got_the_port_of_a_name_waits_until_another_run_has_left_it(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.nbssh("add", "box", "--yes", "--token", "--jupyter", str(fake_jupyter(bed)))
    port = tomllib.loads((bed.local_home / ".config/nbssh/profiles/box.toml").read_text())["port"]
    program = (
        f"import socket, sys; from ports import only_user_of\n"
        f"with only_user_of('port-{port}'), socket.create_server(('127.0.0.1', {port})):\n"
        f"    print(flush=True); sys.stdin.read()"
    )
    command, env = [sys.executable, "-c", program], os.environ | {"PYTHONPATH": str(beds.REPOSITORY / "tests")}
    other = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin
    assert other.stdout
    assert other.stdout.readline() == b"\n"
    waited = []

    def leave(tenth: float) -> None:  # again where a third run was quicker
        waited.append(port)
        other.communicate() if other.poll() is None else time.sleep(tenth)

    monkeypatch.setattr("ports.pause", leave)
    detach(start(bed))
    assert {*waited} == {port}
    kill(bed)


def test_who_has_the_port_of_a_name_does_not_wait_for_ever_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two could wait for one another."""
    waited: list[float] = []
    monkeypatch.setattr("ports.pause", waited.append)
    monkeypatch.setattr(PortsOfNames, "_held", set())
    monkeypatch.setattr("ports.OF_NAMES", {1, 2})  # of no other run
    with only_user_of("port-2"), PortsOfNames() as ports:
        for port in (1, 2):
            (tmp_path / f"{port}.toml").write_text(f"port = {port}\n")
            ports.hold(tmp_path)
    assert sum(waited) == pytest.approx(60)
