"""One authenticated connection to a server, and scripts run over it. Everything that comes back is data."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbssh.adapters.programs import process
from nbssh.adapters.programs.process import OUTPUT_BYTES
from nbssh.adapters.ssh import client as openssh
from nbssh.adapters.terminal import screen, trace
from nbssh.core.text import printable
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nbssh.adapters.programs.process import Finished
    from nbssh.adapters.ssh.client import Ssh
    from nbssh.core.server.values import FarEnd

LOGIN_SECONDS = 600.0  # a person may look for her phone
ANSWER_SECONDS = 60.0  # from the login to the first word of /bin/sh: nobody is asked any more, but rc files may be slow
SCRIPT_SECONDS = 60.0
# BatchMode stays with the one ssh; that of a jump host would ask on the terminal (ssh(1), ENVIRONMENT)
_UNASKED = {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
_FAILED = 255  # ssh(1): "255 if an error occurred"
_AUTHENTICATED = re.compile(r'Authenticated to .* using "([a-z-]+)"')
# What LogLevel VERBOSE adds and nobody needs
_NOISE = ("Authenticated ", "Transferred: ", "Bytes per second: ", "OpenSSH_", "Connection to ")
# What ssh says when a master could not give it a session (mux.c): nothing was run then
_NO_SESSION = b"session request failed"
FORWARD_SECONDS = 15.0
_THERE = "nbssh-there"


class NoSessionError(NbsshError):
    """The master is there, but its sshd permits it no further session, and there is to be no login of our own."""


def too_much(shown: str, output: int) -> NbsshError:
    """Return what is said of an answer of more than `output` bytes."""
    return NbsshError(
        f"{shown}: the server sends more than {output >> 20} MiB; nothing of it was used",
        "look at the server: this is no answer that nbssh asks for",
    )


@dataclass
class Connection:
    """A way to run scripts on one server. `shown` names it in messages.

    Through the profile's master, `instead` opens a connection of our own, for the time when sshd gives the master no
    more sessions (sshd_config(5), MaxSessions); `full` tells that it came to that.
    """

    ssh: Ssh
    shown: str
    command: tuple[str, ...]
    control_socket: Path
    batch: bool = False
    opened: bool = False
    login_seconds: float = LOGIN_SECONDS
    prompted: bool = False
    log: Path | None = None
    instead: Callable[[], Connection] | None = None
    full: bool = False

    def run(self, script: str, seconds: float = SCRIPT_SECONDS, output: int = OUTPUT_BYTES) -> bytes:
        """Run `script` by the server's /bin/sh and return its stdout; a status other than 0 is an error."""
        out, status = self.attempt(script, seconds, output)
        if status != 0:
            raise NbsshError(f"{self.shown}: a step on the server ended with status {status}", "its message is above")
        return out

    def attempt(self, script: str, seconds: float = SCRIPT_SECONDS, output: int = OUTPUT_BYTES) -> tuple[bytes, int]:
        """Run `script` by the server's /bin/sh and return (stdout, exit status); more than `output` bytes are an error.

        The login shell sees `exec /bin/sh` and nothing else; what its rc files print before our mark is dropped.
        """
        nonce = secrets.token_hex(8)
        begin, end = f"nbssh-{nonce}-begin", f"nbssh-{nonce}-end"
        # A compound command is read to its end before it runs, so nothing inside can eat the rest of the script.
        wrapped = f"printf '%s\\n' {begin}\n(\n{script}\n) </dev/null\nprintf '\\n%s %s\\n' {end} \"$?\"\n"
        done = process.run(
            [*self.command, "exec", "/bin/sh"],
            script=wrapped.encode("utf-8", "surrogateescape"),
            seconds=seconds if self.opened else self.login_seconds,
            stages=() if self.opened else self._stages(begin.encode(), seconds),
            output=output,
            show_errors=not self.batch and not self.instead,
            env=os.environ | _UNASKED if self.batch else None,
        )
        if self.instead and done.status == _FAILED and _NO_SESSION in done.err:
            self._become(self.instead())
            return self.attempt(script, seconds, output)
        if self.instead and not self.batch:
            _show(done.err.decode("utf-8", "replace").splitlines())
        said = self._said_by_ssh()
        before, found, rest = done.out.partition(begin.encode() + b"\n")
        if not found:
            raise self._unreachable(done, before, said)
        self.opened = True
        out, found, tail = rest.rpartition(b"\n" + end.encode() + b" ")
        if done.limit == "output":
            raise too_much(self.shown, output)
        if not found:
            why = f"no end within {seconds:.0f} s" if done.limit else f"ssh ended with status {done.status}"
            raise NbsshError(f"{self.shown}: the connection broke off: {why}", "run the command again")
        status = tail.strip()
        return out, int(status) if status.isdigit() and len(status) <= 3 else 1  # noqa: PLR2004  0 to 255

    def _stages(self, begin: bytes, seconds: float) -> list[process.Stage]:
        """Return what bounds a first script: a person has her time to log in, the server after that has not."""
        connecting = trace.Step(f"connect to {self.shown}")

        def begun(out: bytes | bytearray) -> bool:
            if begin in out:
                connecting.ended()
            return begin in out

        return [
            process.Stage(lambda _: self._logged_in(), min(ANSWER_SECONDS, self.login_seconds)),
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

    def _logged_in(self) -> bool:
        return any(_AUTHENTICATED.match(line) for line in self._log_lines())

    def _said_by_ssh(self) -> list[str]:
        """Return what ssh had to say, and learn how it logged in; the user sees what matters to her.

        LogLevel VERBOSE names the method that let us in; a password or code means that somebody was asked.
        """
        if self.opened:
            return []
        lines = self._log_lines()
        methods = [found.group(1) for line in lines if (found := _AUTHENTICATED.match(line))]
        self.prompted = bool(methods) and methods[-1] in {"password", "keyboard-interactive"}
        said = [line for line in lines if not line.startswith(_NOISE)]
        if not self.batch:
            _show(said)
        return said

    def _unreachable(self, done: Finished, before: bytes, log: Sequence[str]) -> NbsshError:
        if done.limit == "time" and self._logged_in():
            seconds = min(ANSWER_SECONDS, self.login_seconds)
            return NbsshError(
                f"{self.shown}: logged in, but /bin/sh did not answer within {seconds:.0f} s",
                f"look at what the login shell's rc files wait for: ssh {self.shown}",
            )
        if done.limit == "time":
            return NbsshError(f"{self.shown}: no answer, gave up", f"see whether this works: ssh {self.shown}")
        if done.limit == "output":
            return NbsshError(f"{self.shown}: endless output at login", "look at what the login shell's rc files print")
        if done.status == _FAILED:
            said = printable(log[-1] if log else _first_text(done.err), 200)
            return NbsshError(
                f"{self.shown}: ssh could not connect" + (f": {said}" if said else ""),
                f"see whether this works: ssh {self.shown}",
            )
        said = printable(_first_text(before) or _first_text(done.err), 200)
        return NbsshError(
            f"{self.shown}: the server ran something else than /bin/sh (status {done.status})"
            + (f"; it said: {said}" if said else ""),
            "a ForceCommand, or a login shell that starts something else, keeps commands from running there",
        )

    @contextlib.contextmanager
    def forwarded(self, far: FarEnd, folder: Path) -> Iterator[socket.socket | None]:
        """Yield a connection to `far` on the server, None if sshd does not forward there.

        Through the master and a socket in `folder`; without masters through an ssh of its own and a port.
        """
        if not self.ssh.system.client.multiplexes:
            yield from self._forwarded_alone(far)
            return
        near = folder / secrets.token_hex(4)
        if not self._forward(near, far):
            yield None
            return
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(FORWARD_SECONDS)
            yield client if client.connect_ex(str(near)) == 0 else None

    def _forwarded_alone(self, far: FarEnd) -> Iterator[socket.socket | None]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [word for word in self.command if word != "-oClearAllForwardings=yes"]
        command += ["-oExitOnForwardFailure=yes", f"-L127.0.0.1:{port}:{far}", "exec", "/bin/sh"]
        with process.answering(command, f"echo {_THERE}\n".encode(), _THERE.encode(), FORWARD_SECONDS) as line:
            if not line:
                yield None
                return
            with socket.socket() as client:
                client.settimeout(FORWARD_SECONDS)
                yield client if client.connect_ex(("127.0.0.1", port)) == 0 else None

    def _forward(self, local_socket: Path, far: FarEnd) -> bool:
        """Ask the master to forward a local socket to `far`; tell whether it took it."""
        command = [
            *self.ssh.through(self.control_socket),
            "-O",
            "forward",
            "-L",
            f"{local_socket}:{far}",
            "x",
        ]
        return process.run(command, seconds=openssh.MASTER_SECONDS).status == 0


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        if line.strip():
            screen.write(sys.stderr, printable(line, 400) + "\n")


def _first_text(data: bytes) -> str:
    lines = (line.strip() for line in data[:4096].decode("utf-8", "replace").splitlines())
    return next((line for line in lines if line), "")
