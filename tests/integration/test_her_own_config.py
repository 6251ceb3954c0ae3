"""Her ~/.jupyter holds the other half of what nbssh sets: each line of it, with a real Jupyter of each generation.

What half a setting did: no start, a hang of 120 s, 403 for the right password.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from serving import PASSWORD, add, free_port, kill, run_folder, start
from test_generations import environment

from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed

GENERATIONS = [("old", "lab"), ("old", "notebook"), ("new", "lab"), ("new", "notebook")]
TLS = """
    app.certfile, app.keyfile, app.client_ca = "/nowhere/cert.pem", "/nowhere/key.pem", "/nowhere/ca.pem"
    app.ssl_options = {"ca_certs": "/nowhere/ca.pem", "certfile": "/nowhere/cert.pem"}
"""
ADDRESS = """
    app.ip, app.port, app.sock, app.port_retries = "*", 1, "/nowhere/sock", 3
    app.allow_remote_access, app.custom_display_url = True, "https://elsewhere/"
    app.websocket_url, app.base_url = "wss://elsewhere", "/mine/"
"""
LOGIN = """
    app.password, app.token, app.password_required = "", "mine", True
c.IdentityProvider.token = c.PasswordIdentityProvider.token = "mine"
c.PasswordIdentityProvider.hashed_password = ""
c.PasswordIdentityProvider.password_required = True
c.IdentityProvider.secure_cookie = c.PasswordIdentityProvider.secure_cookie = True
c.IdentityProvider.cookie_options = {"secure": True, "domain": "elsewhere"}
c.ServerApp.identity_provider_class = "jupyter_server.auth.identity.IdentityProvider"
"""
OPENED = """
    app.file_to_run, app.open_browser = "nosuch.ipynb", True
"""
FOLDERS = """
    app.notebook_dir = "/usr"
c.ServerApp.root_dir = c.FileContentsManager.root_dir = c.MappingKernelManager.root_dir = "/usr"
c.ServerApp.preferred_dir = "/usr/lib"
"""
TABLE = {"TLS": TLS, "address": ADDRESS, "login": LOGIN, "opened": OPENED, "folders": FOLDERS}


def write_hers(bed: Bed, part: str) -> None:
    mine = bed.remote_home / ".jupyter"
    mine.mkdir(exist_ok=True)
    text = "c = get_config()\nfor app in c.ServerApp, c.NotebookApp:\n    app.quit_button = False\n" + part
    for file in ("jupyter_server_config.py", "jupyter_notebook_config.py"):
        (mine / file).write_text(text)


def opened(visitor: Visitor) -> set[str]:
    """Return what lies in the folder that the page shows."""
    listing = json.loads(visitor.page("api/contents"))
    return {entry["name"] for entry in listing["content"]}


def with_dir(bed: Bed, app: str, jupyter: Path) -> int:
    (bed.remote_home / "work").mkdir()
    (bed.remote_home / "work/here.txt").touch()
    return add(bed, "--app", app, "--dir", "work", "--remote-port", str(free_port()), jupyter=jupyter)


@pytest.mark.figure("her own settings x Jupyter versions")
@pytest.mark.parametrize("line", TABLE)
@pytest.mark.parametrize(("name", "app"), GENERATIONS, ids=str)
def test_the_other_half_of_a_setting(bed: Bed, name: str, app: str, line: str) -> None:
    jupyter = environment(name) / f"jupyter-{app}"
    write_hers(bed, TABLE[line])
    port = with_dir(bed, app, jupyter)
    start(bed)
    stranger = Visitor(f"http://127.0.0.1:{port}/")
    with pytest.raises(NbsshError):
        stranger.login("not the password")
    assert '"kernels"' not in stranger.page("api/status?token=mine"), "a token of ~/.jupyter opens the door"
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    assert opened(visitor) == {"here.txt"}
    assert visitor.run(visitor.start_kernel(), "6 * 7") == "42"
    kill(bed)


@pytest.mark.parametrize(("name", "app"), GENERATIONS, ids=str)
def test_her_own_folder_counts_where_the_profile_names_none(bed: Bed, name: str, app: str) -> None:
    jupyter = environment(name) / f"jupyter-{app}"
    mine = bed.remote_home / "books"
    mine.mkdir()
    (mine / "here.txt").touch()
    key = "NotebookApp.notebook_dir" if (name, app) == ("old", "notebook") else "ServerApp.root_dir"
    file = "jupyter_notebook_config.py" if (name, app) == ("old", "notebook") else "jupyter_server_config.py"
    (bed.remote_home / ".jupyter").mkdir()
    (bed.remote_home / ".jupyter" / file).write_text(f"c.{key} = {json.dumps(str(mine))}\n")
    port = add(bed, "--app", app, jupyter=jupyter)
    start(bed)
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    assert opened(visitor) == {"here.txt"}
    kill(bed)
    assert run_folder(bed).exists()
