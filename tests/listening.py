"""A throw-away sshd on a port of 127.0.0.1, for clients that no ProxyCommand can lead to it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbssh.demo.sshd import Server

READY = 10.0  # seconds an sshd may take until it answers; it takes 0.05


@contextlib.contextmanager
def listening(server: Server, within: Sequence[str] = ()) -> Iterator[int]:
    """Run `server` on a free port of 127.0.0.1 and give the port; end it and its sessions at the end.

    `within`: the words before its command, which become it.
    """
    port = free_port()
    command = [*within, server.sshd, "-D", "-f", str(server.config), "-E", str(server.log)]
    command += ["-o", f"ListenAddress 127.0.0.1:{port}"]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        assert _answers(child, port), server.log.read_text()
        yield port
    finally:
        child.terminate()
        child.wait()


def _answers(child: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + READY
    while child.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            if client.recv(4) == b"SSH-":
                return child.poll() is None
        time.sleep(0.02)
    return False
