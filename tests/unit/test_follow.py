"""What ssh says while it logs in: each line is told once, as it comes or by what says that ssh ended with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbssh.adapters.ssh import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def test_a_line_is_shown_while_ssh_waits_and_the_one_it_ends_with_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SECONDS", 0.001)
    said, shown, come = ["Permission denied, please try again."], list[str](), threading.Event()

    def show(lines: Sequence[str]) -> None:
        shown.extend(lines)
        if lines:
            come.set()

    with follow.followed(lambda: said, show) as rest:
        assert come.wait(30)
    assert (shown, list(rest())) == (said, [])

    shown.clear()
    monkeypatch.setattr(follow, "SECONDS", 3600.0)
    with follow.followed(lambda: said, show) as rest:
        pass
    assert (shown, list(rest())) == ([], said)
    said.append("Permission denied (publickey,password).")
    with follow.followed(lambda: said, show) as rest:
        pass
    assert (shown, list(rest())) == (said[:1], said[1:])


def test_what_only_our_log_level_adds_is_for_nobody() -> None:
    said = """\
Warning: Permanently added 'box' (ED25519) to the list of known hosts.
Authenticated using "publickey" with partial success.
Authenticated to box ([10.0.0.5]:22) using "password".
Learned new hostkey: RSA SHA256:mc9kzKHiLW2F6Qvo6rI6596AfsnyIG5SX6KKyuYGknQ
Deprecating obsolete hostkey: ECDSA SHA256:gP8kRzt2xtukXd
Adding new key for box,10.0.0.5 to /home/me/.ssh/known_hosts: ssh-rsa SHA256:mc9kzKHiLW2F6Qvo6rI6596AfsnyIG5SX6KKyuYGknQ
Fixing match (hostname) for box to /home/me/.ssh/known_hosts: ssh-rsa SHA256:mc9kzKHiLW2F6Q
/home/me/.ssh/known_hosts:3: Removed ECDSA key for host box
Permission denied, please try again.
Transferred: sent 3596, received 4512 bytes, in 0.9 seconds
Connection to box closed by remote host.
""".splitlines()
    assert [line for line in said if follow.is_for_people(line)] == [said[0], said[8]]
