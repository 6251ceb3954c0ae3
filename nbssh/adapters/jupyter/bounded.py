"""HTTP within bounds: so many bytes, so many seconds for a whole answer, no other address than the one that was asked.

Anybody may answer on a port of this machine. Python's own client bounds the wait for one byte and not for all, follows
a redirect wherever it leads, and reads as much as there is, an endless `100 Continue` too.
"""

from __future__ import annotations

import http.client
import io
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

BYTES = 8 * 1024 * 1024  # the page of JupyterLab has 0.05


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for the answer that it is."""

    def redirect_request(self, *_: object) -> None:
        """Return no request to go on with."""


class BoundedHttp(urllib.request.HTTPHandler):
    """Answers over HTTP within the bounds; the timeout of a request is that of all of it."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open `req`."""
        return self.do_open(_Connection, req)


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        until = time.monotonic() + (self.timeout or 0)
        super().connect()
        self.sock: Any = _Socket(self.sock, until)


class _Socket:
    """What http.client needs of a socket."""

    def __init__(self, real: socket.socket, until: float) -> None:
        self._real, self._stream = real, _Stream(real, until)
        self._is_read = False
        self.sendall = real.sendall

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._is_read = True
        return io.BufferedReader(self._stream)

    def close(self) -> None:
        if not self._is_read:  # else its reader closes it
            self._real.close()


class _Stream(io.RawIOBase):
    """All that comes, until there is too much of it or the time is over; then OSError."""

    def __init__(self, real: socket.socket, until: float) -> None:
        self._real, self._until, self._left = real, until, BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  as io has it
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("its answer has no end")
        self._real.settimeout(left)
        count = self._real.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise OSError(f"it sends more than {BYTES >> 20} MiB")
        return count

    def close(self) -> None:
        self._real.close()
        super().close()
