"""The ssh that speaks to a master alone: whatever calls ssh stays, its own options do not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nbssh.adapters.programs import process
from nbssh.adapters.programs.process import Finished
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
        ("sh /opt/my-client -F other/config -4", "sh /opt/my-client"),
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


def test_profiles_that_are_looked_at_at_once_ask_for_its_version_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the aliases of each hang on it."""
    ssh = Ssh(("the-ssh-of-this-test",))
    calls: list[list[str]] = []
    said: list[str] = []
    other = threading.Thread(target=lambda: said.append(ssh.version()))

    def run(argv: list[str], **_: object) -> Finished:
        calls.append(argv)
        if len(calls) == 1:
            other.start()
            other.join(0.2)  # it waits for us, or it asks, too
        return Finished(0, b"", b"OpenSSH_9.5p1\r\n")

    monkeypatch.setattr(process, "run", run)
    assert ssh.version() == "OpenSSH_9.5p1"
    other.join()
    assert said == ["OpenSSH_9.5p1"]
    assert len(calls) == 1
