"""One authenticated connection to a host, and scripts run over it. Everything that comes back is data."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.adapters.programs import process
from nbssh.adapters.programs.conversation import conversation
from nbssh.adapters.programs.process import OUTPUT_BYTES
from nbssh.adapters.ssh import hearing, second
from nbssh.adapters.ssh.client import FAILED, NO_SESSION
from nbssh.adapters.ssh.follow import followed, is_for_people
from nbssh.adapters.terminal import screen, trace
from nbssh.core.ssh.destination import QUIET, typed
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nbssh.adapters.programs.conversation import Answer, Conversation
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.adapters.ssh.second import Second
    from nbssh.core.server.values import FarEnd

LOGIN_SECONDS = 600.0  # a person may look for her phone
SCRIPT_SECONDS = 60.0
_OTHER_SHELL = (
    "your ~/.bashrc (~/.zshenv, ~/.config/fish/config.fish …) starts another shell for commands too{}: put it behind "
    "`case $- in *i*)`, or a line `ForceCommand` in its sshd_config or `command=` in ~/.ssh/authorized_keys does"
)
# BatchMode stays with the one ssh; that of a jump host would ask on the terminal (ssh(1), ENVIRONMENT)
_UNASKED = {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
_AUTHENTICATED = re.compile(r'Authenticated to .* using "([a-z-]+)"')


class NoSessionError(NbsshError):
    """The master is there, but its sshd permits it no further session, and there is to be no login of our own."""


class UnreachableError(NbsshError):
    """There was no login; who tries the same destination again may wait as long, or have an account locked."""


class OtherShellError(NbsshError):
    """What the host runs is not the command that it was given, but a shell of its own choice."""


def too_much(shown: str, output: int) -> NbsshError:
    """Return what is said of an answer of more than `output` bytes."""
    return NbsshError(
        f"{shown}: the host sends more than {output >> 20} MiB; nothing of it was used",
        "look at the host: this is no answer that nbssh asks for",
    )


@dataclass
class Connection:
    """A way to run scripts on one host. `shown` names it in messages.

    Through the profile's master, `instead` opens a connection of our own, for the time when sshd gives the master no
    more sessions (sshd_config(5), MaxSessions); `full` tells that it came to that.
    """

    ssh: Ssh
    shown: str
    command: tuple[str, ...]
    control_socket: Path
    unasked: bool = False
    opened: bool = False
    login_seconds: float = LOGIN_SECONDS
    prompted: bool = False
    log: Path | None = None
    instead: Callable[[], Connection] | None = None
    full: bool = False
    forced: bool = False
    noisy: bool = False
    _talk: Conversation | None = None
    _word: str = ""
    _heard: bool = False
    _slow: bool = False
    _calls: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def run(self, script: str, seconds: float = SCRIPT_SECONDS, output: int = OUTPUT_BYTES) -> bytes:
        """Run `script` by the host's /bin/sh and return its stdout; a status other than 0 is an error."""
        out, status = self.attempt(script, seconds, output)
        if status != 0:
            raise NbsshError(f"{self.shown}: a step on the host ended with status {status}", "its message is above")
        return out

    def attempt(self, script: str, seconds: float = SCRIPT_SECONDS, output: int = OUTPUT_BYTES) -> tuple[bytes, int]:
        """Run `script` by the host's /bin/sh and return (stdout, exit status); more than `output` bytes are an error.

        All scripts of a connection go, one after the other, to one /bin/sh over there: one session for all of them.
        The login shell sees `exec /bin/sh -s WORD` and nothing else. A script's answer counts only between two marks
        with a number of ours, and the first mark shows that /bin/sh was given our word.
        """
        talk = self._talk or self._begin()
        nonce = secrets.token_hex(8)
        awake, begin, end = (f"\nnbssh-{nonce}-{mark} ".encode() for mark in ("awake", "begin", "end"))
        # The first line is one for every shell, if another one got it. What follows /bin/sh alone can read; a compound
        # command is read to its end before it runs, so nothing inside can eat the rest of the script.
        wrapped = (
            f"echo ''; echo nbssh-{nonce}-awake ''\n"
            f'printf \'\\nnbssh-%s-begin %s %s %s\\n\' {nonce} "${{1-}}" "${{SSH_ORIGINAL_COMMAND+forced}}." "$0"\n'
            "command -v cat >/dev/null 2>&1 || PATH=${PATH-}${PATH:+:}/usr/bin:/bin\n"  # as in lib.sh
            f"(\n{script}\n) </dev/null\nprintf '\\nnbssh-%s-end %s\\n' {nonce} \"$?\"\n"
        )
        begins = not self._heard and (self._slow or not self.opened)
        clock = process.Clock.of(self.login_seconds if begins else seconds)
        clock.stages = self._stages(awake, begin, seconds) if begins else []
        logged_in = self._logged_in if not self.opened else lambda: True
        silence = hearing.Silence(talk, awake, logged_in, known=self._heard or self._slow)
        silent = self.opened or self.unasked
        with contextlib.nullcontext(self._lines_to_show) if silent else followed(self._lines_to_show, _show) as untold:
            try:
                said = talk.ask(
                    wrapped.encode("utf-8", "surrogateescape"),
                    lambda out: silence.left(clock.left(out), out),
                    hearing.Ending(end),
                    output,
                )
            except BaseException:  # ^C: what it still has to say is no answer to what is asked next
                self.close()
                raise
        if said.status is not None or silence.broken:
            self.close()
        if self.instead and said.status == FAILED and NO_SESSION in said.err:
            self._become(self.instead())
            return self.attempt(script, seconds, output)
        if self.instead and not self.unasked:
            _show(said.err.decode("utf-8", "replace").splitlines())
        log = [] if self.opened else untold()
        self._learn_how_it_logged_in()
        before, found, rest = said.out.partition(begin)
        if not silent and (found or said.status != FAILED):
            _show(log)
        self.noisy = self.noisy or bool(found and before.partition(awake)[0].strip())
        if not found:
            raise self._other_shell("") if awake in said.out else self._unreachable(said, before, log)
        given, _, rest = rest.partition(b"\n")
        word, forced, shell = [*given.decode("utf-8", "replace").split(" ", 2), "", ""][:3]
        if word != self._word:
            self.close()
            raise self._other_shell(shell)
        self.forced = self.forced or forced != "."
        self.opened = self._heard = True
        self._slow = self._slow or silence.broken
        out, found, tail = rest.rpartition(end)
        if said.limit == "output":
            raise too_much(self.shown, output)
        if not found:
            why = f"no end within {seconds:.0f} s" if said.limit else f"ssh ended with status {said.status}"
            raise NbsshError(f"{self.shown}: the connection broke off: {why}", "run the command again")
        status = tail.strip()
        return out, int(status) if status.isdigit() and len(status) <= 3 else 1  # noqa: PLR2004  0 to 255

    def _begin(self) -> Conversation:
        """Start the one /bin/sh over there; it ends with the connection."""
        self._word, self._heard = secrets.token_hex(8), False
        self._talk = self._calls.enter_context(
            conversation(
                [*self.command, "exec", "/bin/sh", "-s", self._word],
                show_errors=not self.unasked and not self.instead,
                env=os.environ | _UNASKED if self.unasked else None,
            )
        )
        return self._talk

    def close(self) -> None:
        """End the /bin/sh over there; a further script would get a new one."""
        self._talk = None
        self._calls.close()

    def _other_shell(self, shell: str) -> OtherShellError:
        """Return what is said where the command did not arrive; whatever was started instead reads stdin too."""
        name = printable(shell.rpartition("/")[2].lstrip("-"), 40) or "another shell"
        return OtherShellError(
            f"{self.shown}: commands do not get through: {name} is started there instead of them",
            _OTHER_SHELL.format(""),
        )

    def _stages(self, awake: bytes, begin: bytes, seconds: float) -> list[process.Stage]:
        """Return what bounds a first script: a person has her time to log in, the host after that has not."""
        connecting = None if self.opened else trace.Step(f"connect to {self.shown}")

        def begun(out: bytes | bytearray) -> bool:
            if connecting and begin in out:
                connecting.ended()
            return begin in out

        return [
            process.Stage(lambda _: self._logged_in(), min(hearing.ANSWER_SECONDS, self.login_seconds)),
            process.Stage(lambda out: awake in out, hearing.AWAKE_SECONDS),
            process.Stage(begun, seconds),
        ]

    def _become(self, other: Connection) -> None:
        self.command, self.control_socket, self.log = other.command, other.control_socket, other.log
        self.opened, self.instead, self.full = other.opened, other.instead, True

    def _log_lines(self) -> list[str]:
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace") if self.log else ""
        except OSError:
            return []
        return [line.strip() for line in text.splitlines() if line.strip()]

    def logins(self) -> int:
        """Return how often its ssh, and those beside it that write into the same log, have logged in."""
        return sum(bool(_AUTHENTICATED.match(line)) for line in self._log_lines())

    def _logged_in(self) -> bool:
        return self.logins() > 0

    def _learn_how_it_logged_in(self) -> None:
        """Learn whether somebody was asked.

        LogLevel VERBOSE names the method that let us in; a password or code means that somebody was asked.
        """
        if self.opened:
            return
        methods = [found.group(1) for line in self._log_lines() if (found := _AUTHENTICATED.match(line))]
        self.prompted = bool(methods) and methods[-1] in {"password", "keyboard-interactive"}

    def _lines_to_show(self) -> list[str]:
        return [line for line in self._log_lines() if is_for_people(line)]

    def _unreachable(self, done: Answer, before: bytes, log: Sequence[str]) -> NbsshError:
        if done.limit == "time" and self._logged_in():
            seconds = min(hearing.ANSWER_SECONDS, self.login_seconds)
            return NbsshError(
                f"{self.shown}: logged in, but /bin/sh did not answer within {seconds:.0f} s",
                f"look at what the login shell's rc files wait for: {typed(self.shown)}",
            )
        if done.limit == "time":
            return UnreachableError(f"{self.shown}: no answer, gave up", f"see whether this works: {typed(self.shown)}")
        if done.limit == "output":
            return NbsshError(f"{self.shown}: endless output at login", "look at what the login shell's rc files print")
        if done.status == FAILED:
            said = printable(log[-1] if log else _first_text(done.err), 200)
            unasked = "nobody is asked unless a profile is named; " if self.unasked else ""
            return UnreachableError(
                f"{self.shown}: ssh could not connect" + (f": {said}" if said else ""),
                f"{unasked}see whether this works: {typed(self.shown)}",
            )
        if done.status and self._has_another_sh():
            return NbsshError(
                f"{self.shown}: its /bin/sh knows no `sh -s WORD`, which POSIX demands of it: posh is such a one",
                "nbssh needs dash, bash, busybox, ksh, mksh or yash as /bin/sh there: ask its administrator",
            )
        said = printable(_first_text(before) or _first_text(done.err), 200)
        what = f"the host ran something else than /bin/sh (status {done.status}); it said: {said}"
        silent = f"commands do not get through: /bin/sh did not answer (status {done.status})"
        return NbsshError(
            f"{self.shown}: {what if said else silent}",
            _OTHER_SHELL.format(", ends the login (exit), or takes their stdin or stdout"),
        )

    def _has_another_sh(self) -> bool:
        """Tell whether the /bin/sh over there, asked without a script, refuses the word that a script is given."""
        if not self.ssh.system.client.multiplexes:
            return False
        nonce = secrets.token_hex(8)
        words = f"'/bin/sh -s x </dev/null >/dev/null 2>&1; echo nbssh-{nonce}-ended $?'"
        command = [*self.ssh.through(self.control_socket), *QUIET, "x", "exec", "/bin/sh", "-c", words]
        try:
            out = process.run(command, seconds=hearing.AWAKE_SECONDS).out
        except NbsshError:
            return False
        return bool(re.search(rb"nbssh-%s-ended [1-9]" % nonce.encode(), out))

    @contextlib.contextmanager
    def second(self, fars: Sequence[FarEnd], *, session: bool = True) -> Iterator[Second]:
        """Yield a second session beside the scripts, and the way to the ends `fars` on the host."""
        with (
            tempfile.TemporaryDirectory(prefix="nbssh-", dir=self.control_socket.parent) as folder,
            second.second(self, Path(folder), fars, session=session) as made,
        ):
            yield made


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        if line.strip():
            screen.write_above(sys.stderr, printable(line, 400))


def _first_text(data: bytes) -> str:
    lines = (line.strip() for line in data[:4096].decode("utf-8", "replace").splitlines())
    return next((line for line in lines if line), "")
