"""Connections of our own: a person has her time to log in, a server has not."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import until
from serving import add, count_sessions

from nbssh.adapters.ssh import hearing
from nbssh.adapters.ssh import login as connecting
from nbssh.adapters.ssh.client import Ssh
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed


def slow(bed: Bed, before: str) -> None:
    """Let every login on the server begin with the shell line `before`."""
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{before}\n"))


def test_a_server_that_logs_in_and_stays_silent_is_given_up(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(bed, "sleep 5")
    monkeypatch.setattr(hearing, "ANSWER_SECONDS", 0.5)
    with (
        connecting.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there,
        pytest.raises(NbsshError, match="box: logged in, but /bin/sh did not answer within"),
    ):
        there.run("echo there")


def test_control_c_while_it_is_closed_leaves_no_master(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> None:
        with connecting.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there:
            assert there.run("echo there") == b"there\n"
            close = there.close

            def interrupted() -> None:
                os.kill(os.getpid(), signal.SIGINT)
                close()

            monkeypatch.setattr(there, "close", interrupted)

    with pytest.raises(KeyboardInterrupt):
        end()
    until(lambda: not bed.leftovers(), "the master ends")


def test_a_first_script_that_hangs_is_given_up(bed: Bed) -> None:
    with (
        connecting.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there,
        pytest.raises(NbsshError, match="box: the connection broke off: no end within 1 s"),
    ):
        there.run("sleep 5", 1)


def test_a_login_may_take_longer_than_an_answer(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    # a person types a code: the time before the login does not count, nor that of the script
    late = bed.folder / "late"
    late.write_text('#!/bin/sh\nsleep 1.5\nexec "$@"\n')
    late.chmod(0o755)
    text = bed.ssh_config.read_text()
    assert "ProxyCommand " in text
    bed.ssh_config.write_text(text.replace("ProxyCommand ", f"ProxyCommand {late} "))
    monkeypatch.setattr(hearing, "ANSWER_SECONDS", 1.0)
    with connecting.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there:
        assert there.run("sleep 1.5; echo there", 30) == b"there\n"


@pytest.mark.parametrize(("before", "sessions"), [("sleep 2", 2), ("echo Pushed to your phone; sleep 2", 1)])
def test_a_slow_login_is_made_once_more_at_most(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, before: str, sessions: int
) -> None:
    """The stdin of a silent shell is ended, for some read all of it first; one that speaks may ask for each session."""
    monkeypatch.setattr(hearing, "AWAKE_SECONDS", 0.5)
    slow(bed, before)
    counted = count_sessions(bed)
    with connecting.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there:
        for _ in range(3):
            assert there.run("echo there", 1) == b"there\n"
    assert counted() == sessions


def test_where_nobody_is_named_no_jump_host_asks_either(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(listen=True)
    add(bed)
    text = bed.ssh_config.read_text()
    head, _, box = text.partition("Host box\n")
    # a jump host whose key is not known yet, which ssh asks about on the terminal; BatchMode does not reach that ssh
    jump = box.replace(f"{bed.server.folder}/known_hosts", "/dev/null").replace("Checking yes", "Checking ask")
    assert jump != box
    bed.ssh_config.write_text(f"{head}Host box\n    ProxyJump jump\n{box}\nHost jump\n{jump}")
    silent = bed.spawn("nbssh", "status")
    assert silent.expect(["continue connecting", pexpect.EOF]) == 1
    assert "ssh could not connect" in str(silent.before)
    assert "nobody is asked unless a profile is named; see whether this works: ssh box\r\n" in str(silent.before)
    asked = bed.spawn("nbssh", "status", "box")
    asked.expect("continue connecting")
    asked.sendline("yes")
    asked.expect("stopped")
    asked.expect(pexpect.EOF)
