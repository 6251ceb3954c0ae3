"""What runs on the host is nobody else's to write, and what cannot be read here is not taken for empty."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from bed import needs, needs_root
from remote_helpers import HOST, SHELLS, servers
from serving import PASSWORD, add, detach, fake_jupyter, kill, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bed import Bed
    from remote_helpers import Server


@pytest.fixture
def make() -> Iterator[Callable[..., Server]]:
    with servers() as maker:
        yield maker


FOLDERS = {
    "the home": lambda server: server.home,
    "a folder above": lambda server: server.home / ".local/share",
    "the programs'": lambda server: server.program.parent,
    "the program's": lambda server: server.program,
    "the program": lambda server: server.program / "launch",
    "jupyter's config": lambda server: server.data / "config",
    "the state": lambda server: server.state,
}


def refused(server: Server) -> str:
    done = server.call("launch")
    assert done.returncode == 1, done.stdout
    assert not server.processes()
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_launch_refuses_what_somebody_else_may_write(make: Callable[..., Server], folder: str, shell: str) -> None:
    server = make(shell)
    server.state.mkdir(parents=True)
    path: Path = FOLDERS[folder](server)
    path.chmod(0o757)
    said = refused(server)
    assert f"nbssh: error: {path} on {HOST} may be written by everybody (" in said
    repair = re.search(r"hint: there: (chmod go-w .*)", said)
    assert repair
    subprocess.run(repair[1].split(), check=True)
    server.up()


def test_a_group_of_others_and_a_group_of_her_own(make: Callable[..., Server]) -> None:
    needs_root()
    server = make()
    folder = server.home / ".local"
    folder.chmod(0o775)
    child, _ = server.up()  # root's own group, as each user has one where the umask is 002
    assert server.call("kill").returncode == 0
    assert child.wait() == 0
    os.chown(folder, -1, 65534)
    assert f"{folder} on {HOST} may be written by a group (drwxrwxr-x, gid 65534)" in refused(server)


def test_a_folder_of_another_user(make: Callable[..., Server]) -> None:
    needs_root()
    server = make()
    os.chown(server.data, 65534, -1)
    assert f"{server.data} on {HOST} belongs to another user (uid 65534)" in refused(server)


def test_add_and_doctor_say_it_too(bed: Bed) -> None:
    folder = bed.remote_home / ".local"
    folder.mkdir()
    folder.chmod(0o777)
    done = bed.run(
        *("nbssh", "add", "box", "--yes", "--password-stdin", "--jupyter", str(fake_jupyter(bed))), stdin=PASSWORD
    )
    assert done.returncode == 1
    assert f"{folder} may be written by everybody (drwxrwxrwx)" in done.stderr
    assert f"nbssh: hint: there: chmod go-w {folder}" in done.stderr
    folder.chmod(0o755)
    add(bed)
    folder.chmod(0o777)
    done = bed.run("nbssh", "doctor", "box")
    assert done.returncode == 1
    assert f"{folder} may be written by everybody" in " ".join(done.stdout.split())
    assert f"chmod go-w {folder}" in done.stdout


def test_a_socket_that_a_cleaner_took_is_said_to_be_gone(bed: Bed) -> None:
    add(bed)
    session = start(bed)
    detach(session)
    (bed.remote_home / ".local/state/nbssh/box/sock").unlink()
    again = bed.ssh("box-nb")
    again.expect("was taken away, .*box/sock")
    again.expect("jupyter console --existing")
    assert "stopped" in kill(bed)


# --- "cannot read" is never "empty" ----------------------------------------------------------------------------------

INCLUDED = "Host box\n    HostName 127.0.0.1\n    Port 2222\n    User included\n"


@pytest.mark.parametrize("command", [["edit", "box"], ["passwd", "box", "--password-stdin"], ["apply", "--offline"]])
@pytest.mark.parametrize("what", ["the folder cannot be listed", "the file cannot be read"])
def test_what_cannot_be_read_leaves_the_aliases_alone(bed: Bed, command: list[str], what: str) -> None:
    needs("strace")
    more = bed.local_home / ".ssh" / "more"
    more.mkdir()
    (more / "box").write_text(bed.ssh_config.read_text())
    (more / "box").chmod(0o600)
    bed.ssh_config.write_text("Include more/*\n")
    add(bed)
    conf = bed.local_home / ".ssh" / "nbssh.d" / "box.conf"
    before = conf.read_bytes()
    assert b"UserKnownHostsFile" in before
    bed.env["EDITOR"] = "sed -i s/^port.*/port=23456/"
    call = "getdents64" if what == "the folder cannot be listed" else "read"
    place = more if call == "getdents64" else more / "box"
    trace = ["strace", "-f", "-o", "/dev/null", "-P", str(place), "-e", f"inject={call}:error=EIO"]
    python = str(bed.env["PATH"].split(":")[1] + "/python")
    done = bed.run(*trace, python, "-m", "nbssh", *command, stdin="another\n")
    assert done.returncode == 1, done.stderr
    assert conf.read_bytes() == before
