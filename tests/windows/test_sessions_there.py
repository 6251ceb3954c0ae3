"""Every command from a real Windows' Python against a real sshd and a real JupyterLab, before, in and after sessions.

ssh.exe is the bridge; see bridge.py.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pexpect
import pytest
from bed import is_running, until
from desk import Desk, desk_of_its_own
from serving import count_sessions

if TYPE_CHECKING:
    from collections.abc import Iterator


CLOSED = "Connection to "


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_of_its_own() as made:
        yield made


def test_two_sessions_and_what_is_asked_about_them(desk: Desk) -> None:
    assert "done; now type: ssh box-nb" in desk.add()
    assert desk.status()["state"] == "stopped"
    with desk.session():
        # ssh ran LocalCommand by way of cmd.exe
        told = desk.laptop.folder / "told"
        until(
            lambda: told.exists() and f'winebrowser.exe" "http://127.0.0.1:{desk.port}/"' in told.read_text(),
            "it opens",
        )
        seen = desk.status()
        assert (seen["state"], seen["tunnel"], seen["version"] is None) == ("running", True, False)
        assert "Jupyter Server" in desk.nbssh("logs", "box")
        said = desk.nbssh("open", "box", "notes/a b.ipynb")
        assert "the tunnel was open already; close it with: Ctrl-C in its terminal" in said
        until(lambda: f'"http://127.0.0.1:{desk.port}/lab/tree/notes/a%20b.ipynb"' in told.read_text(), "it opens, too")
    # the window was closed
    assert is_running(seen["pid"])
    with desk.session() as session:
        assert "is already running" in str(session.before)
        assert desk.nbssh("kill", "box") == f"nbssh: stopped JupyterLab on {seen['host']} (pid {seen['pid']})\n"
        session.expect(pexpect.EOF)
        assert "was stopped" in str(session.before)
        assert CLOSED not in str(session.before)
    until(lambda: not is_running(seen["pid"]), "Jupyter ends")


@pytest.mark.few
def test_sessions_that_are_ended_by_k_and_by_the_other_alias(desk: Desk) -> None:
    """With the oldest release, which opens no browser: any LocalCommand ends it.

    It says at the end of each, behind our last word, that it was closed; what `add` shows has no such line.
    """
    desk.laptop.env["NBSSH_BED_OPENSSH"] = "7.7"
    assert CLOSED not in desk.add()
    with desk.session() as session:
        stopped = desk.laptop.run("ssh", "box-nb-kill")
        assert stopped.returncode == 0, stopped.stderr
        pid = int(re.findall(r"\(pid (\d+)\)", stopped.stdout)[0])
        until(lambda: not is_running(pid), "Jupyter ends")
        session.expect(pexpect.EOF)
    with desk.session() as session:
        session.send("k\r")
        session.expect(pexpect.EOF)
        said = re.findall(r"nbssh: stopped|Connection to \S+ closed", str(session.before))
        assert said == ["nbssh: stopped", f"{CLOSED}127.0.0.1 closed"]
    until(lambda: not desk.answers(), "it is stopped from its own console")
    desk.nbssh("remove", "box", "--yes")
    assert not (desk.bed.remote_home / ".local/share/nbssh/box").exists()


def test_commands_that_look_at_a_host_and_change_it(desk: Desk) -> None:
    """Each with one login, where a way into the host is tried with one more."""
    sessions = count_sessions(desk.bed)
    desk.add()
    assert sessions() == 2
    found = json.loads(desk.laptop.run("nbssh", "doctor", "box", "--json").stdout)["checks"]
    assert [check for check in found if check["level"] == "error"] == []
    assert sessions() <= 2
    assert "OpenSSH_for_Windows_9.5" in found[0]["message"]
    assert desk.laptop.run("nbssh", "diff", "box").stdout == ""
    assert sessions() == 1
    desk.nbssh("apply", "--probe", "--yes", "box")
    assert sessions() <= 2
    profile = desk.bed.remote_home / ".local/share/nbssh/box/profile"
    whole = profile.read_bytes()
    profile.write_bytes(whole.replace(b"box", b"bax"))
    assert "bax" in desk.laptop.run("nbssh", "diff", "box").stdout
    desk.nbssh("apply", "--yes")
    assert profile.read_bytes() == whole
    assert desk.nbssh("kill", "box") == "nbssh: not running\n"
    assert "nothing was started there yet" in desk.nbssh("logs", "box", status=1)
    assert "a new token" in desk.nbssh("passwd", "box", "--token", "--yes")
    assert f"http://127.0.0.1:{desk.port}/?token=" in desk.nbssh("url", "box")
    assert "systemd and launchd" in desk.nbssh("unit", "box", status=1)
    sessions()
    desk.nbssh("uninstall", "--yes")
    assert sessions() == 1
    assert list((desk.bed.remote_home / ".local/share/nbssh").glob("*")) == []
    assert not (desk.laptop.home / ".ssh" / "nbssh.d").exists()
