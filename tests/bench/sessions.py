"""The experiments with a Jupyter in them: start, attach, stop, and what goes through the tunnel."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from bed import BIN, REPOSITORY, is_running
from measure import Comparison, Experiment
from ports import free_port
from stage import LIMIT, PORT, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

FORWARD = REPOSITORY / ".venv-bench-forward/bin/jupyter-forward"
MEGABYTES = 200
HAND, FIELD, LOGIN = "the recipe by hand", "jupyter-forward", "ssh box true"


def cold_ours(stage: Stage) -> dict[str, float]:
    """`ssh box-nb` with nothing running, until the page and until the browser."""
    stage.nothing_runs()
    wall, began = time.time(), time.monotonic()
    stage.terminal("ssh", "box-nb")
    return {"page": stage.page(began), "browser": stage.browser(wall)}


def cold_hand(stage: Stage) -> dict[str, float]:
    """Type the recipe that everybody types."""
    stage.nothing_runs()
    far_end = free_port()
    words = f"exec {BIN}/jupyter lab --no-browser --port={far_end} --ServerApp.port_retries=0"
    began = time.monotonic()
    stage.terminal("ssh", "-tt", "-L", f"127.0.0.1:{PORT}:127.0.0.1:{far_end}", "box", words)
    return {"page": stage.page(began)}


def cold_field(stage: Stage) -> dict[str, float]:
    """Run what PyPI has for the purpose; it needs a name of an environment, and `activate` on PATH will do."""
    stage.nothing_runs()
    wall, began = time.time(), time.monotonic()
    stage.terminal(str(FORWARD), "box", "--port", str(PORT), "--conda-env", "here")
    return {"page": stage.page(began), "browser": stage.browser(wall)}


def attach(stage: Stage) -> dict[str, float]:
    """`ssh box-nb` with a server running and no connection open."""
    stage.no_sessions()
    began = time.monotonic()
    stage.terminal("ssh", "box-nb")
    page = stage.page(began)
    stage.no_sessions()
    return {"page": page}


def login(stage: Stage) -> dict[str, float]:
    """Do nothing on the server: no tool can be faster than ssh itself."""
    return {"return": stage.run("ssh", "box", "true")}


def second(stage: Stage) -> dict[str, float]:
    """`ssh box-nb` while another one is open."""
    first = stage.terminal("ssh", "box-nb")
    first.until(b"stop it")
    began = time.monotonic()
    stage.terminal("ssh", "box-nb").until(b"open http://")
    seconds = time.monotonic() - began
    stage.no_sessions()
    return {"prints": seconds}


def kill(stage: Stage) -> dict[str, float]:
    """`ssh box-nb-kill` with an idle server and no connection open."""
    stage.server_runs()
    return {"return": stage.run("ssh", "box-nb-kill")}


def terminate(stage: Stage) -> dict[str, float]:
    """Jupyter's own end after SIGTERM."""
    stage.server_runs()
    pid = stage.server_pid()
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    while is_running(pid):
        time.sleep(0.001)
    return {"ends": time.monotonic() - began}


def download_ours(stage: Stage) -> dict[str, float]:
    """Get a large file from Jupyter's files API, through the tunnel of `ssh box-nb`."""
    session = stage.terminal("ssh", "box-nb")
    session.until(b"stop it")
    stage.page(time.monotonic())
    seconds = _download(stage)
    stage.no_sessions()
    return {"seconds": seconds}


def download_hand(stage: Stage) -> dict[str, float]:
    """Get the same file from the same server, through `ssh -L`."""
    sock = stage.remote / ".local/state/nbssh/box/sock"
    stage.terminal("ssh", "-N", "-L", f"127.0.0.1:{PORT}:{sock}", "box")
    stage.page(time.monotonic())
    seconds = _download(stage)
    stage.no_sessions()
    return {"seconds": seconds}


def _server_with_file(stage: Stage) -> None:
    block = os.urandom(1 << 20)
    with (stage.remote / "big.bin").open("wb") as file:
        for _ in range(MEGABYTES):
            file.write(block)
    stage.server_runs()


def _download(stage: Stage) -> float:
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=LIMIT)
    connection.request("GET", "/files/big.bin", headers={"Authorization": f"token {stage.token}"})
    answer = connection.getresponse()
    got = 0
    while part := answer.read(1 << 16):
        got += len(part)
    connection.close()
    if got != MEGABYTES << 20:
        raise RuntimeError(f"{got} bytes arrived: {answer.status}")
    return time.monotonic() - began


def experiments() -> Iterator[Experiment]:
    """Return what there is to measure; jupyter-forward only where it is installed."""
    field = FORWARD.exists()
    if not field:
        sys.stderr.write(f"bench: {FORWARD} is not there: without jupyter-forward\n")
    contenders = {"nbssh": cold_ours, HAND: cold_hand} | ({FIELD: cold_field} if field else {})
    for key, there, (near, far), goals in (
        ("cold", True, (0.40, 0.50), (0.35, 0.25)),
        ("cold-plain", False, (0.80, 0.80), (0.60, 0.60)),
    ):
        what = "cold start" + ("" if there else ", without rfc3987_syntax")
        found = [Comparison(f"{what}, page", ("nbssh", "page"), (HAND, "page"), near, far_goal=far)]
        if field:
            found.append(Comparison(f"{what}, page", ("nbssh", "page"), (FIELD, "page"), goals[0]))
            found.append(Comparison(f"{what}, browser", ("nbssh", "browser"), (FIELD, "browser"), goals[1]))
        yield Experiment(
            key,
            contenders,
            tuple(found),
            before=partial(Stage.has_rfc3987, there=there),
            after=partial(Stage.has_rfc3987, there=True),
        )
    yield Experiment(
        "attach",
        {"nbssh": attach, LOGIN: login},
        (Comparison("attach, page", ("nbssh", "page"), (LOGIN, "return"), 1.05),),
        before=Stage.server_runs,
    )
    yield Experiment(
        "second",
        {"nbssh": second, LOGIN: login},
        (Comparison("second session, URL", ("nbssh", "prints"), (LOGIN, "return"), 0.15),),
        before=Stage.server_runs,
    )
    yield Experiment(
        "kill",
        {"nbssh": kill, LOGIN: login, "SIGTERM": terminate},
        (
            Comparison(
                "kill, prompt", ("nbssh", "return"), (LOGIN, "return"), 1.15, sums=("SIGTERM", "ends"),
                against=f"{LOGIN} + Jupyter's own end",
            ),
        ),
    )  # fmt: skip
    yield Experiment(
        "download",
        {"nbssh": download_ours, HAND: download_hand},
        (
            Comparison(
                f"{MEGABYTES} MB download", ("nbssh", "seconds"), (HAND, "seconds"), 1 / 0.98, against="ssh -L by hand"
            ),
        ),
        before=_server_with_file,
    )  # fmt: skip
