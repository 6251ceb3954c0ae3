"""The only module that starts processes. Every call has a time limit and a bound on its output."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable  # noqa: TC003  a NamedTuple's annotation
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from nbssh.adapters.programs import pipes
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OUTPUT_BYTES = 8 * 1024 * 1024  # what we are willing to read from a server
ERROR_BYTES = 65536
END_SECONDS = 5.0
BY_THREADS = sys.platform == "win32"  # there a pipe can be waited for in no other way
STAGE_SECONDS = 0.25  # how often is looked whether a stage is reached of which the output tells nothing


@dataclass(frozen=True)
class Finished:
    """How a process ended: its status, what it wrote, and whether a limit ended it (`time` or `output`)."""

    status: int
    out: bytes
    err: bytes = b""
    limit: str = ""


class Stage(NamedTuple):
    """A point on the way of a process: `reached` is asked with the output so far; from there it has `seconds` anew."""

    reached: Callable[[bytes | bytearray], bool]
    seconds: float


@dataclass
class _Clock:
    """The time limit. Of the `stages`, in their order, some may be passed over."""

    deadline: float
    stages: list[Stage]

    def left(self, out: bytearray) -> float:
        """Return the seconds that are left."""
        for number, stage in reversed(list(enumerate(self.stages, 1))):
            if stage.reached(out):
                self.deadline = time.monotonic() + stage.seconds
                del self.stages[:number]
                break
        return self.deadline - time.monotonic()


def run(
    command: Sequence[str],
    *,
    script: bytes = b"",
    seconds: float,
    stages: Sequence[Stage] = (),
    output: int = OUTPUT_BYTES,
    show_errors: bool = False,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run `command` with `script` on its stdin; stop it after `seconds` or `output` bytes.

    With `stages` the seconds count until the first of them is reached, and then those of each one.
    `show_errors` leaves stderr on the user's terminal, where ssh's banners and host key questions belong.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if show_errors else subprocess.PIPE,
            env=env,
            cwd=cwd,
        )
    except FileNotFoundError:
        raise NbsshError(
            f"there is no '{command[0]}' on this machine",
            "install the OpenSSH client, or correct NBSSH_SSH_COMMAND",
        ) from None
    except OSError as error:
        raise NbsshError(f"'{command[0]}' cannot be started: {error.strerror}", "correct NBSSH_SSH_COMMAND") from None
    clock = _Clock(time.monotonic() + seconds, [*stages])
    try:
        if BY_THREADS:
            out, err, limit = pipes.converse(process, script, clock.left, output=output, errors=ERROR_BYTES)
            return Finished(process.wait(), out, err, limit)
        out, err, limit = _converse(process, script, clock, output)
        if limit:
            process.kill()
        status = process.wait()
        return Finished(status, out, err + _rest_of(process), limit)
    except BaseException:
        process.terminate()  # ^C: ssh gets it from the terminal too; this is for the calls without one
        process.wait()
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


@contextlib.contextmanager
def answering(command: Sequence[str], script: bytes, mark: bytes, seconds: float) -> Iterator[bytes]:
    """Run `command` for the time of the block; yield its first line that begins with `mark`, empty if none comes.

    stdin stays open until the block ends: that is how the other side knows that it is no longer needed.
    """
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        try:
            assert process.stdin  # noqa: S101  narrows the type: a PIPE was asked for
            assert process.stdout  # noqa: S101
            with contextlib.suppress(OSError):
                process.stdin.write(script)
            yield pipes.marked_line(process.stdout, mark, seconds, ERROR_BYTES)
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _converse(process: subprocess.Popen[bytes], script: bytes, clock: _Clock, output: int) -> tuple[bytes, bytes, str]:
    """Feed stdin and read both outputs at once, so that neither side can block the other, until stdout ends.

    Not until stderr ends: a ProxyCommand keeps it open for as long as a master lives in the background.
    """
    assert process.stdin  # noqa: S101  narrows the type: a PIPE was asked for
    assert process.stdout  # noqa: S101
    out, err, rest = bytearray(), bytearray(), memoryview(script)
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        selector.register(process.stdout, selectors.EVENT_READ)
        if process.stderr:
            selector.register(process.stderr, selectors.EVENT_READ)
        while process.stdout in selector.get_map():
            left = clock.left(out)
            if left <= 0:
                return bytes(out), bytes(err), "time"
            for key, _ in selector.select(min(left, STAGE_SECONDS) if clock.stages else left):
                if key.fileobj is process.stdin:
                    rest = _feed(key.fd, rest)
                    if not rest:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif not (data := os.read(key.fd, 65536)):
                    selector.unregister(key.fileobj)
                else:
                    (out if key.fileobj is process.stdout else err).extend(data)
                    del err[ERROR_BYTES:]
            if len(out) > output:
                return bytes(out), bytes(err), "output"
    return bytes(out), bytes(err), ""


def _rest_of(process: subprocess.Popen[bytes]) -> bytes:
    """Return what a process that has ended left in its stderr pipe, without waiting for whoever else holds it."""
    if not process.stderr:
        return b""
    os.set_blocking(process.stderr.fileno(), False)
    try:
        return os.read(process.stderr.fileno(), ERROR_BYTES)
    except BlockingIOError:
        return b""


def _feed(descriptor: int, rest: memoryview) -> memoryview:
    """Write what the pipe takes; a reader that has gone takes nothing more."""
    try:
        return rest[os.write(descriptor, rest[:65536]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


@contextlib.contextmanager
def lines(command: Sequence[str], script: bytes) -> Iterator[Iterator[bytes]]:
    """Run `command` for the time of the block and yield its output line by line, each cut at 64 KiB."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin  # noqa: S101  narrows the type: a PIPE was asked for
        assert process.stdout  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(script)
            process.stdin.close()
        stream = process.stdout
        try:
            yield iter(lambda: stream.readline(ERROR_BYTES), b"")
        finally:
            process.terminate()


def detach(
    command: Sequence[str],
    *,
    seconds: float,
    errors: BinaryIO,
    show: Callable[[], None],
) -> Finished:
    """Run `command` until it has gone into the background or ended; what it says on stderr goes into the file `errors`.

    A file, because a pipe would stay open for as long as something lives in the background. `show` is called again
    and again meanwhile; a password or code is asked for on the terminal itself.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    deadline = time.monotonic() + seconds
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                process.terminate()
                return Finished(process.wait(), b"", limit="time")
            show()
            time.sleep(0.02)
        return Finished(process.returncode, b"")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        show()


def leave_running(command: Sequence[str], *, errors: BinaryIO) -> None:
    """Start `command` in a session of its own and leave it to itself; what it says on stderr goes into `errors`."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
    )
    process.returncode = 0  # it outlives us: nobody waits for it, and Python must not complain about that


def interact(command: Sequence[str]) -> int:
    """Run `command` on the user's own terminal, an editor for example, for as long as she likes; return its status."""
    try:
        process = subprocess.Popen(command)
    except OSError as error:
        raise NbsshError(f"'{command[0]}' cannot be started: {(error.strerror or '').lower()}") from None
    # ^C is the program's own business while it has the terminal
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
