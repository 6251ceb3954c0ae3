"""Connections of our own: a person has her time to log in, a server has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbssh.adapters import connection
from nbssh.adapters.openssh import Ssh
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from bed import Bed


def slow(bed: Bed, before: str) -> None:
    """Let every login on the server begin with the shell line `before`."""
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{before}\n"))


def test_a_server_that_logs_in_and_stays_silent_is_given_up(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(bed, "sleep 5")
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    with (
        connection.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there,
        pytest.raises(NbsshError, match="box: logged in, but /bin/sh did not answer within"),
    ):
        there.run("echo there")


def test_a_first_script_that_hangs_is_given_up(bed: Bed) -> None:
    with (
        connection.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there,
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
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 1.0)
    with connection.private(Ssh(tuple(bed.ssh_command)), ["box"], "box", login_seconds=60) as there:
        assert there.run("sleep 1.5; echo there", 30) == b"there\n"
