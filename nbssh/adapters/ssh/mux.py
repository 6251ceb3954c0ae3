"""Asks a master of ours as `ssh -O check` and `ssh -O exit` do, without a process for it.

What it says is OpenSSH's PROTOCOL.mux, version 4, which each release since 5.6 speaks.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_HELLO, _VERSION = 0x00000001, 4
_CHECK, _ALIVE = 0x10000004, 0x80000005
_TERMINATE, _OK = 0x10000005, 0x80000001
_REQUEST = 1  # any number: the answer bears it too
_BYTES = 1 << 10  # of a packet; answers have up to twelve, a hello may name extensions


def lives(control_socket: Path, seconds: float) -> bool:
    """Tell whether a master listens there. Raises TimeoutError where it does not answer."""
    answer = _asked(_CHECK, control_socket, seconds)
    return answer is not None and answer[:8] == struct.pack(">II", _ALIVE, _REQUEST)


def ends(control_socket: Path, seconds: float) -> bool:
    """End the master there, with all that it has open; tell whether it said so. Raises TimeoutError likewise."""
    # it may be gone before it has answered
    return _asked(_TERMINATE, control_socket, seconds) in {b"", struct.pack(">II", _OK, _REQUEST)}


def _asked(request: int, control_socket: Path, seconds: float) -> bytes | None:
    """Return what a master answers, None where none is there."""
    import socket  # noqa: PLC0415  a list of profiles asks none

    try:
        with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
            client.settimeout(seconds)
            client.connect(str(control_socket))
            client.sendall(_packet(_HELLO, _VERSION) + _packet(request, _REQUEST))
            hello, answer = _read(answers), _read(answers)
    except TimeoutError:
        raise
    except BlockingIOError:  # its queue is full of questions that it never took up; ssh itself would wait for ever
        raise TimeoutError from None
    except OSError:
        return None
    return answer if hello[:8] == struct.pack(">II", _HELLO, _VERSION) else None


def _packet(kind: int, word: int) -> bytes:
    return struct.pack(">III", 8, kind, word)


def _read(stream: BinaryIO) -> bytes:
    length = int.from_bytes(stream.read(4), "big")
    return stream.read(min(length, _BYTES))
