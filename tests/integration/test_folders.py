"""A folder on the host that cannot be written is told at add and at doctor, with what stands in the way."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from bed import needs_root, unix_user
from serving import add, fake_program, tree

from nbssh.core.files.render import render
from nbssh.steps.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

ADD = ("nbssh", "add", "box", "--token", "--yes")


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (lambda state: state.write_text("mine"), "is no folder", "mv "),
        (lambda state: state.symlink_to("/no/where"), "is a link that leads nowhere", "ls -l "),
    ],
    ids=["a file", "a link"],
)
def test_something_else_in_its_place(bed: Bed, make: Callable[[object], object], message: str, hint: str) -> None:
    state = bed.remote_home / ".local/state"
    state.parent.mkdir()
    make(state)
    before = tree(bed.remote_home)
    done = bed.run(*ADD, "--jupyter", str(bed.jupyter), "--forward", "tcp")
    assert done.returncode == 1
    assert f"{state} on " in done.stderr
    assert message in done.stderr
    assert hint in done.stderr
    assert tree(bed.remote_home) == before
    assert not (bed.local_home / ".config/nbssh/profiles/box.toml").exists()
    state.unlink()
    add(bed)
    if state.exists():
        state.rename(bed.remote_home / "was")
    make(state)
    checked = bed.run("nbssh", "doctor", "box")
    assert checked.returncode == 1
    assert message in " ".join(checked.stdout.split())


def test_a_folder_that_goes_while_it_is_looked_at_is_no_link(tmp_path: Path) -> None:
    state, ls = tmp_path / "state", tmp_path / "bin/ls"
    state.mkdir()
    ls.parent.mkdir()
    ls.write_text('#!/bin/sh\nrmdir "$2"\nexec /bin/ls "$@"\n')
    ls.chmod(0o755)
    script = render(Folders(folders=[str(state / "nbssh")]))
    env = {"PATH": f"{ls.parent}:/usr/bin:/bin"}
    assert subprocess.run(["dash"], input=script, env=env, text=True, stdout=subprocess.PIPE, check=True).stdout == ""


def added_by(bed: Bed) -> subprocess.CompletedProcess[str]:
    """Run `add` with a Jupyter that every user there can run."""
    program = bed.remote_home / "jupyter-lab"
    program.write_text(fake_program("/usr/bin/python3"))
    program.chmod(0o755)
    return bed.run(*ADD, "--jupyter", str(program))


def test_a_folder_of_somebody_else(make_bed: Callable[..., Bed]) -> None:
    needs_root()
    with unix_user("/bin/bash") as user:
        bed = make_bed(user=user)
        state = bed.remote_home / ".local/state"
        state.mkdir(parents=True)  # as root, by a careless sudo
        state.chmod(0o755)
        done = added_by(bed)
        assert done.returncode == 1
        assert f"{bed.remote_home}/.local" in done.stderr
        assert "cannot be written: it belongs to root" in done.stderr
        assert "sudo chown -R" in done.stderr


def test_a_folder_of_hers_that_she_closed_herself(make_bed: Callable[..., Bed]) -> None:
    needs_root()
    with unix_user("/bin/bash") as user:
        bed = make_bed(user=user)
        state = bed.remote_home / ".local/state"
        state.mkdir(parents=True)
        for folder in (state.parent, state):
            shutil.chown(folder, user, user)
        state.chmod(0o555)
        done = added_by(bed)
        assert done.returncode == 1
        assert f"{state} on " in done.stderr
        assert "cannot be written: it is yours, but its mode is dr-xr-xr-x" in done.stderr
        assert f"there: chmod u+rwx {state}" in done.stderr
