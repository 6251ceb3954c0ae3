"""`nbssh kill`: stops what runs there, and says what it did."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pexpect
from bed import is_running, until
from serving import add, close_tunnel, detach, end, server_pid, start

if TYPE_CHECKING:
    from bed import Bed


def test_nothing_that_runs_is_success(bed: Bed) -> None:
    add(bed)
    assert bed.nbssh("kill", "box").stdout == "nbssh: not running\n"


def test_the_server_ends_and_an_open_session_says_so(bed: Bed) -> None:
    add(bed)
    session = start(bed)
    pid = server_pid(bed)
    assert f"(pid {pid})" in bed.nbssh("kill", "box").stdout
    session.expect_exact("was stopped")
    session.expect(pexpect.EOF)
    assert session.wait() == 0
    until(lambda: not is_running(pid), "the server ends")


def test_a_profile_beside_it_runs_on(bed: Bed) -> None:
    add(bed)
    other = bed.remote_home / "bin/jupyter-lab"
    bed.nbssh("add", "other", "box", "--yes", "--token", "--jupyter", str(other))
    detach(start(bed))
    pid = server_pid(bed)
    assert bed.nbssh("kill", "other").stdout == "nbssh: not running\n"
    assert is_running(pid)
    bed.nbssh("kill", "box")
    until(lambda: not is_running(pid), "the server ends")
    close_tunnel(bed)


def test_a_record_of_a_dead_server_hits_nobody(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    end(server_pid(bed))
    assert bed.nbssh("kill", "box").stdout == "nbssh: not running\n"
    assert is_running(os.getpid())
    close_tunnel(bed)


def test_an_unknown_profile_is_told(bed: Bed) -> None:
    done = bed.run("nbssh", "kill", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no profile 'nope'" in done.stderr
