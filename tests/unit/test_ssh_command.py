"""The ssh that speaks to a master alone: whatever calls ssh stays, its own options do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbssh.adapters.ssh.client import Ssh


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("ssh", "ssh"),
        ("ssh -F other/config -v", "ssh"),
        ("/opt/openssh/bin/ssh -i ssh", "/opt/openssh/bin/ssh"),
        ("sshpass -p x ssh -F other/config", "sshpass -p x ssh"),
        ("sshpass -p ssh ssh", "sshpass -p ssh ssh"),
        ("env LANG=C ssh -4", "env LANG=C ssh"),
        ("my-client -4", "my-client"),
    ],
)
def test_what_calls_ssh_stays(command: str, kept: str) -> None:
    through = Ssh(tuple(command.split())).through(Path("/tmp/ctl"))
    assert through == [
        *kept.split(),
        "-F",
        "none",
        "-S",
        str(Path("/tmp/ctl")),
        "-oControlMaster=no",
        "-oProxyCommand=false",
    ]
