"""Every generation of Jupyter: log in with the password, run a cell over its WebSocket, through socket and port.

The login shells take turns, so that each meets a real Jupyter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bed import needs, until
from serving import (
    PASSWORD,
    add,
    close_tunnel,
    detach,
    ended,
    environment,
    free_port,
    headers,
    said,
    server_pid,
    servers,
    start,
)

from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed

# environment, --app, what `nbssh add` must have seen there, login shell
GENERATIONS = [
    ("old", "lab", "JupyterLab 3.", "/bin/bash"),
    ("old", "notebook", "Jupyter Notebook 6.5", "/usr/bin/zsh"),
    ("old", "server", "Jupyter Server 1.", "/usr/bin/fish"),
    ("new", "lab", "JupyterLab 4.", "/usr/bin/tcsh"),
    ("new", "notebook", "Jupyter Notebook 7.", "/usr/bin/mksh"),
    ("new", "server", "Jupyter Server 2.", "/usr/bin/ksh"),
]

# Everything that could lead the tunnel, the browser or the password astray, and one thing that is the user's own.
USERS_OWN = """
c = get_config()
for app in c.ServerApp, c.NotebookApp, c.LabApp:
    app.ip = "0.0.0.0"
    app.port = 1
    app.port_retries = 3
    app.base_url = "/mine/"
    app.certfile = "/nowhere/cert.pem"
    app.keyfile = "/nowhere/key.pem"
    app.password = "sha1:0123456789ab:0000000000000000000000000000000000000000"
    app.token = "mine"
    app.sock = "/nowhere/sock"
    app.sock_mode = "0666"
    app.open_browser = True
    app.notebook_dir = "/usr"
    app.tornado_settings = {"headers": {"X-Mine": "still counts"}}
c.ServerApp.root_dir = "/usr"
c.IdentityProvider.token = "mine"
c.PasswordIdentityProvider.hashed_password = "sha1:0123456789ab:0000000000000000000000000000000000000000"
"""


@pytest.mark.figure("shells x Jupyter versions")
@pytest.mark.parametrize("forward", ["socket", "tcp"])
@pytest.mark.parametrize(("name", "app", "seen", "shell"), GENERATIONS, ids=lambda value: str(value).rpartition("/")[2])
def test_a_cell_runs(  # noqa: PLR0917  one for each column
    make_bed: Callable[..., Bed], name: str, app: str, seen: str, shell: str, forward: str
) -> None:
    needs(shell)
    jupyter = environment(name) / f"jupyter-{app}"
    bed = make_bed(shell=shell)
    mine = bed.remote_home / ".jupyter"
    mine.mkdir()
    for file in ("jupyter_server_config.py", "jupyter_notebook_config.py", "jupyter_lab_config.py"):
        (mine / file).write_text(USERS_OWN)
    (bed.remote_home / "work").mkdir()
    far = str(free_port())
    port = add(bed, "--app", app, "--forward", forward, "--remote-port", far, "--dir", "work", jupyter=jupyter)
    assert seen in bed.nbssh("show", "box").stdout
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert bed.opened == [f"http://127.0.0.1:{port}/"]

    stranger = Visitor(f"http://127.0.0.1:{port}/")
    with pytest.raises(NbsshError):
        stranger.login("not the password")
    assert '"kernels"' not in stranger.page("api/status?token=mine"), "a token of ~/.jupyter opens the door"
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    assert headers(port)["X-Mine"] == "still counts"
    kernel = visitor.start_kernel()
    assert visitor.run(kernel, "import os; print(os.getcwd()); 6 * 7") == f"{bed.remote_home}/work\n42"
    (server,) = servers(bed)
    assert server == server_pid(bed)
    detach(session)
    again = start(bed)
    assert "is already running on" in said(again)
    assert visitor.kernels() == [kernel]
    assert f"(pid {server})" in bed.run("ssh", "box-nb-kill").stdout
    status, words = ended(again)
    assert (status, "was stopped" in words) == (0, True)
    close_tunnel(bed)
    until(lambda: not servers(bed), "the server ends")
    # the gate of a port goes a moment after its server
    gone = {"sock", "lock", "record", "ready"}
    state = bed.remote_home / ".local/state/nbssh"
    until(lambda: not gone & {path.name for path in state.rglob("*")}, "nothing of it is left")
