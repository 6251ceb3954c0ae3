"""`--also`: what else listens on the server, through the same connection."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import threading
from typing import TYPE_CHECKING

import pexpect
from ports import free_port
from serving import add, detach, fake_jupyter, kill, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bed import Bed


class Page(http.server.BaseHTTPRequestHandler):
    """A page such as TensorBoard's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"board")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


@contextlib.contextmanager
def board(where: int | Path) -> Iterator[None]:
    """Let a page listen on a port or a socket of the server."""
    if isinstance(where, int):
        server = http.server.HTTPServer(("127.0.0.1", where), Page)
    else:
        server = http.server.HTTPServer(("127.0.0.1", 0), Page, bind_and_activate=False)
        server.socket.close()
        server.socket = socket.socket(socket.AF_UNIX)
        server.socket.bind(str(where))
        server.socket.listen()
        server.get_request = lambda: (server.socket.accept()[0], ("", 0))  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read()


def test_ports_hosts_and_sockets_come_through_and_are_named_everywhere(bed: Bed) -> None:
    far, one, two, three = (free_port() for _ in range(4))
    path = bed.remote_home / "mlflow.sock"
    words = (f"{one}:{far}", f"{two}:localhost:{far}", f"{three}:{path}")
    port = add(bed, *(word for entry in words for word in ("--also", entry)))
    urls = [f"http://127.0.0.1:{local}/" for local in (one, two, three)]
    with board(far), board(path):
        session = start(bed)
        for url in urls:
            assert f"also {url}\r\n" in str(session.after)
        assert all(ask(local).endswith(b"board") for local in (one, two, three))
        assert f"{port},{one},{two},{three}" in bed.nbssh("status", "box").stdout
        detach(session)
    assert f"{one},{two},{three}" in bed.nbssh("list").stdout
    assert f"http://127.0.0.1:{three}/ -> {path}" in bed.nbssh("show", "box").stdout
    done = bed.nbssh("url", "box")
    assert done.stdout == f"http://127.0.0.1:{port}/\n"
    assert f"also {urls[0]}" in done.stderr
    assert json.loads(bed.nbssh("url", "box", "--json").stdout)["also"] == urls
    assert bed.nbssh("diff").stdout == ""
    again = [word for entry in (str(far), f"{two}:{far}", str(path)) for word in ("--also", entry)]
    assert bed.run("nbssh", "add", "box", *again).returncode == 0
    other = bed.run("nbssh", "add", "box", "--also", str(far))
    assert (other.returncode, "with another also" in other.stderr) == (1, True)
    further = bed.run("nbssh", "add", "box", "--also", "6006")
    assert further.returncode == 1
    text = (bed.local_home / ".config/nbssh/profiles/box.toml").read_text()
    (line,) = re.findall(r"^(also = .*)\]$", text, re.MULTILINE)
    assert f'{line}, "6006"]: nbssh edit box, then nbssh apply box' in further.stderr, "what was there stays"
    assert f"{line}]: nbssh edit box" in other.stderr
    kill(bed)


def test_it_works_where_the_notebooks_tunnel_is_opened_after_launchs_word(bed: Bed) -> None:
    far, near = free_port(), free_port()
    add(bed, "--forward", "tcp", "--remote-port", str(free_port()), "--also", f"{near}:{far}")
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    # a port without a gate before it is the notebook's tunnel that is opened later
    profile.write_text("".join(line for line in profile.read_text().splitlines(True) if not line.startswith("gate")))
    bed.nbssh("apply", "box")
    with board(far):
        session = start(bed)
        assert f"also http://127.0.0.1:{near}/" in str(session.after)
        assert ask(near).endswith(b"board")
        detach(session)
    kill(bed)


def test_local_ports_collide_with_nothing(bed: Bed) -> None:
    mine, named, busy, free = (free_port() for _ in range(4))
    with bed.ssh_config.open("a") as config:
        config.write(f"Host elsewhere\n    LocalForward {mine} localhost:80\n")
    with socket.create_server(("127.0.0.1", busy)):
        offline = ("--offline", "--token", "--yes")
        done = bed.nbssh("add", "one", "box", "--also", str(mine), "--also", str(busy), "--also", str(free), *offline)
        profile = json.loads(bed.nbssh("show", "one", "--json").stdout)
        locals_ = [entry.partition(":") for entry in profile["also"]]
        assert [each[2] for each in locals_] == [str(mine), str(busy), ""]
        assert all(20000 <= int(each[0]) < 30000 for each in locals_[:2])
        assert f"port {busy} cannot be had here" in done.stderr
        first = locals_[0][0]
        for local, why in (
            (first, "belongs to the profile 'one'"),
            (str(mine), "one that your own ssh config forwards"),
            (str(busy), "is in use on this machine"),
            ("80", "only root may open"),
        ):
            done = bed.run("nbssh", "add", "two", "box", "--also", f"{local}:{named}", *offline)
            assert done.returncode == 1
            assert f"--also: port {local}" in done.stderr
            assert why in done.stderr
            assert "take --also 2" in done.stderr
        done = bed.run("nbssh", "add", "two", "box", "--port", str(free), *offline)
        assert f"port {free} belongs to the profile 'one'" in done.stderr
        bed.nbssh("add", "two", "box", "--also", f"{named}:{free}", *offline)


def test_a_local_port_that_was_taken_since_is_named(bed: Bed) -> None:
    near = free_port()
    add(bed, "--also", f"{near}:6006")
    with socket.create_server(("127.0.0.1", near)):
        session = bed.ssh("box-nb")
        session.expect_exact(f"cannot listen to port: {near}")
        session.expect(pexpect.EOF)
        assert session.wait() == 255
        done = bed.run("nbssh", "doctor", "--local", "--json", "box")
        (bad,) = (check for check in json.loads(done.stdout)["checks"] if check["level"] != "ok")
        assert f"port {near} on this machine is taken by " in bad["message"]
        assert "nbssh edit box: also" in bad["repair"]


def test_a_pasted_recipe_brings_its_further_forwards(bed: Bed) -> None:
    near, board_port = free_port(), free_port()
    recipe = f"ssh -L {near}:localhost:8888 -L {board_port}:localhost:6006 -L 80:localhost:80 box"
    done = bed.nbssh("add", "box", recipe, "--offline", "--token", "--yes")
    assert "not taken over" not in done.stderr
    assert "127.0.0.1:80 over there will be http://127.0.0.1:2" in done.stderr
    said = bed.run("ssh", "-G", "box-nb").stdout
    assert f"localforward [127.0.0.1]:{board_port} [127.0.0.1]:6006" in said
    assert bed.run("nbssh", "add", "box", recipe, "--yes").returncode == 0
    assert "localforward [127.0.0.1]" not in bed.run("ssh", "-G", "box-nb-kill").stdout


def test_a_block_of_her_own_beside_ours_is_heeded_or_told(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes")
    text = bed.ssh_config.read_text()
    bed.ssh_config.write_text(f"{text}\nHost box-nb\n    LocalForward 9999 localhost:9\n")
    done = bed.run("nbssh", "doctor", "--local", "--json", "box")
    assert done.returncode == 0, done.stdout
    checks = json.loads(done.stdout)["checks"]
    assert "your own block of box-nb is harmless" in "".join(check["message"] for check in checks)
    assert {check["level"] for check in checks} == {"ok"}
    assert "localforward 9999 [localhost]:9" in bed.run("ssh", "-G", "box-nb").stdout
    assert "cannot be made equal" not in bed.nbssh("apply", "--offline", "box").stderr
    block = "Host box-nb\n    HostName elsewhere.invalid\n    LocalForward 9999 localhost:9\n"
    bed.ssh_config.write_text(f"{text}\n{block}")
    done = bed.run("nbssh", "doctor", "--local", "--json", "box")
    (bad,) = (check for check in json.loads(done.stdout)["checks"] if check["level"] != "ok")
    assert "there is a 'Host box-nb' already" in bad["message"]
    assert "nbssh add --also" in bad["repair"]


def test_a_forward_in_ssh_options_is_refused(bed: Bed) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes")
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text('ssh_options = ["LocalForward=6006 localhost:6006"]\n' + profile.read_text())
    done = bed.run("nbssh", "apply", "--offline", "box")
    assert done.returncode == 1
    assert "LocalForward is not for the aliases" in done.stderr
    assert 'also = ["6006"]' in done.stderr


def test_open_names_them_too(bed: Bed) -> None:
    near = free_port()
    add(bed, "--also", f"{near}:6006", jupyter=fake_jupyter(bed))
    done = bed.nbssh("open", "box", timeout=90)
    assert f"also http://127.0.0.1:{near}/" in done.stderr
    kill(bed)
