"""Our Include line into the user's config and out again; where it counts; who already has our alias."""

from __future__ import annotations

import fnmatch
import os
import posixpath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbssh.core.ssh import include
from nbssh.core.ssh.include import Kind, find_host, include_added, include_removed, include_state
from nbssh.errors import NbsshError

EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "200"))
HOME = "/home/me"
OURS = f"{include.COMMENT.decode()}\n{include.INCLUDE.decode()}\n".encode()

# Pieces that real configs are made of, and pieces that have broken other tools.
PIECES = [
    b"Host a b\n",
    b"  HostName 10.0.0.5\r\n",
    b"Match all",
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"# caf\xe9",
    b"# \xe2\x82\xac\n",
    OURS,
    OURS.replace(b"\n", b"\r\n"),
    include.COMMENT,
    include.COMMENT + b"\n",
    include.INCLUDE,
    include.INCLUDE + b"\r\n",
]
CONFIGS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=12).map(b"".join)


class FakeDisk:
    """A handful of files in memory."""

    def __init__(self, files: dict[str, bytes] | None = None, home: str = HOME) -> None:
        self.home = home
        self.files = files or {}

    def glob(self, pattern: str) -> list[str]:
        if pattern.startswith("~/"):
            pattern = self.home + pattern[1:]
        return sorted(path for path in self.files if fnmatch.fnmatchcase(path, pattern))

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def real(self, path: str) -> str:
        return posixpath.normpath(path)


@settings(max_examples=EXAMPLES, derandomize="NBSSH_FUZZ_EXAMPLES" not in os.environ, deadline=None)
@given(CONFIGS)
@example(b"")
@example(b"Host a")
@example(b"Host a\r\n")
@example(OURS)
@example(OURS + OURS)
@example(include.INCLUDE)
def test_taking_out_restores_every_byte(config: bytes) -> None:
    if config.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        with pytest.raises(NbsshError):
            include_added(config)
        return
    added = include_added(config)
    assert added.endswith(config)
    assert added.splitlines()[1] == b"Include nbssh.d/*.conf"
    assert include_removed(added) == config


@pytest.mark.parametrize(
    ("config", "end"),
    [
        (b"Host a\r\n  User b\r\n", b"\r\n"),
        (b"Host a\n", b"\n"),
        (b"", b"\n"),
        (b"Host a", b"\n"),
        (b"# x\n\r\n", b"\n"),
    ],
)
def test_our_lines_end_as_the_first_line_does(config: bytes, end: bytes) -> None:
    added = include_added(config)
    assert added == include.COMMENT + end + include.INCLUDE + end + config


def test_our_lines_stand_behind_a_mark_that_ssh_skips() -> None:
    config = b"\xef\xbb\xbfHost a\r\n"
    added = include_added(config, skips_mark=True)
    assert added == b"\xef\xbb\xbf" + include.COMMENT + b"\r\n" + include.INCLUDE + b"\r\nHost a\r\n"
    assert include_removed(added) == config
    with pytest.raises(NbsshError, match="UTF-16"):
        include_added(b"\xff\xfeH\0", skips_mark=True)


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_named(bom: bytes) -> None:
    with pytest.raises(NbsshError, match="byte order mark"):
        include_added(bom + b"Host a\n")


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (b"Host a\n\n" + OURS + b"\nHost b\n", b"Host a\n\n\nHost b\n"),
        (b"Host a\n" + OURS.rstrip(b"\n"), b"Host a\n"),
        (OURS.replace(b"\n", b"\r\n") + b"Host a\n", b"Host a\n"),
        (b"Host a\n", b"Host a\n"),
        (include.INCLUDE + b"\nHost a\n", include.INCLUDE + b"\nHost a\n"),
        (b"  " + OURS, b"  " + OURS),
        (OURS.rstrip(b"\n") + b".bak\n", OURS.rstrip(b"\n") + b".bak\n"),
        (
            include.COMMENT + b"\n# " + include.INCLUDE + b"\n",
            include.COMMENT + b"\n# " + include.INCLUDE + b"\n",
        ),
    ],
    ids=["moved", "at the end", "crlf", "none", "the user's own", "indented", "changed", "commented out"],
)
def test_only_our_two_lines_go(config: bytes, left: bytes) -> None:
    assert include_removed(config) == left


@pytest.mark.parametrize(
    "line",
    [
        "Include nbssh.d/*.conf",
        "include=nbssh.d/*.conf",
        'INCLUDE  =  "nbssh.d/*.conf"',
        "\tInclude 'nbssh.d/*.conf'\r",
        "Include ~/.ssh/nbssh.d/*.conf",
        "Include /home/me/.ssh/nbssh.d/*.conf",
        "Include nothing.conf nbssh.d/*.conf",
        "Include ./nbssh.d//*.conf",
        "Include other/../nbssh.d/*.conf",
        "Include nbssh.?/*.c[no]nf",
        "Include */*.conf",
        "Include nbssh.d/*\\.conf",
        "Include nbssh.d/*.conf # ours",
    ],
)
def test_every_spelling_counts(line: str) -> None:
    state = include_state(f"# mine\n{line}\nHost a\n".encode(), FakeDisk())
    assert (state.kind, state.file, state.line, state.wide) == (Kind.EFFECTIVE, "", 2, False)


@pytest.mark.parametrize(
    "line",
    [
        "#Include nbssh.d/*.conf",
        "Include nbssh.d/mybox.conf",
        "Include nbssh.d/[a-z]*.conf",
        "Include nbssh.d/\\*.conf",
        "Include nbssh/*.conf",
        "Include ~/nbssh.d/*.conf",
        "Include /*/*/.ssh/nbssh.d/*.config",
        "Include /*/*/*/nbssh.d/*.conf",
        "Include nbssh.d/[z-a]*.conf",
        "User nbssh.d/*.conf",
        "Include",
        'Include "nbssh.d/*.conf',
    ],
)
def test_what_does_not_read_all_our_files_does_not_count(line: str) -> None:
    assert include_state(f"{line}\n".encode(), FakeDisk()).kind is Kind.ABSENT


def test_a_home_with_glob_signs_in_it() -> None:
    disk = FakeDisk(home="/home/[me]")
    assert include_state(b"Include nbssh.d/*.conf\n", disk).kind is Kind.EFFECTIVE


def test_a_pattern_that_finds_our_scripts_too_is_called_wide() -> None:
    assert include_state(b"Include nbssh.d/*\n", FakeDisk()).wide


@pytest.mark.parametrize("block", ["Host other", "Host *", "Match all", "host=other", 'Match exec "true"'])
def test_below_a_block_it_belongs_to_that(block: str) -> None:
    state = include_state(f"# mine\n{block}\n  User a\nInclude nbssh.d/*.conf\n".encode(), FakeDisk())
    assert (state.kind, state.line) == (Kind.LOW, 4)
    assert state.block.split()[0] in {"Host", "Match"}


def test_an_effective_line_wins_over_a_low_one() -> None:
    disk = FakeDisk({"/home/me/.ssh/work": b"Host w\nInclude nbssh.d/*.conf\n"})
    state = include_state(b"Include work\nInclude nbssh.d/*.conf\n", disk)
    assert (state.kind, state.file, state.line) == (Kind.EFFECTIVE, "", 2)


def test_inside_an_included_file() -> None:
    disk = FakeDisk({"/home/me/.ssh/base": b"# x\nInclude nbssh.d/*.conf\nHost z\n"})
    state = include_state(b"Include base\nHost a\n", disk)
    assert (state.kind, state.file, state.line) == (Kind.EFFECTIVE, "/home/me/.ssh/base", 2)
    below = include_state(b"Host a\nInclude base\n", disk)
    assert (below.kind, below.file, below.block) == (
        Kind.LOW,
        "/home/me/.ssh/base",
        "Host a",
    )


def test_an_included_file_does_not_leave_its_last_block_open() -> None:
    disk = FakeDisk({"/home/me/.ssh/base": b"Host z\n"})
    assert include_state(b"Include base\nInclude nbssh.d/*.conf\n", disk).kind is Kind.EFFECTIVE


def test_cycles_and_towers_end() -> None:
    files = {"/home/me/.ssh/loop": b"Include loop loop\nInclude l* tower0\n"}
    files |= {f"/home/me/.ssh/tower{n}": f"Include tower{n + 1} tower{n + 1}\n".encode() for n in range(40)}
    files["/home/me/.ssh/tower40"] = b"Include nbssh.d/*.conf\n"
    assert include_state(b"Include loop\n", FakeDisk(files)).kind is Kind.ABSENT


def test_ssh_reads_sixteen_levels() -> None:
    files = {f"/home/me/.ssh/t{n}": f"Include t{n + 1}\n".encode() for n in range(1, 16)}
    files["/home/me/.ssh/t16"] = b"Include nbssh.d/*.conf\n"
    assert include_state(b"Include t1\n", FakeDisk(files)).file == "/home/me/.ssh/t16"
    assert include_state(b"Include t0\n", FakeDisk(files | {"/home/me/.ssh/t0": b"Include t1\n"})).kind is Kind.ABSENT


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (b"Host mybox-nb\n", 1),
        (b"# \xe9\r\nhost=other mybox-nb third\r\n", 2),
        (b'Host "mybox-nb"\n', 1),
        (b"Host a\nHost b\n  User c\nHost d mybox-nb", 4),
        (b"Host *-nb\nHost mybox*\n", None),
        (b"Host * !mybox-nb\n", None),
        (b"#Host mybox-nb\n", None),
        (b"Host MYBOX-NB\n", None),
        (b"HostName mybox-nb\n", None),
        (b"", None),
    ],
)
def test_the_line_that_already_has_the_alias(config: bytes, line: int | None) -> None:
    assert find_host(config, "mybox-nb", FakeDisk()) == (("", line) if line else None)


def test_the_alias_in_an_included_file_but_not_in_ours() -> None:
    files = {
        "/home/me/.ssh/work.d/x": b"\nHost mybox-nb\n",
        "/home/me/.ssh/nbssh.d/mybox.conf": b"Host mybox-nb\n",
    }
    config = b"Include nbssh.d/*.conf\nHost a\n  Include work.d/*\n"
    assert find_host(config, "mybox-nb", FakeDisk(files)) == ("/home/me/.ssh/work.d/x", 2)
    assert find_host(b"Include nbssh.d/*.conf\n", "mybox-nb", FakeDisk(files)) is None


def test_a_path_with_a_drive_may_have_backslashes() -> None:
    disk = FakeDisk({"C:/Users/me/work": b"Host mybox-nb\n"})
    assert find_host(b'Include "C:\\Users\\me\\work"\n', "mybox-nb", disk) == ("C:/Users/me/work", 1)


def left_out(config: bytes, files: dict[str, bytes]) -> tuple[bytes, list[bytes]]:
    kept: list[bytes] = []

    def keep(data: bytes) -> str:
        kept.append(data)
        return f"/tmp/copy {len(kept)}"

    return include.include_left_out(config, FakeDisk(files), keep), kept


OUR_FILE = {f"{HOME}/.ssh/nbssh.d/mybox.conf": b"Host mybox-nb\n"}


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (b"Include nbssh.d/*.conf\nHost a\n", b"\nHost a\n"),
        (b"include ~/.ssh/nbssh.d/mybox.conf\r\nHost a", b"\nHost a"),
        (b"# Include nbssh.d/*.conf\nHost a\n", None),
        (b"Include work\nInclude nothing\n", None),
        (b"Host include\n  User \xe9\n", None),
        (b"Include work nbssh.d/*\n", b"Include /home/me/.ssh/work\n"),
    ],
)
def test_a_config_as_it_would_be_read_without_our_files(config: bytes, left: bytes | None) -> None:
    files = OUR_FILE | {f"{HOME}/.ssh/work": b"Host b\n"}
    assert left_out(config, files) == (config if left is None else left, [])


def test_an_included_file_that_includes_ours_is_replaced_by_a_copy_without() -> None:
    files = OUR_FILE | {f"{HOME}/.ssh/work": b"Include nbssh.d/*.conf\nHost b\n"}
    assert left_out(b"Include work\n", files) == (b'Include "/tmp/copy 1"\n', [b"\nHost b\n"])


def test_files_that_include_each_other_are_copied_once_for_each_level() -> None:
    files = {f"{HOME}/.ssh/d/{name}": b"Include d/* nbssh.d/*\n" for name in "abc"}
    assert len(left_out(b"Include d/*\n", OUR_FILE | files)[1]) == 3 * 16


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        (b"Host a\n LocalForward 8888 localhost:1\n LocalForward [::1]:8889 /sock\n", {8888, 8889}),
        (b"DynamicForward localhost:1080\nlocalforward=127.0.0.1/9000 x:1\n", {1080, 9000}),
        (b"LocalForward /a/sock /b\nLocalForward 99999999 x:1\nRemoteForward 7 x:1\nLocalForward\n", set()),
        (b"Include work\nInclude nbssh.d/*.conf\n", {7777}),
    ],
)
def test_ports_that_the_users_own_forwards_listen_on(config: bytes, ports: set[int]) -> None:
    files = {
        f"{HOME}/.ssh/work": b"Host b\n  LocalForward 7777 x:1\n",
        f"{HOME}/.ssh/nbssh.d/mybox.conf": b"Host mybox-nb\n  LocalForward 20000 /sock\n",
    }
    assert include.listening_ports(config, FakeDisk(files)) == ports
