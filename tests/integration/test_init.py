"""`nbssh init`: the one line at the top of ~/.ssh/config, asked for, added once, taken out by uninstall."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pexpect
import pytest
from dotfiles import CONFIG, Laptop

from nbssh.core.ssh.include import INCLUDE

if TYPE_CHECKING:
    from bed import Bed


def test_it_adds_its_lines_at_the_top_and_keeps_every_byte(laptop: Laptop) -> None:
    before = laptop.answers()
    laptop.done("init", "--yes")
    text = laptop.config.read_bytes()
    assert text.endswith(CONFIG)
    assert text.count(INCLUDE) == 1
    assert stat.S_IMODE(laptop.config.stat().st_mode) == 0o600
    assert laptop.answers() == before
    laptop.done("uninstall", "--yes")
    assert laptop.config.read_bytes() == CONFIG


def test_twice_is_nothing(laptop: Laptop) -> None:
    laptop.done("init", "--yes")
    before = laptop.config.stat()
    done = laptop.nbssh("init")
    assert (done.returncode, done.stderr) == (0, "nbssh: ssh reads the files of nbssh already\n")
    assert laptop.config.stat().st_mtime_ns == before.st_mtime_ns


def test_print_shows_the_lines_and_writes_nothing(laptop: Laptop) -> None:
    done = laptop.nbssh("init", "--print")
    assert INCLUDE.decode() in done.stdout
    assert laptop.config.read_bytes() == CONFIG


def test_without_a_terminal_nobody_is_asked(laptop: Laptop) -> None:
    done = laptop.nbssh("init")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert laptop.config.read_bytes() == CONFIG


@pytest.mark.parametrize(
    ("answer", "added"),
    [("n", False), ("", True), ("y", True), ("\x04", False), ("what?\nNo", False), ("yeah\nYES", True)],
)
def test_a_person_decides(bed: Bed, answer: str, added: bool) -> None:  # noqa: FBT001  parametrized
    before = bed.ssh_config.read_bytes()
    child = bed.spawn("nbssh", "init")
    child.expect_exact("[Y/n]")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    assert child.wait() == (0 if added else 1)
    assert (INCLUDE in bed.ssh_config.read_bytes()) is added
    assert bed.ssh_config.read_bytes().endswith(before)
