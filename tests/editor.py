"""An editor's side of "existing Jupyter server": runs one cell there over the REST API and a kernel's WebSocket.

`python tests/editor.py ADDRESS`, as `nbssh url` prints it; a password, if the server has one, on stdin. Prints what the
cell said. Made of jupyter_client's messages, requests and websocket-client; knows nothing of nbssh.
"""

from __future__ import annotations

import json
import sys
import urllib.parse

import requests
import websocket
from jupyter_client.session import Session, json_packer

CODE = "import os; print('pid', os.getpid() > 0, 6 * 7)"
SECONDS = 60


def headers(base: str, token: str) -> dict[str, str]:
    """Return what lets an editor in: its token, or the cookies of a login with the password."""
    if token:
        return {"Authorization": f"token {token}"}
    browser = requests.Session()
    browser.get(f"{base}login", timeout=SECONDS).raise_for_status()
    form = {"_xsrf": browser.cookies["_xsrf"], "password": sys.stdin.readline().rstrip("\n")}
    browser.post(f"{base}login", data=form, timeout=SECONDS).raise_for_status()
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Cookie": cookies, "X-XSRFToken": browser.cookies["_xsrf"]}


def run_cell(base: str, head: dict[str, str]) -> str:
    """Start a kernel, run a cell, end the kernel."""
    assert requests.get(f"{base}api/kernelspecs", headers=head, timeout=SECONDS).json()["kernelspecs"]
    answer = requests.post(f"{base}api/kernels", headers=head, json={"name": "python3"}, timeout=SECONDS)
    answer.raise_for_status()
    kernel = f"{base}api/kernels/{answer.json()['id']}"
    session, said = Session(), ""
    channel = websocket.create_connection(
        f"ws{kernel.removeprefix('http')}/channels?session_id={session.session}", header=head, timeout=SECONDS
    )
    message = session.msg("execute_request", {"code": CODE, "silent": False, "allow_stdin": False})
    channel.send(json_packer({**message, "channel": "shell", "buffers": []}))
    while True:
        got = json.loads(channel.recv())
        if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if got["msg_type"] == "stream":
            said += got["content"]["text"]
        if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            break
    channel.close()
    requests.delete(kernel, headers=head, timeout=SECONDS).raise_for_status()
    return said


def main() -> None:
    """Log in as the address or stdin says, and run the cell."""
    address = urllib.parse.urlsplit(sys.argv[1])
    base = f"http://{address.netloc}/"
    token = urllib.parse.parse_qs(address.query).get("token", [""])[0]
    print(run_cell(base, headers(base, token)), end="")  # noqa: T201


if __name__ == "__main__":
    main()
