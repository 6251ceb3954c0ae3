"""`app`: marimo, TensorBoard and what else a file describes, in place of Jupyter."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from bed import needs, until
from ports import free_port
from remote_helpers import SHELLS
from serving import api, detach, environment, fake_jupyter, kill, said, server_pid, start

from nbssh.core.files.app_files import Start
from nbssh.core.files.render import original, render
from nbssh.core.profile import app as apps
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed

# An app that a user describes by herself; it says at its start what it was told.
OWN = """
title = "My app"
program = "myapp"
command = ["{program}", "{socket}", "it's $HOME"]
listens = "socket"
ready = "/there"
"""
MYAPP = """#!/usr/bin/env python3
import http.server, json, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204 if self.path == "/there" else 404)
        self.end_headers()
    def address_string(self):
        return "socket"
with open(os.environ["HOME"] + "/told", "w") as file:
    json.dump([sys.argv[2], os.environ.get("JUPYTER_CONFIG_PATH"), os.getcwd()], file)
socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()
"""


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_one_that_she_described_herself(bed: Bed) -> None:
    folder = bed.local_home / ".config/nbssh/templates/apps"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "mine.toml").write_text(OWN)
    (folder / "mine.toml").chmod(0o600)
    program = bed.remote_home / "bin/myapp"
    program.parent.mkdir()
    program.write_text(MYAPP)
    program.chmod(0o755)
    port = free_port()
    (bed.remote_home / "work").mkdir()
    setup = ["--setup", f"PATH={program.parent}:$PATH", "--dir", "work"]
    bed.nbssh("add", "box", "--app", "mine", "--yes", "--port", str(port), *setup)
    session = start(bed)
    assert "My app started on" in said(session)
    assert json.loads((bed.remote_home / "told").read_text()) == ["it's $HOME", None, f"{bed.remote_home}/work"]
    assert status_of(port, "/there") == 204
    until(lambda: bed.opened, "the browser is called")
    detach(session)
    assert "My app" in bed.nbssh("status").stdout
    assert "My app answers at" in bed.nbssh("check", "box", timeout=120).stdout
    assert kill(bed).startswith("nbssh: stopped My app")
    assert "already up to date" in bed.nbssh("apply").stderr
    found = json.loads(bed.nbssh("doctor", "--offline", "--json").stdout)["checks"]
    assert [each["message"] for each in found if each["check"] == "templates"] == [
        "~/.config/nbssh/templates/apps/mine.toml is yours"
    ]
    # with a Jupyter in its place nothing of it stays on the host
    config = bed.remote_home / ".local/share/nbssh/box/config"
    assert {"start", "token"} <= {path.name for path in config.iterdir()}
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    theirs = profile.read_text()
    profile.write_text(theirs.replace('app = "mine"', f'app = "lab"\njupyter = "{fake_jupyter(bed)}"', 1))
    bed.nbssh("apply", "--yes")
    assert not {"start", "token"} & {path.name for path in config.iterdir()}
    profile.write_text(theirs)
    (folder / "mine.toml").unlink()
    done = bed.run("nbssh", "diff", "box")
    assert (done.returncode, "there is no app 'mine'" in done.stderr) == (1, True)


def test_marimo_lets_in_the_token_alone(bed: Bed) -> None:
    program, port, far = environment("apps") / "marimo", free_port(), free_port()
    where = ["--port", str(port), "--remote-port", str(far), "--jupyter", str(program)]
    bed.nbssh("add", "box", "--app", "marimo", "--yes", *where)
    session = start(bed)
    assert "marimo started on" in said(session)
    token = json.loads(bed.nbssh("url", "box", "--json").stdout)["token"]
    assert bed.nbssh("url", "box").stdout.strip() == f"http://127.0.0.1:{port}/?access_token={token}"
    # on the port itself, which everybody over there reaches, too
    for each in (port, far):
        assert status_of(each, "/health") == 200
        assert status_of(each, "/") == 401 or "login" in urllib.request.urlopen(f"http://127.0.0.1:{each}/").url
        assert status_of(each, "/api/status") in {401, 403}
        assert status_of(each, f"/api/status?access_token={token}") == 200
    until(lambda: bed.opened, "the browser is called")
    assert f"?access_token={token}" in (bed.local_home / ".local/state/nbssh/secrets/box.html").read_text()
    for pid, line in bed.leftovers().items():
        assert token not in line, pid
    assert token not in bed.nbssh("logs", "box").stdout
    detach(session)
    kill(bed)


def test_tensorboard_listens_on_a_socket_alone(bed: Bed) -> None:
    port = free_port()
    (bed.remote_home / "runs").mkdir()
    where = ["--port", str(port), "--jupyter", str(environment("apps") / "tensorboard"), "--dir", "runs"]
    done = bed.nbssh("add", "box", "--app", "tensorboard", "--yes", *where)
    assert "TensorBoard asks nobody for a login: while its tunnel is open, other users of this machine" in done.stderr
    session = start(bed)
    assert "TensorBoard started on" in said(session)
    assert api(port, "/data/environment")["data_location"] == "."
    assert server_pid(bed)
    assert f"pid={server_pid(bed)}," not in bed.run("ss", "-Hltnp").stdout
    detach(session)
    kill(bed)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('login = "access_token"', 'login = ""', "everybody on the host reaches a port"),
        ("{token_file}", "/dev/null", "everybody on the host reaches a port"),
        ('listens = "port"', 'listens = "socket"', "does not say where to listen"),
        ("{port}", "8080", "does not say where to listen"),
        ('ready = "/health"', 'ready = "/a b"', "$.ready"),
        ("title =", "titel =", "unknown field"),
        ('listens = "port"', "listens = ", "invalid value"),
    ],
)
def test_what_is_no_app(old: str, new: str, said: str) -> None:
    text = original("apps/marimo.toml")
    assert old in text
    with pytest.raises(NbsshError) as caught:
        apps.read("mine.toml", text.replace(old, new))
    assert caught.value.message.startswith("mine.toml: ")
    assert said in caught.value.message


@pytest.mark.parametrize("name", ["marimo", "tensorboard", "code-server", "rstudio", "pluto"])
def test_those_of_the_package_are_apps(name: str) -> None:
    found = apps.read(name, original(f"apps/{name}.toml"))
    assert found.words(dict.fromkeys(apps.PLACES, "X"))
    assert not [word for word in found.words(dict.fromkeys(apps.PLACES, "X")) if "{socket}" in word or "{port}" in word]


@pytest.mark.parametrize("name", ["marimo", "tensorboard", "code-server", "rstudio", "pluto"])
@pytest.mark.parametrize("shell", SHELLS)
def test_what_starts_one_runs_its_program_under_every_shell(name: str, shell: str, tmp_path: Path) -> None:
    """With an imitated program, which says its arguments."""
    needs(SHELLS[shell][0], "shellcheck")
    found = apps.read(name, original(f"apps/{name}.toml"))
    program = tmp_path / "it's/program"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf \'%s\\n\' "${JUPYTER_CONFIG_PATH-none}" "${PATH%%:*}" "$@"\n')
    program.chmod(0o755)
    places = {"program": str(program), "python": str(program), "socket": "/s k", "port": "7"}
    places["token_file"] = str(tmp_path / "token")
    (tmp_path / "token").write_text("t\n")
    words = found.words(places)
    start = tmp_path / "config/start"
    start.parent.mkdir()
    start.write_text(
        render(Start(name="x", title=found.title, seal="#", program=str(program), command=words)), encoding="utf-8"
    )
    done = subprocess.run(["shellcheck", "--shell=sh", start], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    env = {"PATH": f"{start.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    for path, left in ((f"{start.parent}:/mine", "/mine"), (str(start.parent), "none")):
        env["JUPYTER_CONFIG_PATH"] = path
        done = subprocess.run([*SHELLS[shell], start], env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        said = done.stdout.splitlines()
        assert said[:2] == [left, str(program.parent)]
        if words[0] == str(program):
            assert "\n".join(said[2:]) == "\n".join(words[1:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--app", "nosuch"], "--app nosuch: there is no such app"),
        (["--app", "marimo", "--idle", "1"], "'idle_hours' is for Jupyter"),
        (["--app", "marimo", "--forward", "socket"], "listens on a port"),
        (["--app", "tensorboard", "--forward", "tcp"], "listens on a socket"),
        (["--app", "marimo", "--password-stdin"], "exclude each other"),
    ],
)
def test_what_an_app_cannot_do(bed: Bed, words: list[str], said: str) -> None:
    done = bed.run("nbssh", "add", "box", *words, "--yes")
    assert done.returncode in {1, 2}
    assert said in done.stderr
