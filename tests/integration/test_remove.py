"""`nbssh remove` and `nbssh uninstall`: what nbssh made goes, here and there, and nothing else does."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from bed import is_running, until
from ports import free_port
from serving import add, detach, fake_jupyter, server_pid, start, tree

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


def folders(bed: Bed) -> set[Path]:
    return {path for home in (bed.local_home, bed.remote_home) for path in home.rglob("*") if path.is_dir()}


def test_both_leave_nothing(bed: Bed) -> None:
    before, folders_before = tree(bed.local_home, bed.remote_home), folders(bed)
    config = bed.ssh_config.read_bytes()
    add(bed, jupyter=bed.jupyter)
    removed = bed.nbssh("remove", "box")
    assert removed.stderr == "nbssh: 'box' is removed\n"
    assert [path for path in bed.remote_home.rglob("*") if "nbssh" in path.name] == []
    bed.nbssh("uninstall", "--yes")
    assert bed.ssh_config.read_bytes() == config
    after = tree(bed.local_home, bed.remote_home)
    assert {path for path in after if "nbssh" in path} == set()
    assert {path: text for path, text in after.items() if path in before} == before
    assert folders(bed) == folders_before


def test_folders_that_were_there_stay_and_those_with_a_file_of_hers(bed: Bed) -> None:
    empty = {bed.local_home / ".config", bed.remote_home / ".local/share"}
    for folder in empty:
        folder.mkdir(parents=True)
    jupyter = fake_jupyter(bed)
    before = folders(bed)
    add(bed, jupyter=jupyter)
    hers = {bed.local_home / ".local/mine", bed.remote_home / ".local/state/mine"}
    for file in hers:
        file.touch()
    bed.nbssh("uninstall", "--yes")
    assert [file for file in hers if not file.exists()] == []
    assert folders(bed) == before | {file.parent for file in hers}


def test_a_home_that_laptop_and_host_share_is_left_as_it_was(bed: Bed) -> None:
    home = bed.remote_home
    (bed.local_home / ".ssh").rename(home / ".ssh")
    bed.env |= {"HOME": str(home), "NBSSH_SSH_COMMAND": f"ssh -F {home}/.ssh/config"}
    for ending in (["remove", "box"], []):
        before = tree(home), folders(bed)
        bed.nbssh("add", "box", "--yes", "--token", "--port", str(free_port()), "--jupyter", str(bed.jupyter))
        if ending:
            bed.nbssh(*ending)
        bed.nbssh("uninstall", "--yes")
        assert (tree(home), folders(bed)) == before


def test_without_a_note_of_them_folders_above_stay(bed: Bed) -> None:
    add(bed)
    for note in (bed.local_home / ".local/state/nbssh/.folders", bed.remote_home / ".local/share/nbssh/.made"):
        note.unlink()
    bed.nbssh("uninstall", "--yes")
    for home in (bed.local_home, bed.remote_home):
        assert (home / ".local/state").is_dir()
        assert [path for path in home.rglob("*") if "nbssh" in path.name] == []


def test_a_jupyter_that_runs_is_stopped_first(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    pid = server_pid(bed)
    bed.nbssh("remove", "box")
    until(lambda: not is_running(pid), "the server ends")
    assert bed.tell_master("check").returncode != 0
    assert [path for path in bed.remote_home.rglob("*") if "nbssh" in path.name] == []


def test_uninstall_takes_all_profiles_and_their_servers(bed: Bed) -> None:
    config = bed.ssh_config.read_bytes()
    add(bed)
    bed.nbssh("add", "other", "box", "--offline", "--yes", "--token")
    detach(start(bed))
    pid = server_pid(bed)
    bed.nbssh("uninstall", "--yes")
    until(lambda: not is_running(pid), "the server ends")
    assert bed.ssh_config.read_bytes() == config
    assert [path for path in bed.local_home.rglob("*") if "nbssh" in path.name] == []
    assert [path for path in bed.remote_home.rglob("*") if "nbssh" in path.name] == []
    assert json.loads(bed.nbssh("list", "--json").stdout)["profiles"] == []


def test_an_unreachable_server_is_no_reason_to_leave_local_files(bed: Bed) -> None:
    add(bed)
    config = bed.ssh_config.read_text()
    bed.ssh_config.write_text(config.replace("/usr/sbin/sshd -i", "/bin/false"))
    done = bed.nbssh("remove", "box")
    assert "still holds ~/.local/share/nbssh/box and ~/.local/state/nbssh/box" in done.stderr
    assert not (bed.local_home / ".ssh/nbssh.d/box.conf").exists()
    assert not (bed.local_home / ".config/nbssh").exists()
    # what it says does that by hand, when the host is back
    bed.ssh_config.write_text(config)
    command = done.stderr.partition("take its files away, for all laptops: ssh ")[2].splitlines()[0]
    assert bed.run("ssh", *shlex.split(command)).returncode == 0
    assert not (bed.remote_home / ".local/share/nbssh/box").exists()
    assert not (bed.remote_home / ".local/state/nbssh/box").exists()


def test_an_unknown_profile_is_told_and_nothing_goes(bed: Bed) -> None:
    add(bed)
    before = tree(bed.local_home, bed.remote_home)
    done = bed.run("nbssh", "remove", "bxo")
    assert done.returncode == 1
    assert "there is no profile 'bxo'" in done.stderr
    assert tree(bed.local_home, bed.remote_home) == before
