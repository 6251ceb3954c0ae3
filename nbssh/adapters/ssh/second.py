"""A second session beside the scripts of a connection, as the alias will have it: with a terminal, and with forwards.

Through the master; where there is none, by one login of its own that carries the forwards too.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbssh.adapters.programs import process
from nbssh.adapters.programs.conversation import Answer, Conversation, conversation
from nbssh.adapters.ssh import client as openssh
from nbssh.core.ssh.destination import QUIET
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nbssh.adapters.ssh.connection import Connection
    from nbssh.core.server.values import FarEnd

FORWARD_SECONDS = 15.0
GONE_SECONDS = 1.0
OUTPUT = 1 << 20
_OTHER_SCREEN = b"\x1b[?1049h"  # xterm's alternate screen (ctlseqs)
# No line break, no `'` and no `!`: it passes every login shell. It stays until a line comes: the forwards live as long.
_SCRIPT = (
    'if [ -t 0 ]; then t=terminal; else t=none; fi; printf "\\nnbssh-%s-rehearsed %s %s\\n" "$2" "$1" "$t"; read -r x'
)


class TerminalEndsConnectionError(NbsshError):
    """The host's sshd ends the whole connection where a session asks for a terminal."""


@dataclass
class Second:
    """The session. `refused`: sshd gives the connection no second one (sshd_config(5), MaxSessions).

    `fills_screen`: what ran in its terminal took the whole screen, as tmux and screen do.
    """

    connection: Connection
    folder: Path
    nears: dict[FarEnd, int] = field(default_factory=dict)
    refused: bool = False
    fills_screen: bool = False
    _nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    _talk: Conversation | None = None
    _calls: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def terminal(self, seconds: float) -> bool | None:
        """Start it; tell whether it has a terminal, None where its word does not come."""
        mark = re.compile(rb"nbssh-%s-rehearsed ours (terminal|none)\r?\n" % self._nonce.encode())
        before = self.connection.logins()
        answer = self._started(self._command(), mark, seconds)
        if self._by_master() and answer.status == openssh.FAILED and openssh.NO_SESSION in answer.err:
            self.refused = True
            answer = self._started(self._alone(), mark, self.connection.login_seconds)
        elif self._by_master() and answer.status == openssh.FAILED and self._is_master_gone():
            raise TerminalEndsConnectionError(f"{self.connection.shown}: its sshd ends a session with a terminal")
        self.fills_screen = _OTHER_SCREEN in answer.out
        found = mark.search(answer.out)
        if found:
            return found[1] == b"terminal"
        # where sshd gives no terminal, the ssh of a connection ends, while one through a master goes on
        return False if answer.status == openssh.FAILED and self.connection.logins() > before else None

    def _is_master_gone(self) -> bool:
        """Tell whether the connection ended with the session, which the master notices a moment later."""
        until = time.monotonic() + GONE_SECONDS
        while time.monotonic() < until:
            if not self.connection.ssh.check_master(self.connection.control_socket):
                return True
            time.sleep(0.05)
        return False

    def _started(self, command: list[str], mark: re.Pattern[bytes], seconds: float) -> Answer:
        words = ["exec", "/bin/sh", "-c", f"'{_SCRIPT}'", "nbssh", "ours", self._nonce]
        talk = self._talk = self._calls.enter_context(conversation([*command, "-tt", *words]))
        return talk.ask(
            b"", process.Clock.of(seconds).left, lambda out: _OTHER_SCREEN in out or bool(mark.search(out)), OUTPUT
        )

    def end(self) -> None:
        """Let it end."""
        if self._talk and not self.fills_screen:  # what runs there may be a session of hers: nothing is typed into it
            self._talk.ask(b"\n", process.Clock.of(process.END_SECONDS).left, lambda _: False, OUTPUT)
        self._calls.close()

    @contextlib.contextmanager
    def reached(self, far: FarEnd) -> Iterator[socket.socket | None]:
        """Yield a connection to `far` on the host, None if sshd does not forward there."""
        if far in self.nears:
            with socket.socket() as client:
                client.settimeout(FORWARD_SECONDS)
                yield client if client.connect_ex(("127.0.0.1", self.nears[far])) == 0 else None
            return
        near = self.folder / secrets.token_hex(4)
        if not self._forward(near, far):
            yield None
            return
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(FORWARD_SECONDS)
            yield client if client.connect_ex(str(near)) == 0 else None

    def _forward(self, local_socket: Path, far: FarEnd) -> bool:
        """Ask the master to forward a local socket to `far`; tell whether it took it."""
        command = [
            *self.connection.ssh.through(self.connection.control_socket), "-O", "forward", "-L",
            f"{local_socket}:{far}", "x",
        ]  # fmt: skip
        return process.run(command, seconds=openssh.MASTER_SECONDS).status == 0

    def _by_master(self) -> bool:
        return self.connection.ssh.system.client.multiplexes

    def _command(self) -> list[str]:
        if not self._by_master():
            return self._alone()
        # through the master or not at all: otherwise a refused client would log in by itself, and ask
        through = self.connection.ssh.through(self.connection.control_socket)
        return [*through, *QUIET, "x"]

    def _alone(self) -> list[str]:
        ours = ("-oControl", "-oClearAllForwardings")
        command = [word for word in self.connection.command if not word.startswith(ours)]
        command += ["-oControlMaster=no", "-oControlPath=none"]
        return command + [f"-L127.0.0.1:{port}:{far}" for far, port in self.nears.items()]


@contextlib.contextmanager
def second(connection: Connection, folder: Path, fars: Sequence[FarEnd], *, session: bool) -> Iterator[Second]:
    """Yield a second session, which its `terminal` starts, and forwards to `fars`; sockets go into `folder`.

    Without `session` none is started where forwards need none.
    """
    made = Second(connection, folder)
    try:
        if not connection.ssh.system.client.multiplexes:
            made.nears = {far: _free_port() for far in fars}
            if not session:
                made.terminal(FORWARD_SECONDS)
        yield made
    finally:
        made.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
