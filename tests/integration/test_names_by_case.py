"""Profiles that differ only in case are refused by every command: macOS and Windows have one file for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.laptop.paths import Paths
from nbssh.errors import NbsshError
from nbssh.steps import profiles
from nbssh.steps.context import Context
from nbssh.wings import way_of

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    paths = Paths(tmp_path)
    paths.profiles_dir.mkdir(parents=True)
    for name, port in (("Box", 8888), ("box", 8889), ("other", 8890)):
        paths.profile(name).write_text(f'destination = "box"\nport = {port}\n')
    return Context(paths, way_of=way_of)


@pytest.mark.parametrize("wanted", [[], ["other", "box"], ["other", "Box"]])
def test_twins_are_refused_and_the_others_are_not(twins: Context, wanted: list[str]) -> None:
    targets, refused = profiles.select(twins, wanted)
    assert [target.name for target in targets] == ["other"]
    assert [failure.name for failure in refused] == (wanted[1:] or ["Box", "box"])
    assert all("'Box' and 'box' differ only in case" in failure.error.message for failure in refused)
    with pytest.raises(NbsshError, match="'Box' and 'box' differ only in case"):
        profiles.load(twins, "box")


def test_another_profile_is_not_their_business(twins: Context) -> None:
    assert profiles.load(twins, "other").profile.port == 8890


def test_a_name_in_another_case_is_no_profile(twins: Context) -> None:
    with pytest.raises(NbsshError) as caught:
        profiles.load(twins, "OTHER")
    assert caught.value.hint == "did you mean 'other'?"


def test_every_command_says_so_and_remove_repairs_it(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--yes", "--token")
    folder = bed.local_home / ".config" / "nbssh" / "profiles"
    (folder / "Box.toml").write_text('destination = "box"\nport = 9999\n')
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
