"""Whoever answers on a port of this machine gets so many seconds and bytes, and sends nobody elsewhere."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from nbssh.adapters.jupyter import bounded, visitor
from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Listen on a port and answer each connection by `answer`; yield its address, and what was asked."""
    asked: list[bytes] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    if ended.is_set():
                        client.close()
                        return
                    with client, contextlib.suppress(OSError):
                        asked.append(client.recv(65536))
                        answer(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", asked
        finally:
            ended.set()
            socket.create_connection(listener.getsockname()).close()  # it waits for one
            thread.join(30)
            assert not thread.is_alive()


def endless(begin: bytes, part: bytes) -> Callable[[socket.socket], None]:
    def answer(client: socket.socket) -> None:
        client.sendall(begin)
        while True:
            client.sendall(part)

    return answer


def once(data: bytes) -> Callable[[socket.socket], None]:
    return lambda client: client.sendall(data)


ANSWERS = {
    "endless body": endless(OK, b"x" * 65536),
    "endless chunks": endless(OK.replace(b"close", b"close\r\nTransfer-Encoding: chunked"), b"1\r\nx\r\n" * 1000),
    "endless 100 Continue": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "endless header": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000),
    "endless line": endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "endless error": endless(OK.replace(b"200 OK", b"500 No"), b"x" * 65536),
    "no HTTP": once(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "nothing": once(b""),
    "half an answer": once(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "a length of 400 digits": once(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n{}"),
    "no JSON": once(OK + b"<html>"),
    "deep JSON": once(OK + b'{"version":' + b"[" * 200_000),
    "a version of 10,000 characters": once(OK + b'{"version":"' + b"1" * 10_000 + b'"}'),
    "a version that is none": once(OK + b'{"version":{"a":1}}'),
    "no version": once(OK + b"[]"),
    "a status of 400 digits": once(b"HTTP/1.1 " + b"2" * 400 + b" OK\r\n\r\n"),
    "no UTF-8": once(OK + b'{"version":"\xff\xfe"}'),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_it_is_an_error_in_words(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "BYTES", 1 << 20)
    with answering(ANSWERS[what]) as (base, _), pytest.raises(NbsshError) as caught:
        Visitor(base).version()
    assert base in caught.value.message


def test_the_time_is_that_of_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "_SECONDS", 0.5)
    release = threading.Event()

    def drip(client: socket.socket) -> None:
        client.sendall(OK)
        while not release.wait(0.05):  # each byte comes in time, the end never
            client.sendall(b" ")

    with answering(drip) as (base, _):
        try:
            with pytest.raises(NbsshError, match="does not answer"):
                Visitor(base).version()
        finally:
            release.set()


@pytest.mark.parametrize("status", [b"301", b"302", b"303", b"307", b"308"])
def test_nobody_is_sent_elsewhere(status: bytes) -> None:
    with answering(once(OK + b'{"version": "1"}')) as (elsewhere, visited):
        moved = b"HTTP/1.1 " + status + b" Moved\r\nLocation: " + elsewhere.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        with answering(once(moved)) as (base, asked), pytest.raises(NbsshError):
            Visitor(base).version()
        assert len(asked) == 1
        assert visited == []


def test_a_good_answer_is_taken() -> None:
    with answering(once(OK + b'{"version": "2.14.1"}')) as (base, _):
        assert Visitor(base).version() == "2.14.1"
