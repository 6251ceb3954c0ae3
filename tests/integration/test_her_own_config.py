"""Her ~/.jupyter holds the other half of what nbssh sets, with a real Jupyter of each generation.

What half a setting did: no start, a hang of 120 s, 403 for the right password.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from quick import quick
from serving import PASSWORD, add, environment, free_port, kill, run_folder, start

from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed

NEWEST = ("new", "lab")
GENERATIONS = [("old", "lab"), ("old", "notebook"), ("new", "notebook"), NEWEST]
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
    app.cookie_options, app.get_secure_cookie_kwargs = {"secure": True}, {"max_age_days": 0}
    app.login_handler_class = __import__("tornado.web").web.RequestHandler
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


def write_hers(bed: Bed, *parts: str) -> None:
    mine = bed.remote_home / ".jupyter"
    mine.mkdir(exist_ok=True)
    each = "for app in c.ServerApp, c.NotebookApp:\n    app.quit_button = False\n"
    text = "c = get_config()\n" + "".join(each + part for part in parts)
    for file in ("jupyter_server_config.py", "jupyter_notebook_config.py"):
        (mine / file).write_text(text)


def write_file(bed: Bed, name: str, text: str) -> None:
    mine = bed.remote_home / ".jupyter"
    mine.mkdir(exist_ok=True)
    (mine / name).write_text(text)


def opened(visitor: Visitor) -> set[str]:
    """Return what lies in the folder that the page shows."""
    listing = json.loads(visitor.page("api/contents"))
    return {entry["name"] for entry in listing["content"]}


def with_dir(bed: Bed, app: str, jupyter: Path) -> int:
    (bed.remote_home / "work").mkdir()
    (bed.remote_home / "work/here.txt").touch()
    return add(bed, "--app", app, "--dir", "work", "--remote-port", str(free_port()), jupyter=jupyter)


@pytest.mark.figure("her own settings x Jupyter versions")
@pytest.mark.parametrize(
    ("name", "app", "parts"),
    # one by one with one Jupyter; with the others all at once
    [(*NEWEST, (part,)) for part in TABLE] + [(*each, tuple(TABLE)) for each in GENERATIONS if each != NEWEST],
    ids=str,
)
def test_the_other_half_of_a_setting(bed: Bed, name: str, app: str, parts: tuple[str, ...]) -> None:
    jupyter = quick(environment(name) / f"jupyter-{app}")
    write_hers(bed, *(TABLE[part] for part in parts))
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
    jupyter = quick(environment(name) / f"jupyter-{app}")
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


WARNING = re.compile(r"^\[[WEC] .*", re.MULTILINE)


@pytest.mark.parametrize("app", ["lab", "notebook", "server"])
@pytest.mark.parametrize("folder", [True, False])
def test_a_start_leaves_no_warning_of_ours(bed: Bed, app: str, folder: bool) -> None:  # noqa: FBT001
    """Her own configuration of today's names causes none either; what was commented out is not there."""
    jupyter = quick(environment("new") / f"jupyter-{app}")
    write_file(bed, "jupyter_notebook_config.py", "# c.NotebookApp.ip = 'localhost'\n")
    write_file(bed, "jupyter_server_config.py", "c.ServerApp.ip = '*'\nc.ServerApp.port = 1\n")
    port = with_dir(bed, app, jupyter) if folder else add(bed, "--app", app, "--idle", "1", jupyter=jupyter)
    start(bed)
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    log = (run_folder(bed) / "log").read_text()
    words = ("deprecated", "moved", "recognized")
    assert [line for line in WARNING.findall(log) if any(word in line for word in words)] == []
    kill(bed)


@pytest.mark.parametrize("where", ["lab", "notebook", "server", "by path"])
def test_older_sections_of_hers_change_nothing(bed: Bed, where: str) -> None:
    """They would be moved to the newer section, and win there."""
    jupyter = quick(environment("new") / "jupyter-lab")
    text = "c.%s.ip = '*'\nc.%s.certfile = '/nowhere'\nc.%s.token = 'mine'\nc.%s.base_url = '/mine/'\n"
    if where == "by path":
        (bed.remote_home / "more").mkdir()
        (bed.remote_home / "more/jupyter_lab_config.py").write_text(text.replace("%s", "LabApp"))
        (bed.remote_home / ".profile").write_text("export JUPYTER_CONFIG_PATH=$HOME/more\n")
    else:
        section, file = {
            "lab": ("LabApp", "lab"),
            "notebook": ("NotebookApp", "lab"),
            "server": ("ServerApp", "server"),
        }[where]
        more = "c.%s.password = ''\n" if where == "server" else ""
        write_file(bed, f"jupyter_{file}_config.py", (text + more).replace("%s", section))
    port = with_dir(bed, "lab", jupyter)
    start(bed)
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    assert opened(visitor) == {"here.txt"}
    assert '"kernels"' not in Visitor(f"http://127.0.0.1:{port}/").page("api/status?token=mine")
    kill(bed)
