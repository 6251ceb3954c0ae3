"""Starts processes, for everybody but the demo and `session`, which needs a pseudo-terminal; `-v` shows each of them.

Every call has a time limit, or is the user's own to end, and a bound on its output.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable  # noqa: TC003  a NamedTuple's annotation
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from nbssh.adapters.laptop.this_system import SYSTEM
from nbssh.adapters.programs import pipes
from nbssh.adapters.terminal import screen, trace
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OUTPUT_BYTES = 8 * 1024 * 1024  # what we are willing to read from a host
ERROR_BYTES = 65536
END_SECONDS = 5.0
BY_THREADS = not SYSTEM.waits_for_pipes
_NOT_FOUND = "install the OpenSSH client, or correct NBSSH_SSH_COMMAND"


@dataclass(frozen=True)
class Finished:
    """How a process ended: its status, what it wrote, and whether a limit ended it (`time` or `output`)."""

    status: int
    out: bytes
    err: bytes = b""
    limit: str = ""

    @property
    def how(self) -> str:
        """Return how an ssh that made no connection ended, in words."""
        return "was given up: no connection" if self.limit else f"ended with status {self.status}"


class Stage(NamedTuple):
    """A point on the way of a process: `reached` is asked with the output so far; from there it has `seconds` again."""

    reached: Callable[[bytes | bytearray], bool]
    seconds: float


@dataclass
class Clock:
    """The time limit. Of the `stages`, in their order, some may be passed over."""

    deadline: float
    stages: list[Stage] = field(default_factory=list)

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """Return one that starts now."""
        return cls(time.monotonic() + seconds)

    def left(self, out: bytearray) -> float:
        """Return the seconds that are left."""
        for number, stage in reversed(list(enumerate(self.stages, 1))):
            if stage.reached(out):
                self.deadline = time.monotonic() + stage.seconds
                del self.stages[:number]
                break
        return self.deadline - time.monotonic()


@contextlib.contextmanager
def started(
    command: Sequence[str],
    seconds: float | None,
    *,
    hint: str = _NOT_FOUND,
    **options: Any,  # noqa: ANN401  those of Popen
) -> Iterator[tuple[subprocess.Popen[bytes], trace.Program]]:
    """Start `command` for the time of the block, at whose end it is to have ended."""
    shown = trace.Program(command, seconds)
    try:
        process = subprocess.Popen(command, **options)
    except OSError as error:
        shown.failed((error.strerror or str(error)).lower())
        if isinstance(error, FileNotFoundError):
            raise NbsshError(f"there is no '{command[0]}' on this machine", hint) from error
        raise NbsshError(f"'{command[0]}' cannot be started: {(error.strerror or '').lower()}", hint) from error
    try:
        yield process, shown
    finally:
        shown.ended(process.poll())


def run(
    command: Sequence[str],
    *,
    script: bytes = b"",
    seconds: float,
    output: int = OUTPUT_BYTES,
    show_errors: bool = False,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run `command` with `script` on its stdin; stop it after `seconds` or `output` bytes.

    `show_errors` shows its stderr at once, cleaned: ssh's banners and what it asks for belong there.
    """
    with (
        screen.relay() if show_errors else contextlib.nullcontext(subprocess.PIPE) as errors,
        started(
            command, seconds, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env, cwd=cwd
        ) as (process, shown),
    ):  # fmt: skip
        clock = Clock.of(seconds)
        try:
            if BY_THREADS:
                out, err, shown.limit = pipes.converse(process, script, clock.left, output=output, errors=ERROR_BYTES)
                return Finished(process.wait(), out, err, shown.limit)
            out, err, shown.limit = _converse(process, script, clock, output)
            if shown.limit:
                process.kill()
            status = process.wait()
            return Finished(status, out, err + _rest_of(process), shown.limit)
        except BaseException:
            process.terminate()  # ^C: ssh gets it from the terminal too; this is for the calls without one
            process.wait()
            raise
        finally:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()


def _converse(process: subprocess.Popen[bytes], script: bytes, clock: Clock, output: int) -> tuple[bytes, bytes, str]:
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
            for key, _ in selector.select(left):
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
    with (
        screen.relay() as errors,
        started(command, None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as (process, _),
        process,
    ):
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
    with started(
        command, seconds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
    ) as (process, shown):  # fmt: skip
        deadline = time.monotonic() + seconds
        try:
            while process.poll() is None:
                full = os.fstat(errors.fileno()).st_size > OUTPUT_BYTES
                if full or time.monotonic() > deadline:
                    process.terminate()
                    shown.limit = "output" if full else "time"
                    return Finished(process.wait(), b"", limit=shown.limit)
                show()
                time.sleep(0.02)
            return Finished(process.returncode, b"")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            show()


@contextlib.contextmanager
def left_running(command: Sequence[str], *, errors: BinaryIO, **options: Any) -> Iterator[int]:  # noqa: ANN401  Popen's
    """Start `command`, which outlives us, and give its number, nobody else's for the time of the block.

    What it says on stderr goes into `errors`.
    """
    with started(
        command, None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, **options
    ) as (process, shown):  # fmt: skip
        shown.left = True
        process.returncode = 0  # nobody waits for it, and Python must not complain about that
        yield process.pid


def leave_running(command: Sequence[str], *, errors: BinaryIO) -> None:
    """Start `command` in a session of its own and leave it to itself; what it says on stderr goes into `errors`."""
    with left_running(command, errors=errors, start_new_session=True):
        pass


def interact(command: Sequence[str]) -> int:
    """Run `command`, the user's editor, on her own terminal for as long as she likes; return its status."""
    # ^C is the program's own business from its first moment on; a handler, because the program would inherit SIG_IGN
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with started(command, None, hint="set VISUAL or EDITOR to a program that is installed") as (process, _):
            return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
