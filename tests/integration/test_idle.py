"""`after_idle`: run once on the host when idleness has ended Jupyter, and never otherwise."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest
from bed import until
from serving import add, close_tunnel, detach, environment, kill, run_folder, servers, start

from nbssh.core.profile.profile import Profile, from_dict
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from bed import Bed

COMMAND = 'echo "$0 100% ${HOME##*/} it\'s" >>ran; umask >>ran'
# Jupyter looks once a minute whether it is used
SOONER = """
import tornado.ioloop
callback = tornado.ioloop.PeriodicCallback
tornado.ioloop.PeriodicCallback = lambda what, ms: callback(what, 300 if ms == 60000 else ms)
"""


def end_by_its_page(bed: Bed, port: int) -> None:
    """Shut Jupyter down as its menu does."""
    token = bed.nbssh("url", "box").stdout.strip().partition("token=")[2]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/api/shutdown", headers={"Authorization": f"token {token}"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize("name", ["lab", "notebook 6"])
def test_it_runs_once_when_idleness_has_ended_jupyter_and_only_then(bed: Bed, name: str) -> None:
    jupyter = bed.jupyter if name == "lab" else environment("old") / "jupyter-notebook"
    app = ["--app", "notebook"] if name != "lab" else []
    port = add(bed, *app, "--token", "--idle", "0.0003", "--after-idle", COMMAND, jupyter=jupyter, door="token")
    assert f"then runs      {COMMAND}" in bed.nbssh("show", "box").stdout
    ran, log = bed.remote_home / "ran", run_folder(bed) / "log"

    start(bed)
    kill(bed)
    until(lambda: not servers(bed), "it was stopped")
    if name == "lab":
        start(bed)
        end_by_its_page(bed, port)
        until(lambda: not servers(bed), "it was shut down")
        close_tunnel(bed)

    mine = bed.remote_home / ".jupyter"
    mine.mkdir(exist_ok=True)
    for file in ("jupyter_server_config.py", "jupyter_notebook_config.py"):
        (mine / file).write_text(SOONER)
    assert not ran.exists()
    start(bed)
    until(lambda: "after_idle ended with status 0" in log.read_text(), "it was run")
    assert ran.read_text().splitlines() == [f"/bin/sh 100% {bed.remote_home.name} it's", "0022"]
    assert not servers(bed)
    close_tunnel(bed)


def test_idleness_without_the_key_runs_nothing(bed: Bed) -> None:
    (bed.remote_home / ".jupyter").mkdir()
    (bed.remote_home / ".jupyter/jupyter_server_config.py").write_text(SOONER)
    add(bed, "--idle", "0.0003", jupyter=bed.jupyter)
    detach(start(bed))
    until(lambda: not servers(bed), "idleness ends it")
    assert "after_idle" not in (run_folder(bed) / "log").read_text()


@pytest.mark.parametrize("more", [{}, {"idle_hours": 1.0, "adopt": True}])
def test_it_means_nothing_where_idleness_ends_nothing(more: dict[str, object]) -> None:
    with pytest.raises(NbsshError):
        from_dict({"destination": "box", "port": 20000, "after_idle": "true", **more}, "test")
    assert isinstance(
        from_dict({"destination": "box", "port": 20000, "after_idle": "true", "idle_hours": 1.0}, "test"), Profile
    )
