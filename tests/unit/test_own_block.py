"""A `Host NAME-nb` block of the user's own: what it says, which forwards it adds, and what of it has no effect."""

from __future__ import annotations

import fnmatch

import pytest

from nbssh.core.ssh.block import Block, block_of, forwards, unheeded

CONFIG = b"""\
User everybody
Host mybox-nb
  LocalForward 6006 localhost:6006
  IdentityFile "~/my key"
Host *-nb
  Port 1
Host other mybox-nb
  ForwardAgent yes
Include work.d/*
"""
FILES = {
    "/home/me/.ssh/work.d/x": b"Host mybox-nb\n  Compression yes\n",
    "/home/me/.ssh/nbssh.d/mybox.conf": b"Host mybox-nb\n  RemoteCommand ours\n",
}


class SmallDisk:
    """Two files."""

    home = "/home/me"

    def glob(self, pattern: str) -> list[str]:
        return [path for path in FILES if fnmatch.fnmatchcase(path, pattern.replace("~", self.home))]

    def read(self, path: str) -> bytes | None:
        return FILES.get(path)

    def real(self, path: str) -> str:
        return path


def block(config: bytes = CONFIG) -> Block:
    found = block_of(config, "mybox-nb", SmallDisk())
    assert found
    return found


def test_all_blocks_of_that_name_count_together() -> None:
    found = block()
    assert (found.file, found.line) == ("", 2)
    assert [line.keyword for line in found.lines] == ["localforward", "identityfile", "forwardagent", "compression"]


def test_one_in_an_included_file_counts_and_one_of_ours_does_not() -> None:
    found = block(b"Include nbssh.d/*.conf\nInclude work.d/*\n")
    assert (found.file, found.line) == ("/home/me/.ssh/work.d/x", 1)
    assert found.keywords == {"compression"}
    assert block_of(b"Include nbssh.d/*.conf\n", "mybox-nb", SmallDisk()) is None


def test_a_wildcard_that_matches_is_no_block_of_that_name() -> None:
    assert block_of(b"Host *\n  User x\nHost *-nb\n  Port 1\n", "mybox-nb", SmallDisk()) is None


def test_as_a_config_it_holds_nothing_else() -> None:
    assert block().config("mybox-nb") == (
        b'Host mybox-nb\n    localforward 6006 localhost:6006\n    identityfile "~/my key"\n    forwardagent yes\n'
        b"    compression yes\n"
    )


@pytest.mark.parametrize("end", ["Match user bob", "Host work", "Include none"])
def test_the_line_that_ends_it_is_none_of_its_own(end: str) -> None:
    """For ssh prints no such keyword, and the block would seem to have no effect."""
    found = block(f"Host mybox-nb\n  User me\n{end}\nHost mybox-nb\n  Port 7\n".encode())
    assert found.config("mybox-nb") == b"Host mybox-nb\n    user me\n    port 7\n"
    assert unheeded(found, "user me\nport 7\n", "user me\nport 7\n") == ()


ALONE = (
    "user me\ncompression yes\nforwardagent yes\nlocalforward 6006 [localhost]:6006\ndynamicforward 1080\n"
    "identityfile ~/my key\n"
)


def test_its_forwards_are_said_as_ssh_prints_them() -> None:
    assert forwards(ALONE) == ("localforward 6006 [localhost]:6006", "dynamicforward 1080")
    assert forwards("user me\n") == ()


def test_what_stands_below_another_value_is_not_heeded() -> None:
    assert unheeded(block(), ALONE, ALONE + "localforward 8888 /sock\nidentityfile ~/.ssh/id\n") == ()
    assert unheeded(block(), ALONE, ALONE.replace("agent yes", "agent no").replace("my key", "other")) == (
        "forwardagent",
        "identityfile",
    )
