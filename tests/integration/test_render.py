"""`nbssh render`: files for two homes, carried there by hand to a server that nbssh never contacts, and they work."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest
from bed import until
from ports import free_port
from serving import api, detach, fake_jupyter, kill, named, start

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


def render(bed: Bed, *words: str) -> Path:
    """Run `nbssh render box`, and return its folder; nothing else may have changed, here or there."""
    folder = bed.folder / "carried"
    before = tree(bed.local_home), tree(bed.remote_home)
    log = bed.server.log.read_text() if bed.server.log.exists() else ""
    secret = [] if "--token" in words or "--again" in words else ["--password-stdin"]
    words = tuple(word for word in words if word != "--again")
    bed.nbssh("render", "box", *words, "--to", str(folder), *secret, stdin="pw\n")
    assert (tree(bed.local_home), tree(bed.remote_home)) == before
    assert (bed.server.log.read_text() if bed.server.log.exists() else "") == log
    return folder


def tree(root: Path) -> dict[str, tuple[str, bytes]]:
    return {
        str(path.relative_to(root)): (f"{stat.S_IMODE(path.stat().st_mode):04o}", path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    }


def carry(bed: Bed, folder: Path) -> None:
    """Do what the README in the folder says."""
    said = (folder / "README").read_text()
    here, there = (re.search(rf"^{line}\..*?: +(s?cp .*)$", said, re.MULTILINE) for line in (1, 2))
    assert here
    assert there
    # -O: the bed's home on the server is not that of the password database, where its sftp would begin
    scp = f"scp -O -F {bed.ssh_config} {there[1].removeprefix('scp ')}"
    for command in (here[1], scp):
        done = bed.run("sh", "-c", f"umask 022; {command}", cwd=folder)
        assert done.returncode == 0, done.stderr
    assert "Include nbssh.d/*.conf" in said
    bed.ssh_config.write_text("Include nbssh.d/*.conf\n" + bed.ssh_config.read_text())


@pytest.mark.parametrize("home", ["", "known", "socket"])
def test_what_is_carried_over_by_hand_works(bed: Bed, home: str) -> None:
    port = free_port()
    fake_jupyter(bed)
    (bed.remote_home / ".profile").write_text("PATH=$HOME/bin:$PATH\n")  # where it is found at run time
    (bed.remote_home / "work").mkdir()
    words = ["--home", str(bed.remote_home)] if home else []
    words += ["--forward", "socket"] if home == "socket" else []
    folder = render(bed, "--port", str(port), "--dir", "work", "--remote-port", str(free_port()), *words)
    for path in folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() or path.read_bytes().startswith(b"#!") else 0o600), path
    assert {path.name for path in folder.iterdir()} == {"laptop", "server", "README"}
    assert len((folder / "README").read_text().splitlines()) <= 12
    carry(bed, folder)
    session = start(bed)
    until(lambda: bed.opened == [f"http://127.0.0.1:{port}/"], "the browser is called")
    assert "version" in api(port)
    seen = json.loads((bed.remote_home / "seen.json").read_text())
    assert seen["cwd"] == str(bed.remote_home / "work")
    detach(session)
    again = start(bed)
    assert "is already running on" in str(again.before)
    detach(again)
    assert "stopped" in kill(bed)
    # nbssh knows it, and goes on with it
    before = tree(bed.local_home / ".ssh")
    bed.nbssh("apply", "--offline")
    assert tree(bed.local_home / ".ssh") == before
    found = bed.run("nbssh", "doctor", "--offline", "box")
    assert (found.returncode, "error" in found.stdout) == (0, False), found.stdout
    bed.nbssh("apply", "box", "--yes")
    assert bed.nbssh("diff").stdout == ""
    assert bed.run("nbssh", "apply", "--check").returncode == 0
    bed.nbssh("remove", "box", "--yes")
    assert not [path for path in bed.remote_home.rglob("*nbssh*") if "box" in str(path)]


@pytest.mark.parametrize("command", [("remove", "box"), ("uninstall",)])
def test_what_was_carried_over_is_removed_there_too(bed: Bed, command: tuple[str, ...]) -> None:
    fake_jupyter(bed)
    (bed.remote_home / ".profile").write_text("PATH=$HOME/bin:$PATH\n")
    config = bed.ssh_config.read_text()
    carry(bed, render(bed, "--port", str(free_port()), "--remote-port", str(free_port())))
    session = start(bed)
    detach(session)
    bed.tell_master("exit")
    done = bed.nbssh(*command, "--yes")
    assert "stopped" in done.stderr, done.stderr
    assert not list(bed.remote_home.rglob("*nbssh*"))
    assert named(bed, "jupyter-lab") == []
    # a hand put the line there
    assert bed.ssh_config.read_text().removeprefix("Include nbssh.d/*.conf\n") == config


def test_without_the_host_remove_tells_what_is_still_there(bed: Bed) -> None:
    carry(bed, render(bed, "--port", str(free_port())))
    done = bed.nbssh("remove", "box", "--offline")
    assert "box still holds ~/.local/share/nbssh/box and ~/.local/state/nbssh/box, carried over by hand" in done.stderr
    assert (bed.remote_home / ".local/share/nbssh/box").is_dir()
    bed.nbssh("add", "box", "--offline", "--token", "--yes")
    assert bed.nbssh("remove", "box").stderr == "nbssh: 'box' is removed\n"


def test_a_profile_that_is_there_is_rendered_as_it_is(bed: Bed) -> None:
    port = free_port()
    bed.nbssh("add", "box", "--token", "--yes", "--port", str(port), "--jupyter", str(fake_jupyter(bed)))
    here, there = tree(bed.local_home), tree(bed.remote_home)
    folder = render(bed, "--again")
    for side, whole in (("laptop", here), ("server", there)):
        files = tree(folder / side)
        assert files == {path: whole[path] for path in files}
    assert set(tree(folder / "server")) == {path for path in there if "/share/nbssh/" in path} - {
        ".local/share/nbssh/.made"
    }
    assert bed.nbssh("diff").stdout == ""


def test_it_writes_into_no_folder_that_is_used_and_nothing_that_ssh_would_expand(bed: Bed) -> None:
    used = bed.folder / "used"
    used.mkdir()
    (used / "mine").write_text("")
    done = bed.run("nbssh", "render", "box", "--to", str(used), "--token")
    assert (done.returncode, "is not empty" in done.stderr) == (1, True)
    new = str(bed.folder / "new")
    assert bed.run("nbssh", "render", "box", "--to", new, "--token", "--home", "/a b").returncode == 2
    done = bed.run("nbssh", "render", "box", "--to", new, "--token", "--forward", "socket")
    assert "--home" in done.stderr
    assert bed.run("nbssh", "render", "box", "--token").returncode == 2
    assert not (bed.folder / "new").exists()
