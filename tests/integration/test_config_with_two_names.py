"""A ~/.ssh/config with a second name (a hard link) is left alone, and what to paste is said."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from serving import free_port

if TYPE_CHECKING:
    from bed import Bed


@pytest.mark.parametrize("words", [("init", "--yes"), ("add", "box", "--offline", "--token", "--yes")])
def test_it_is_refused_with_the_line_to_paste(bed: Bed, words: tuple[str, ...]) -> None:
    twin = bed.local_home / "dotfiles-config"
    os.link(bed.ssh_config, twin)
    before = twin.read_bytes()
    more = ("--port", str(free_port())) if words[0] == "add" else ()
    done = bed.run("nbssh", *words, *more)
    assert done.returncode == 1
    assert "has 2 names (hard links)" in done.stderr
    assert "Include nbssh.d/*.conf" in done.stderr
    assert "nothing was changed" in done.stderr
    assert twin.read_bytes() == before == bed.ssh_config.read_bytes()
    assert twin.stat().st_ino == bed.ssh_config.stat().st_ino
    assert not (bed.local_home / ".ssh/nbssh.d").exists()


def test_uninstall_leaves_the_line_and_says_so(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    twin = bed.local_home / "dotfiles-config"
    os.link(bed.ssh_config, twin)
    before = twin.read_bytes()
    done = bed.nbssh("uninstall", "--offline", "--yes")
    assert "take the Include line out by the way you manage that file" in done.stderr
    assert twin.read_bytes() == before == bed.ssh_config.read_bytes()
    assert not (bed.local_home / ".ssh/nbssh.d").exists()
