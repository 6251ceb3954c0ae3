"""Ends a master of ours as `ssh -O exit` does, without a process for it: OpenSSH's PROTOCOL.mux, version 4."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 1.0  # a healthy master answers within milliseconds
_HELLO, _VERSION = 0x00000001, 4
_TERMINATE, _OK = 0x10000005, 0x80000001
_REQUEST = 1  # any number: the answer bears it too
_BYTES = 1 << 10  # of a packet; ours and its answers have eight, a hello may name extensions


def ended(control_socket: Path) -> bool:
    """Tell whether the master on `control_socket` said that it ends; where it did not, `ssh -O exit` is to ask it."""
    try:
        with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
            client.settimeout(SECONDS)
            client.connect(str(control_socket))
            client.sendall(_packet(_HELLO, _VERSION) + _packet(_TERMINATE, _REQUEST))
            hello, answer = _read(answers), _read(answers)
    except OSError:
        return False
    # it may be gone before it has answered, with all that it had open
    return hello[:8] == struct.pack(">II", _HELLO, _VERSION) and answer in {b"", struct.pack(">II", _OK, _REQUEST)}


def _packet(kind: int, word: int) -> bytes:
    return struct.pack(">III", 8, kind, word)


def _read(stream: BinaryIO) -> bytes:
    length = int.from_bytes(stream.read(4), "big")
    return stream.read(min(length, _BYTES))
