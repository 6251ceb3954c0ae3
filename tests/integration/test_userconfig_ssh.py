"""What we say about Include lines is what the real ssh does with them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.ssh.include import Kind, find_host, include_added, include_removed, include_state

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = int(os.environ.get("NBSSH_FUZZ_EXAMPLES", "60"))

OURS = [
    "Include nbssh.d/*.conf",
    "include=nbssh.d/*.conf",
    'INCLUDE "nbssh.d/*.conf"',
    "\tInclude  =  'nbssh.d/*.conf'",
    "Include ~/.ssh/nbssh.d/*.conf",
    "Include HOME/.ssh/nbssh.d/*.conf",
    "Include missing nbssh.d/*.conf",
    "Include nbssh.d/../nbssh.d//*.conf",
    "Include nbss[h].?/*.co*",
    "Include link.d/*.conf",
    '"Include" nbssh.d/*.conf # ours',
]
NOT_OURS = [
    "Include missing/*.conf",
    "Include nbssh.d/\\*.conf",
    "Include nbssh.d/{a,b}.conf",
    "Include ?ssh/nbssh.d/*.conf",
    "Include ~/nbssh.d/*.conf",
    "# Include nbssh.d/*.conf",
    "Include nested",
    "Include nested nested2",
    "User caf\xe9",
    "SendEnv \xff",
    "",
    "Compression yes",
]
BLOCKS = ["Host other", "host=other !*", "Match host other", 'Match originalhost "other"', "Host !probe o*"]
LINES = st.sampled_from(OURS) | st.sampled_from(NOT_OURS) | st.sampled_from(BLOCKS)
FILES = st.tuples(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())


def text(parts: tuple[list[str], str, bool], home: Path, *, nested: bool = True) -> bytes:
    lines, end, last = parts
    if not nested:  # a cycle is fatal for ssh
        lines = [line for line in lines if "nested" not in line]
    joined = end.join(lines).replace("HOME", str(home)) + (end if last else "")
    return joined.encode("latin-1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    folder = home / ".ssh/nbssh.d"
    folder.mkdir(parents=True)
    (home / ".ssh/link.d").symlink_to("nbssh.d")
    for name in ("mybox", "a", "Z-0_9.x"):
        (folder / f"{name}.conf").write_text("")
    put(folder / "mybox.conf", b"Host probe\n  HostName found.example\nHost z\n")
    return home


def put(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)


def ssh_g(home: Path, host: str) -> str:
    """Return what the real ssh makes of the config, which it must accept."""
    done = subprocess.run(
        ["ssh", "-G", "-F", home / ".ssh/config", host],
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("latin-1")


def is_read(home: Path) -> bool:
    return "\nhostname found.example\n" in ssh_g(home, "probe")


@settings(
    max_examples=EXAMPLES,
    derandomize="NBSSH_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(FILES, FILES, FILES)
def test_effective_is_what_ssh_reads(
    home: Path,
    main: tuple[list[str], str, bool],
    nested: tuple[list[str], str, bool],
    nested2: tuple[list[str], str, bool],
) -> None:
    config = text(main, home)
    put(home / ".ssh/config", config)
    put(home / ".ssh/nested", text(nested, home, nested=False))
    put(home / ".ssh/nested2", text(nested2, home, nested=False))
    disk = SshDisk(str(home))
    state = include_state(config, disk)
    assert is_read(home) == (state.kind is Kind.EFFECTIVE), state

    added = include_added(config)
    before = ssh_g(home, "other")
    put(home / ".ssh/config", added)
    assert include_state(added, disk).kind is Kind.EFFECTIVE
    assert is_read(home)
    assert ssh_g(home, "other") == before
    assert include_removed(added) == config


@pytest.mark.parametrize("levels", [15, 16])
def test_as_many_levels_as_ssh(home: Path, levels: int) -> None:
    for level in range(1, levels):
        put(home / f".ssh/level{level}", f"Include level{level + 1}\n".encode())
    # Our own files are one level more: ssh gives up at the seventeenth.
    put(home / f".ssh/level{levels}", b"Include nbssh.d/*.conf\n" if levels < 16 else b"Include missing\n")
    config = b"Include level1\n"
    put(home / ".ssh/config", config)
    found = include_state(config, SshDisk(str(home))).kind is Kind.EFFECTIVE
    assert found == is_read(home) == (levels < 16)


def test_a_block_for_every_host_still_counts_as_too_low(home: Path) -> None:
    config = b"Host *\n  HostName first.example\nInclude nbssh.d/*.conf\n"
    put(home / ".ssh/config", config)
    assert "\nhostname first.example\n" in ssh_g(home, "probe")
    assert include_state(config, SshDisk(str(home))).kind is Kind.LOW


def test_hosts_are_found_where_ssh_reads_them(home: Path) -> None:
    put(home / ".ssh/with space", b"# x\r\nHost mybox-nb\r\n  User here\r\n")
    config = b'Include "with space"\n'
    put(home / ".ssh/config", config)
    assert "\nuser here\n" in ssh_g(home, "mybox-nb")
    assert find_host(config, "mybox-nb", SshDisk(str(home))) == (f"{home}/.ssh/with space", 2)


def test_names_that_are_not_utf8(home: Path) -> None:
    put(home / os.fsdecode(b".ssh/caf\xe9"), b"Host mybox-nb\n  User here\n")
    config = b"Include caf\xe9\n"
    put(home / ".ssh/config", config)
    assert "\nuser here\n" in ssh_g(home, "mybox-nb")
    found = find_host(config, "mybox-nb", SshDisk(str(home)))
    assert found is not None
    assert os.fsencode(found[0]).endswith(b"/caf\xe9")
