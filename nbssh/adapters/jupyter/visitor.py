"""A visitor of a running Jupyter, over HTTP on this machine: logs in with the password, runs one cell.

What a browser does, for the demo and the tests. Talks to 127.0.0.1 only; asks no proxy.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.cookiejar import CookieJar
from typing import Annotated, Any, TypeVar

import msgspec

from nbssh.adapters.jupyter.bounded import BYTES, BoundedHttp, NoRedirects
from nbssh.core import answers
from nbssh.core.profile.profile import kill_alias
from nbssh.errors import NbsshError

_SECONDS = 30.0  # for one answer; a kernel's first start on a busy machine takes five


class ClosedPortError(NbsshError):
    """Nobody listens on the port."""


_Word = Annotated[str, msgspec.Meta(max_length=64)]
_Record = TypeVar("_Record")


class _Api(msgspec.Struct):
    version: _Word


class _Kernel(msgspec.Struct):
    id: _Word


class Visitor:
    """One browser: its cookies, on one Jupyter. `base` is `http://127.0.0.1:PORT/`, `name` that of its profile."""

    def __init__(self, base: str, name: str = "NAME") -> None:
        self.base, self.name = base, name
        self.cookies = CookieJar()
        # an http_proxy of the environment must not see what goes through the tunnel
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies), NoRedirects, BoundedHttp
        )

    def version(self) -> str:
        """Return Jupyter's version; needs no login."""
        return self._record("api", _Api).version

    def login(self, password: str) -> None:
        """Log in as a person does, through the page's form."""
        self._ask("login")  # sets the cookie that the form must repeat
        form = urllib.parse.urlencode({"_xsrf": self._xsrf(), "password": password}).encode()
        status, _ = self._ask("login", form)
        if status not in {200, 302} or not self._is_in():  # after a login the page sends us on
            raise NbsshError(
                f"{self.base} does not accept the password",
                f"if it was typed right, it was set since Jupyter started; stop that one: ssh {kill_alias(self.name)}",
            )

    def greet(self, ready: str) -> None:
        """Raise unless what runs there, which is no Jupyter, says at `ready`, without a login, that it is there."""
        status, _ = self._ask(ready.removeprefix("/"))
        if status >= 400:  # noqa: PLR2004
            raise NbsshError(f"{self.base}{ready[1:]} says {status}", f"read its log: nbssh logs {self.name}")

    def page(self, path: str = "lab") -> str:
        """Return the text of the page `path`."""
        return self._ask(path)[1].decode("utf-8", "replace")

    def start_kernel(self) -> str:
        """Start a kernel of the default kind; return its id."""
        return self._record("api/kernels", _Kernel, b"{}").id

    def kernels(self) -> list[str]:
        """Return the ids of the kernels that run."""
        return [kernel.id for kernel in self._record("api/kernels", list[_Kernel])]

    def run(self, kernel: str, code: str) -> str:
        """Run `code` in the kernel as one cell, over its WebSocket; return what it printed and its value."""
        import websocket  # noqa: PLC0415  in the demo extra only

        address = f"ws{self.base.removeprefix('http')}api/kernels/{kernel}/channels"
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)
        channel = websocket.create_connection(address, cookie=cookies, timeout=_SECONDS, http_no_proxy=["*"])
        try:
            message = uuid.uuid4().hex
            channel.send(json.dumps(_execute_request(message, code)))
            return self._output(channel, message)
        finally:
            channel.close()

    def _output(self, channel: Any, message: str) -> str:  # noqa: ANN401  the library has no types
        parts: list[str] = []
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            answer = json.loads(channel.recv())
            if answer["parent_header"].get("msg_id") != message:
                continue
            content = answer["content"]
            match answer["msg_type"]:
                case "stream":
                    parts.append(content["text"])
                case "execute_result":
                    parts.append(content["data"]["text/plain"])
                case "error":
                    raise NbsshError(f"the cell failed: {content['ename']}: {content['evalue']}", "correct the cell")
                case "status" if content["execution_state"] == "idle":
                    return "".join(parts)
        raise NbsshError(f"no answer from the kernel within {_SECONDS:.0f} s", "read Jupyter's log")

    def _record(self, path: str, kind: type[_Record], data: bytes | None = None) -> _Record:
        found = answers.record(self._ask(path, data)[1], kind)
        if found is None:
            raise NbsshError(f"what answers at {self.base} is no Jupyter", "look for the reason: nbssh doctor")
        return found

    def _is_in(self) -> bool:
        return self._ask("api/status")[0] == 200  # noqa: PLR2004

    def _xsrf(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "_xsrf"), "")

    def _ask(self, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        headers = {"X-XSRFToken": self._xsrf()}
        request = urllib.request.Request(self.base + path, data=data, headers=headers)  # noqa: S310  http://127.0.0.1
        try:
            with self._open(request) as answer:
                return int(answer.status), answer.read(BYTES)
        except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:
            reason = getattr(error, "reason", error)
            kind = ClosedPortError if isinstance(reason, ConnectionRefusedError) else NbsshError
            raise kind(f"{self.base} does not answer: {reason}", "is the tunnel open?") from None

    def _open(self, request: urllib.request.Request) -> Any:  # noqa: ANN401  a response of urllib, good or bad
        try:
            return self._opener.open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            return error


def _execute_request(message: str, code: str) -> dict[str, Any]:
    """Return the message that runs a cell (Jupyter's messaging protocol, 5.3)."""
    header = {
        "msg_id": message,
        "msg_type": "execute_request",
        "session": message,
        "username": "",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }
