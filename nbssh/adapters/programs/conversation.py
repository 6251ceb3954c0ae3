"""A program that stays for several questions: each is written to its stdin and answered on its stdout.

By threads: not every system can wait for a pipe in another way. Decides nothing about what is said.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from nbssh.adapters.programs.process import END_SECONDS, ERROR_BYTES, started
from nbssh.adapters.terminal import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOK_SECONDS = 0.25  # how often the clock is looked at where nothing is said


@dataclass(frozen=True)
class Answer:
    """What was said since the question before.

    `limit` is `time` or `output` where a bound was reached. `status` is the program's own where it has ended.
    """

    out: bytes
    err: bytes
    limit: str = ""
    status: int | None = None


class Conversation:
    """One running program, asked by one thread at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._news = threading.Condition()
        self._out, self._err = bytearray(), bytearray()
        self._bound = ERROR_BYTES  # for what it says before it is asked
        self._silent = False
        out = cast("IO[bytes]", process.stdout)
        self._listeners = [threading.Thread(target=self._take_out, args=(out,), daemon=True)]
        if process.stderr:
            self._listeners.append(threading.Thread(target=self._take_err, args=(process.stderr,), daemon=True))
        for thread in self._listeners:
            thread.start()

    def ask(
        self, question: bytes, left: Callable[[bytearray], float], answered: Callable[[bytearray], bool], output: int
    ) -> Answer:
        """Write `question`; return what comes until `answered` says yes to it, or until the program ends.

        `left` tells how many seconds are left after what has come so far. `output` is a bound in bytes. Where a limit
        is reached the program is ended.
        """
        with self._news:
            self._bound = output
        threading.Thread(target=self._write, args=(question,), daemon=True).start()
        limit = ""
        with self._news:
            while not (limit or self._silent or answered(self._out)):
                seconds = left(self._out)
                if len(self._out) > output:
                    limit = "output"
                elif seconds <= 0:
                    limit = "time"
                else:
                    self._news.wait(min(seconds, LOOK_SECONDS))
            out, silent = bytes(self._out), self._silent
            self._out.clear()
        if limit:
            self._process.kill()
        status = self._ended() if limit or silent else None
        with self._news:
            err = bytes(self._err)
            self._err.clear()
        return Answer(out, err, limit, status)

    def hush(self) -> None:
        """Say no more to it: its stdin ends."""
        with contextlib.suppress(OSError, ValueError):  # what was not taken is lost with the program
            cast("IO[bytes]", self._process.stdin).close()

    def end(self) -> None:
        """Let the program end by the end of its stdin; where that is not enough, kill it."""
        self.hush()
        self._ended()
        for stream, listener in zip((self._process.stdout, self._process.stderr), self._listeners, strict=False):
            if stream and not listener.is_alive():  # what is still read must not be closed below the reader
                stream.close()

    def _ended(self) -> int:
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        # Not for long: a ProxyCommand, or a master in the background, may hold the other end of stderr.
        for thread in self._listeners:
            thread.join(LOOK_SECONDS)
        return status

    def _write(self, data: bytes) -> None:
        stdin = cast("IO[bytes]", self._process.stdin)
        with contextlib.suppress(OSError, ValueError):  # a reader that has gone takes nothing more
            stdin.write(data)
            stdin.flush()

    def _take_out(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), 65536):
                with self._news:
                    if len(self._out) <= self._bound:
                        self._out.extend(data)
                    self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def _take_err(self, stream: IO[bytes]) -> None:
        """Take all, so that the program does not wait for us, and keep the beginning."""
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), 65536):
                with self._news:
                    self._err.extend(data[: ERROR_BYTES - len(self._err)])


@contextlib.contextmanager
def conversation(
    command: Sequence[str], *, env: dict[str, str] | None = None, show_errors: bool = False
) -> Iterator[Conversation]:
    """Run `command` for the time of the block.

    `show_errors` shows its stderr at once, cleaned: ssh's banners and what it asks for belong there.
    """
    with (
        screen.relay() if show_errors else contextlib.nullcontext(subprocess.PIPE) as errors,
        started(command, None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env) as (process, _),
    ):
        talk = Conversation(process)
        try:
            yield talk
        except BaseException:
            process.terminate()  # ^C: ssh gets it from the terminal too
            raise
        finally:
            talk.end()
