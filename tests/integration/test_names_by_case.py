"""Profiles that differ only in case are refused by every command: macOS and Windows have one file for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.paths import Paths
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    paths = Paths(tmp_path)
    paths.profiles_dir.mkdir(parents=True)
    for name, port in (("Box", 8888), ("box", 8889), ("other", 8890)):
        paths.profile(name).write_text(f'destination = "box"\nport = {port}\n')
    return paths


@pytest.mark.parametrize("wanted", [[], ["box"], ["other", "Box"]])
def test_twins_are_refused(twins: Paths, wanted: list[str]) -> None:
    with pytest.raises(NbsshError, match="'Box' and 'box' differ only in case"):
        store.select(twins, wanted)


def test_another_profile_is_not_their_business(twins: Paths) -> None:
    assert store.load(twins, "other").port == 8890
    assert list(store.select(twins, ["other"])) == ["other"]


def test_a_name_in_another_case_is_no_profile(twins: Paths) -> None:
    with pytest.raises(NbsshError) as caught:
        store.load(twins, "OTHER")
    assert caught.value.hint == "did you mean 'other'?"


def test_every_command_says_so_and_remove_repairs_it(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--yes", "--token")
    profiles = bed.local_home / ".config" / "nbssh" / "profiles"
    (profiles / "Box.toml").write_text('destination = "box"\nport = 9999\n')
    for words in (
        ["list"], ["show", "box"], ["apply", "--offline"], ["diff", "--offline", "Box"], ["edit", "box", "--offline"],
        ["url", "box"], ["passwd", "box", "--token", "--offline"], ["status"], ["kill", "Box"], ["open", "box"],
    ):  # fmt: skip
        done = bed.run("nbssh", *words)
        assert done.returncode == 1, words
        assert "'Box' and 'box' differ only in case" in done.stderr, words
    assert "differs only in case" in bed.run("nbssh", "add", "BOX", "--offline", "--yes", "--token").stderr
    bed.nbssh("remove", "Box", "--offline")
    assert "box" in bed.nbssh("list").stdout
