"""A master of ours ends when it is asked in its own protocol, and whatever answers otherwise is left to ssh."""

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

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.not_on_windows("ssh there has no masters")
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
            with client:
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


@pytest.mark.parametrize("answer", [OK, b""])
def test_a_master_that_ends_is_told_so_in_its_protocol(answer: bytes) -> None:
    with master(struct.pack(">II", 30, 1) + HELLO[8:] + b"info@openssh.com\0\0\0\0\0\0" + answer) as (path, heard):
        assert mux.ended(path)
    assert heard == [HELLO + struct.pack(">III", 8, 0x10000005, 1)]


@pytest.mark.parametrize(
    "answer",
    [b"", HELLO[:6], struct.pack(">III", 8, 1, 5), HELLO + struct.pack(">III", 8, 0x80000002, 1), b"SSH-2.0-x\r\n"],
)
def test_any_other_answer_is_none(answer: bytes) -> None:
    with master(answer) as (path, _):
        assert not mux.ended(path)


def test_silence_and_a_socket_without_a_master_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mux, "SECONDS", 0.05)
    with master(HELLO, stays=True) as (path, _):
        assert not mux.ended(path)
    assert not mux.ended(path)
    assert not mux.ended(tmp_path / ("x" * 200))
