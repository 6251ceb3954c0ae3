"""`nbssh status`: the tunnel here and the server there, of all profiles at once."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bed import until
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


NVIDIA_SMI = """#!/bin/sh
case $* in *--query-gpu=memory.used,memory.total,utilization.gpu*--format=csv,noheader,nounits*) ;; *) exit 6 ;; esac
printf '%s\\n' '3072, 24576, 37' '[N/A], 1024, [N/A]' 'No devices were found' '"}, 1, 2'
"""


def scratch_files() -> set[Path]:
    """Return where a host keeps what a tool says, until it is read."""
    return set(Path("/tmp").glob("nbssh.??????"))


def test_wide_tells_of_the_machine(bed: Bed) -> None:
    add(bed)
    before = scratch_files()
    program = bed.remote_home / "bin/nvidia-smi"
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace("PATH=", f"PATH={program.parent}:", 1))
    machine = row(bed)["machine"]
    assert machine["cpus"] == os.cpu_count() or machine["cpus"] > 0
    assert 0 < machine["memory_free"] < machine["memory_total"]
    assert machine["load"] >= 0
    assert machine["gpus"] == [
        {"load": 37, "memory_total": 24576 << 20, "memory_used": 3072 << 20},
        {"load": None, "memory_total": 1024 << 20, "memory_used": None},
        {"load": 2, "memory_total": 1 << 20, "memory_used": None},
    ]
    heads, line = bed.nbssh("status", "--wide").stdout.splitlines()
    assert heads.split()[-3:] == ["LOAD", "FREE", "GPUS"]
    assert "37 % 3.0 of 24 GiB, - % -, 2 % -" in line
    assert "GPUS" not in bed.nbssh("status").stdout
    until(lambda: not scratch_files() - before, "what the driver said lies nowhere")  # those of other tests come and go
    # a driver that hangs takes nothing else along
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    assert row(bed)["machine"]["gpus"] == []


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


def test_a_destination_that_lets_nobody_in_is_tried_once_for_all_its_profiles(bed: Bed) -> None:
    add(bed)
    tries = bed.folder / "tries"
    # the shell keeps the connection open until its line is written
    proxy = f"Host box\n    ProxyCommand sh -c 'echo >>{tries}'\n"
    bed.ssh_config.write_text(proxy + bed.ssh_config.read_text())
    names = ["box", "other", "third"]
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    for number, name in enumerate(names[1:], 1):
        text = re.sub(r"(?m)^port = (\d+)", lambda found: f"port = {int(found[1]) + number}", profile.read_text())  # noqa: B023
        profile.with_name(f"{name}.toml").write_text(text)
    done = bed.run("nbssh", "status", *names)
    assert done.returncode == 1
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["unknown"] * 3
    assert done.stderr.count("could not connect") == 1
    assert tries.read_text() == "\n"
