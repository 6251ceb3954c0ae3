"""Talking to a process by threads: where pipes cannot be waited for (select may take sockets only).

Ends nothing but the process whose limit is reached; decides no limits.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

STEP_SECONDS = 0.05  # how late a limit may be noticed
END_SECONDS = 2.0  # for the last bytes of a process that has ended


def converse(
    process: subprocess.Popen[bytes], script: bytes, left: Callable[[bytearray], float], *, output: int, errors: int
) -> tuple[bytes, bytes, str]:
    """Feed stdin and read both outputs until stdout ends; return them and which limit was reached, if one was.

    `left` tells how many seconds are left, after what has come so far. `output` and `errors` are bounds in bytes.
    """
    out, err = bytearray(), bytearray()
    ended = threading.Event()
    jobs: list[Callable[[], None]] = [
        lambda: _feed(cast("BinaryIO", process.stdin), script),
        lambda: _take(cast("BinaryIO", process.stdout), out, output, ended),
    ]
    if process.stderr:
        stderr = cast("BinaryIO", process.stderr)
        jobs.append(lambda: _drain(stderr, err, errors))
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    limit = ""
    while not limit and not ended.wait(min(STEP_SECONDS, max(0.0, left(out)))):
        limit = "time" if left(out) <= 0 else ""
    if len(out) > output:
        limit = "output"
    if limit:
        process.kill()
    for thread in threads:
        thread.join(END_SECONDS)
    return bytes(out), bytes(err), limit


def _feed(stream: BinaryIO, script: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # a reader that has gone takes nothing more
        stream.write(script)
        stream.close()


def _take(stream: BinaryIO, into: bytearray, bound: int, ended: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        while len(into) <= bound and (data := os.read(stream.fileno(), 65536)):
            into.extend(data)
    ended.set()


def _drain(stream: BinaryIO, into: bytearray, kept: int) -> None:
    """Take all, so that the process does not wait for us, and keep the beginning."""
    with contextlib.suppress(OSError, ValueError):
        while data := os.read(stream.fileno(), 65536):
            into.extend(data[: kept - len(into)])
