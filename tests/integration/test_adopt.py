"""A profile that uses the Jupyter which its user started by hand: the recipe of years, with nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import (
    PASSWORD,
    close_tunnel,
    detach,
    ended,
    environment,
    fake_jupyter,
    free_port,
    kill,
    said,
    server_pid,
    servers,
    start,
)

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

SALT = "0123456789ab"
HASH = f"sha1:{SALT}:{hashlib.sha1(PASSWORD.encode() + SALT.encode(), usedforsecurity=False).hexdigest()}"
OWN = f"c.NotebookApp.password = '{HASH}'\nc.NotebookApp.ip = '*'\n"


def start_by_hand(bed: Bed, program: str, port: int) -> subprocess.Popen[bytes]:
    """Start a real Jupyter on the host, as `nohup jupyter notebook &` does."""
    old = program == "jupyter-notebook"
    with (bed.remote_home / "nohup.out").open("ab") as log:
        process = subprocess.Popen(
            [str(environment("old" if old else "new") / program), "--no-browser", "--allow-root", f"--port={port}"],
            env={"HOME": str(bed.remote_home), "PATH": os.environ["PATH"]},
            cwd=bed.remote_home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until(lambda: answers(port), f"{program} listens", 90)
    return process


def answers(port: int) -> bool:
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
        return True
    return False


def token_of(bed: Bed) -> str:
    (file,) = (bed.remote_home / ".local/share/jupyter/runtime").glob("*server-*.json")
    return str(json.loads(file.read_text())["token"])


@pytest.fixture
def by_hand(bed: Bed) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Give what starts a Jupyter on the host; whatever is left of it is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(program: str, port: int) -> subprocess.Popen[bytes]:
        started.append(start_by_hand(bed, program, port))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def add_recipe(bed: Bed, near: int, far: int) -> str:
    done = bed.nbssh("add", "box", f"ssh -L localhost:{near}:localhost:{far} box", "--adopt", "--yes")
    assert "done; now type: ssh box-nb" in done.stderr
    return done.stderr


def test_a_notebook_of_the_recipe_loses_nothing(bed: Bed, by_hand: Callable[..., subprocess.Popen[bytes]]) -> None:
    (bed.remote_home / ".jupyter").mkdir()
    (bed.remote_home / ".jupyter/jupyter_notebook_config.py").write_text(OWN)
    far, near = free_port(), free_port()
    mine = by_hand("jupyter-notebook", far)
    added = add_recipe(bed, near, far)
    assert f"pid {mine.pid}, port {far}, open to the whole network" in added
    assert "its password stays what it is" in added
    assert "starts another one" not in added
    session = start(bed)
    assert "is already running on" in said(session)
    Visitor(f"http://127.0.0.1:{near}/").login(PASSWORD)
    until(lambda: bed.opened, "the browser is called")
    detach(session)
    assert servers(bed) == [mine.pid]
    row = json.loads(bed.nbssh("status", "--json").stdout)["profiles"][0]
    assert (row["state"], row["pid"], row["kernels"]) == ("running", mine.pid, None)
    doctor = bed.run("nbssh", "doctor", "box")
    assert doctor.returncode == 0, doctor.stdout
    assert "opens what you start by hand to the whole network" in " ".join(doctor.stdout.split())
    assert bed.run("nbssh", "passwd", "box", "--token").returncode == 1
    assert bed.run("nbssh", "logs", "box").returncode == 1
    session = start(bed)
    session.sendline("k")
    assert ended(session)[0] == 0
    assert mine.wait(30) is not None
    close_tunnel(bed)
    status, words = ended(bed.ssh("box-nb"))
    assert status == 1
    assert f"none listens on 127.0.0.1:{far}" in words
    assert "nbssh edit box" in words


def test_a_lab_with_a_token_may_be_started_again(bed: Bed, by_hand: Callable[..., subprocess.Popen[bytes]]) -> None:
    far, near = free_port(), free_port()
    mine = by_hand("jupyter-lab", far)
    assert "its token is taken over" in add_recipe(bed, near, far)
    assert bed.nbssh("check", "box").returncode == 0
    close_tunnel(bed)
    assert f"(pid {mine.pid})" in kill(bed)
    assert mine.wait(30) is not None
    assert "not running" in kill(bed)
    mine = by_hand("jupyter-lab", far)
    session = start(bed)
    assert "with another token; on your laptop: nbssh apply box" in said(session)
    detach(session)
    bed.nbssh("apply", "box")
    assert bed.run("nbssh", "apply", "--check").returncode == 0
    assert bed.nbssh("url", "box").stdout.strip().endswith(f"?token={token_of(bed)}")
    bed.nbssh("check", "box")
    close_tunnel(bed)
    # another one of our own from now on; hers is left alone, and so it is by remove
    editor = bed.folder / "editor"
    own = f'jupyter = "{fake_jupyter(bed)}"'
    editor.write_text(f"#!/bin/sh\nsed -i -e '/^remote_port/d' -e 's|^adopt.*|{own}|' \"$1\"\n")
    editor.chmod(0o755)
    bed.env["EDITOR"] = str(editor)
    bed.nbssh("edit", "box", "--yes")
    session = start(bed)
    assert "started on" in said(session)
    assert server_pid(bed) != mine.pid
    detach(session)
    close_tunnel(bed)
    bed.nbssh("remove", "box")
    assert mine.poll() is None


def test_what_cannot_be_adopted_is_said(bed: Bed) -> None:
    jupyter = fake_jupyter(bed)
    for words, cause in (
        ((), "no Jupyter of yours runs on"),
        (("--dir", "work"), "'dir' is for a Jupyter that nbssh starts"),
        (("--jupyter", str(jupyter)), "'jupyter' is for a Jupyter that nbssh starts"),
        (("--offline",), "--adopt needs a look at the host"),
    ):
        refused = bed.run("nbssh", "add", "box", "--adopt", "--yes", *words)
        assert refused.returncode == 1
        assert cause in refused.stderr
    assert not list((bed.remote_home / ".local/share/nbssh").glob("*"))


def test_a_socket_and_a_token_with_a_quotation_mark_are_told_as_what_they_are(bed: Bed) -> None:
    """The latter has a backslash in the file that Jupyter writes."""
    port = free_port()
    program = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program, "jupyter-lab"], env={"HOME": str(bed.remote_home)})
    file = bed.remote_home / f".local/share/jupyter/runtime/jpserver-{process.pid}.json"
    file.parent.mkdir(parents=True)
    said = {"base_url": "/", "password": False, "pid": process.pid, "port": 0, "secure": False, "token": 'a"b'}
    try:
        file.write_text(json.dumps(said, indent=2))
        refused = bed.run("nbssh", "add", "box", "--adopt", "--yes", "--remote-port", str(port))
        assert f"(pid {process.pid}) listens on a unix socket, and on no port" in refused.stderr
        assert "--remote-port 0" not in refused.stderr
        file.write_text(json.dumps(said | {"port": port}, indent=2))
        until(lambda: answers(port), "it listens")
        told = bed.nbssh("add", "box", "--adopt", "--yes").stderr
        assert "its token has characters that no address can hold" in told
        assert "neither password nor token" not in told
    finally:
        process.kill()
        process.wait()
