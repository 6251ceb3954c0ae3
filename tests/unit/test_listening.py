"""Who has a local port, as /proc tells it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.programs import listening, lsof
from nbssh.adapters.programs.lsof import Holder
from nbssh.steps import ports

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.not_on_windows("there is no /proc")
MINE, OTHERS, OTHERS_NAME = 0, 1, ""
if sys.platform != "win32":
    import pwd

    MINE = os.geteuid()
    OTHERS, OTHERS_NAME = next((user.pw_uid, user.pw_name) for user in pwd.getpwall() if user.pw_uid not in {0, MINE})

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = (
    "   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1 0 0\n"
)
LOOPBACK, ANY, ALL_OF_SIX = "0100007F", "00000000", "0" * 32


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net").mkdir()
    monkeypatch.setattr(listening, "_PROC", tmp_path)
    monkeypatch.setattr(lsof, "listeners", lambda _: [Holder("asked", 1)])
    return tmp_path


def listens(proc: Path, address: str = LOOPBACK, state: str = "0A", uid: int = MINE, inode: int = 77) -> None:
    line = LINE.format(address=address, port=8888, state=state, uid=uid, inode=inode)
    (proc / "net" / ("tcp" if len(address) == len(LOOPBACK) else "tcp6")).write_text(HEAD + line)


def runs(proc: Path, pid: int, command: str, inode: int) -> None:
    (proc / f"{pid}/fd").mkdir(parents=True)
    (proc / f"{pid}/comm").write_text(f"{command}\n")
    (proc / f"{pid}/fd/3").symlink_to(f"socket:[{inode}]")
    os.chown(proc / str(pid), MINE, -1)


@pytest.mark.parametrize("address", [LOOPBACK, ANY, ALL_OF_SIX])
def test_a_program_of_ours_is_named(proc: Path, address: str) -> None:
    listens(proc, address)
    runs(proc, 4711, "python3", 77)
    runs(proc, 4712, "other", 78)
    assert list(map(str, listening.listeners(8888))) == ["python3 (pid 4711)"]
    assert ports.holder_of(8888) == ("python3 (pid 4711)", "end that (kill 4711), or ")


def test_of_another_users_it_is_known_whose_it_is(proc: Path) -> None:
    listens(proc, uid=OTHERS)
    assert ports.holder_of(8888) == (f"a program of {OTHERS_NAME}", "")


def test_one_of_ours_that_may_not_be_looked_at_is_not_ended(proc: Path) -> None:
    listens(proc)
    assert ports.holder_of(8888) == ("a program of yours", "")


def test_what_does_not_hold_the_port_is_left_out(proc: Path) -> None:
    for address, state in (("0200007F", "0A"), (LOOPBACK, "01"), ("0" * 24 + "01000000", "0A")):
        listens(proc, address, state)
        assert listening.listeners(8888) == [Holder("asked", 1)]
    listens(proc)
    assert listening.listeners(8887) == [Holder("asked", 1)]
