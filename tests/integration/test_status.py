"""`nbssh status`: the tunnel here and the server there, of all profiles at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from serving import add, close_tunnel, detach, end, kill, server_pid, start

if TYPE_CHECKING:
    from bed import Bed


def row(bed: Bed) -> dict[str, Any]:
    """Return what `status --json` says of box."""
    (only,) = json.loads(bed.nbssh("status", "--json").stdout)["profiles"]
    assert isinstance(only, dict)
    return only


def test_from_stopped_to_running_and_back(bed: Bed) -> None:
    port = add(bed)
    assert (row(bed)["state"], row(bed)["tunnel"]) == ("stopped", False)
    session = start(bed)
    assert (row(bed)["state"], row(bed)["tunnel"]) == ("running", True)
    heads, line = bed.nbssh("status").stdout.splitlines()
    assert heads.split()[:3] == ["NAME", "TUNNEL", "SERVER"]
    assert line.split()[:3] == ["box", str(port), "running"]
    detach(session)
    close_tunnel(bed)
    assert (row(bed)["state"], row(bed)["tunnel"]) == ("running", False)
    kill(bed)
    assert row(bed)["state"] == "stopped"


def test_kernels_are_counted(bed: Bed) -> None:
    add(bed, jupyter=bed.jupyter)
    detach(start(bed))
    assert row(bed)["kernels"] == 0
    assert row(bed)["since"] > 0
    kill(bed)


def test_a_server_that_died_is_not_running(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    end(server_pid(bed))
    close_tunnel(bed)
    assert row(bed)["state"] == "stopped"


def test_a_host_that_is_down_is_its_own_row_and_no_others(bed: Bed) -> None:
    add(bed)
    bed.nbssh("add", "gone", "gone.invalid", "--offline", "--yes", "--token")
    done = bed.run("nbssh", "status")
    assert done.returncode == 1
    states = {line.split()[0]: line.split()[2] for line in done.stdout.splitlines()[1:]}
    assert states == {"box": "stopped", "gone": "unknown"}
    assert "gone" in done.stderr
