"""A master of ours is asked in its own protocol: whether it is there, and to end."""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.ssh import mux
from nbssh.adapters.ssh.client import Ssh

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.not_on_windows("ssh there has no masters")
SECONDS = 60.0
HELLO = struct.pack(">III", 8, 1, 4)
OK = struct.pack(">III", 8, 0x80000001, 1)


@contextlib.contextmanager
def master(answer: bytes, *, stays: bool = False) -> Iterator[tuple[Path, list[bytes]]]:
    """Give the socket of a master that says `answer`, and what it is told; one that stays says no more."""
    heard: list[bytes] = []
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "ctl"
        listener.bind(str(path))
        listener.listen()
        gone = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):  # it may have given up
                client.sendall(answer)
                heard.append(client.recv(100))
                if stays:
                    gone.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path, heard
        finally:
            gone.set()
            thread.join()


ALIVE = struct.pack(">IIII", 12, 0x80000005, 1, 4711)


@pytest.mark.parametrize("answer", [OK, b""])
def test_a_master_that_ends_is_told_so_in_its_protocol(answer: bytes) -> None:
    with master(struct.pack(">II", 30, 1) + HELLO[8:] + b"info@openssh.com\0\0\0\0\0\0" + answer) as (path, heard):
        assert mux.ends(path, SECONDS)
    assert heard == [HELLO + struct.pack(">III", 8, 0x10000005, 1)]


def test_a_master_that_lives_says_so() -> None:
    with master(HELLO + ALIVE) as (path, heard):
        assert mux.lives(path, SECONDS)
    assert heard == [HELLO + struct.pack(">III", 8, 0x10000004, 1)]


REFUSED = HELLO + struct.pack(">III", 8, 0x80000002, 1)


@pytest.mark.parametrize("answer", [b"", HELLO[:6], struct.pack(">III", 8, 1, 5), REFUSED, b"SSH-2.0-x\r\n"])
def test_any_other_answer_is_none(answer: bytes) -> None:
    for asked in (mux.ends, mux.lives):
        with master(answer) as (path, _):
            assert not asked(path, SECONDS)


def test_silence_is_told_from_a_socket_without_a_master(tmp_path: Path) -> None:
    ssh = Ssh()
    with master(HELLO, stays=True) as (path, _), pytest.raises(TimeoutError):
        mux.ends(path, 0.05)
    (tmp_path / "file").touch()
    for nothing in (path, tmp_path / "file", tmp_path / "x", tmp_path / ("x" * 200)):
        assert not ssh.check_master(nothing)
        assert not ssh.end_master(nothing)


def test_a_master_whose_queue_is_full_hangs_and_is_not_taken_for_none() -> None:
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "ctl"
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(path))
        with pytest.raises(TimeoutError):
            mux.lives(path, 0.1)
