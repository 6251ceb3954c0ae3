"""The files on a host, read while somebody else writes them."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, cast

import pytest

from nbssh.core.files.program import program_of
from nbssh.core.files.server_files import remote_files
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile, Server
from nbssh.core.way import STRAIGHT
from nbssh.steps.plan import remote_changes
from nbssh.steps.server_files import read_remote

if TYPE_CHECKING:
    from nbssh.adapters.ssh.connection import Connection

HOME = "/home/alice"
SERVER = Server(
    home=HOME, uid=1000, hostname="gpu1", os="Linux", jupyter="/opt/jupyter-lab", forward="socket",
    socket=f"{HOME}/.local/state/nbssh/box/sock",
)  # fmt: skip


def declared(folder: str) -> Declared:
    profile = Profile(destination="box", port=8888, server=SERVER, dir=folder)
    return Declared("box", profile, Secret(token="t0ken"), "0" * 16, STRAIGHT)


def answer(files: dict[str, bytes], program: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return f"program {program} missing\n\n".encode() + stream.getvalue()


class Host:
    """A connection to a host that gives these answers, the last for ever."""

    shown = "box"

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = answers, 0

    def run(self, script: str, *, output: int) -> bytes:
        assert script
        assert output
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def files(of: Declared) -> dict[str, bytes]:
    return {file.path: file.text.encode() for file in remote_files(of)}


@pytest.mark.parametrize("first", ["the configuration", "the parameters"])
def test_what_another_laptop_is_writing_is_not_taken_for_edited_by_hand(first: str) -> None:
    before, after = declared("old"), declared("new")
    old, new = files(before), files(after)
    is_config = [path for path in new if "/config/" in path]
    assert is_config
    middle = old | {path: new[path] for path in new if (path in is_config) == (first == "the configuration")}
    assert middle not in (old, new)
    id_ = program_of(after.way).id
    host = Host(answer(middle, id_), answer(new, id_))
    present = read_remote(cast("Connection", host), [after])
    assert host.asked == 2
    assert [change.name for change in remote_changes(after, present) if change.edited] == []


def test_what_is_edited_by_hand_stays_so() -> None:
    of = declared("old")
    there = files(of)
    config = next(path for path in there if "/config/" in path)
    there[config] = there[config].replace(b"old", b"mine")
    host = Host(answer(there, program_of(of.way).id))
    present = read_remote(cast("Connection", host), [of])
    assert host.asked == 2
    assert [change.path for change in remote_changes(of, present) if change.edited] == [config]


def test_what_is_whole_is_read_once() -> None:
    of = declared("old")
    host = Host(answer(files(of), program_of(of.way).id))
    assert read_remote(cast("Connection", host), [of]).files
    assert host.asked == 1
