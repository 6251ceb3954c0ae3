"""Every rendered file, byte for byte, against tests/golden. After a wanted change: NBSSH_GOLDEN=write make test."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from nbssh.batch.route import TITLES
from nbssh.core import way
from nbssh.core.files import laptop_files, server_files
from nbssh.core.files.change import is_edited
from nbssh.core.files.program import program
from nbssh.core.files.render import render
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile, Scheduler, Server
from nbssh.steps.connect import Call
from nbssh.steps.forwarding import ForwardTest
from nbssh.steps.server_files import Install, Look, Wanted
from nbssh.windows.client import WINDOWS
from nbssh.wings import way_of

if TYPE_CHECKING:
    from nbssh.core.files.template import Template

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
LOCAL = laptop_files.Local(
    conf="/home/me/.ssh/nbssh.d/mybox.conf",
    opener="/home/me/.ssh/nbssh.d/open",
    control_socket="/home/me/.ssh/nbssh.d/mybox.ctl",
    node_socket="/home/me/.ssh/nbssh.d/mybox.node",
    redirect="/home/me/.local/state/nbssh/secrets/mybox.html",
    known_hosts="/home/me/.ssh/nbssh.d/mybox.known_hosts",
    key="/home/me/.local/state/nbssh/secrets/mybox.key",
)
ON_WINDOWS = laptop_files.Local(
    conf=r"C:\Users\Zoë O'Neil\.ssh\nbssh.d\mybox.conf",
    opener=r"C:\Users\Zoë O'Neil\.ssh\nbssh.d\open.cmd",
    control_socket="",
    redirect=r"C:\Users\Zoë O'Neil\AppData\Local\nbssh\secrets\mybox.html",
    client=WINDOWS,
)
SERVER = Server(
    home="/home/alice", uid=1000, hostname="gpu1", os="Linux", jupyter="/home/alice/miniforge3/bin/jupyter-lab",
    python="/home/alice/miniforge3/bin/python3.12", version="4.6.6", forward="socket",
    socket="/home/alice/.local/state/nbssh/mybox/sock",
)  # fmt: skip
PROFILE = Profile(destination="mybox", port=8888, server=SERVER)
TCP = Profile(
    destination="root@10.0.0.5:2222", port=10090, app="notebook", dir="notes/it's", idle_hours=12.0, forward="tcp",
    remote_port=10080, setup=["module load anaconda", "conda activate 'my env'"], setup_shell=["/bin/bash", "-l"],
    server=msgspec.structs.replace(SERVER, uid=0, forward="tcp", socket="", port=10080),
)  # fmt: skip
JOB_SERVER = msgspec.structs.replace(
    SERVER, socket="/tmp/nbssh-1000/mybox.sock", via="srun", host_keys=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4e"]
)
JOBS = {
    kind: msgspec.structs.replace(
        PROFILE,
        scheduler=Scheduler(kind=kind, options=["--gres=gpu:1", "it's"]),
        server=msgspec.structs.replace(JOB_SERVER, via="srun" if kind == "slurm" else "relay"),
    )
    for kind in TITLES
}
HASH = "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdHNhbHQ$aGFzaGhhc2g"
DIRECTIVES = [("HostName", "10.0.0.5"), ("User", "alice"), ("ProxyJump", "gate")]


def declared(profile: Profile, secret: Secret) -> Declared:
    return Declared("mybox", profile, secret, "fedcba9876543210", way_of(profile))


def rendered() -> dict[str, str]:
    """Return all files of two profiles, one as plain as can be and one with everything set."""
    files = {
        "socket/mybox.conf": laptop_files.ssh_config("mybox", PROFILE, LOCAL, DIRECTIVES),
        "tcp/mybox.conf": laptop_files.ssh_config("mybox", TCP, LOCAL, DIRECTIVES),
        "no-master/mybox.conf": laptop_files.ssh_config(
            "mybox",
            msgspec.structs.replace(PROFILE, browser=False),
            msgspec.structs.replace(LOCAL, control_socket=f"/home/{'a' * 90}/mybox.ctl"),
            DIRECTIVES,
        ),
        "windows/mybox.conf": laptop_files.ssh_config("mybox", PROFILE, ON_WINDOWS, DIRECTIVES),
        "windows/open.cmd": laptop_files.opener(r"C:\Users\Zoë O'Neil\AppData\Local\nbssh\secrets", WINDOWS),
        "open": laptop_files.opener("/home/me/.local/state/nbssh/secrets"),
        "redirect.html": laptop_files.redirect("mybox", PROFILE, "t0ken-_"),
    }
    for kind, profile, secret in (
        ("socket", PROFILE, Secret(hash=HASH)), ("tcp", TCP, Secret(token="t0ken-_")),
    ):  # fmt: skip
        for file in server_files.remote_files(declared(profile, secret)):
            files[f"{kind}/{Path(file.path).name}"] = file.text
    for job, profile in JOBS.items():
        files[f"{job}/profile"] = server_files.settings_file(declared(profile, Secret())).text
        files[f"{job}/mybox.conf"] = laptop_files.ssh_config("mybox", profile, LOCAL, DIRECTIVES, way_of(profile))
    slurm = JOBS["slurm"]
    assert slurm.server
    elsewhere = msgspec.structs.replace(slurm.server, via="auto", folder="/scratch/alice/.nbssh")
    untried = msgspec.structs.replace(slurm, server=elsewhere, server_dir="/scratch/alice/.nbssh")
    files["untried/mybox.conf"] = laptop_files.ssh_config("mybox", untried, LOCAL, DIRECTIVES, way_of(untried))
    files["slurm/known_hosts"] = way.known_hosts("mybox", slurm.server.host_keys)
    for model in SENT:
        files[model.templates[0]] = render(model)
    return files


SENT: list[Template] = [
    Look(
        share="/home/alice/.local/share/nbssh", programs=[Wanted("0123456789abcdef", ["launch", "lib.sh"])],
        folders=["/home/alice/.local/share/nbssh/mybox", "/home/it's"],
    ),
    Install(
        name="mybox", share="/home/alice/.local/share/nbssh", data="/home/alice/.local/share/nbssh/mybox",
        states="/home/alice/.local/state/nbssh",
        program="/home/alice/.local/share/nbssh/program/0123456789abcdef",
        parts=[server_files.parcel("launch", b"#!/bin/sh\n", 0o700), server_files.parcel("lib.sh", b"# x\n", 0o600)],
        files=[server_files.parcel("/home/alice/.local/share/nbssh/mybox/config/x.json", b'{"a": "$(id)"}\n', 0o600)],
        deleted=["/home/alice/.local/share/nbssh/mybox/old"], emptied=["/home/alice/.local/share/nbssh/mybox"],
        tidies=True, profile="/home/alice/.local/share/nbssh/mybox/profile", sums=["", "4294967295 0"],
    ),
    Call(
        share="/home/alice/.local/share/nbssh", name="mybox", laptop="fedcba9876543210", program="0123456789abcdef",
        script="batch/job", words=("keys", "it's"),
    ),
    ForwardTest(nonce="0123456789abcdef", python="/usr/bin/python3", path="/home/alice/try", port=10080),
]  # fmt: skip


def steady(text: str) -> bytes:
    """Return `text` as it is kept: without the names of programs, which change with each of their bytes, and seals."""
    for part in ("", "batch"):
        text = text.replace(program(part).id, "PROGRAM")
    return re.sub(r"(nbssh-checksum: sha256:)[0-9a-f]{64}", r"\1...", text).encode()


@pytest.mark.parametrize("name", sorted(rendered()))
def test_rendered_as_before(name: str) -> None:
    golden, data = GOLDEN / name, steady(rendered()[name])
    if os.environ.get("NBSSH_GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_bytes(data)
    assert data == golden.read_bytes()


def test_no_golden_file_is_left_over() -> None:
    found = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}
    assert found == set(rendered())


def test_generated_files_carry_a_seal_that_breaks_when_they_are_edited() -> None:
    sealed = {name: text.encode() for name, text in rendered().items() if is_edited(text.encode()) is not None}
    assert {"socket/mybox.conf", "open", "socket/profile", "tcp/profile", "windows/open.cmd"} <= set(sealed)
    for text in sealed.values():
        assert is_edited(text) is False
        assert is_edited(text + b"# mine\n") is True
        assert is_edited(text.replace(b"nbssh", b"nbsh", 1)) is True


def test_jupyter_gets_the_hash_under_every_generations_name() -> None:
    files = rendered()
    new = msgspec.json.decode(files["socket/jupyter_server_config.json"])
    old = msgspec.json.decode(files["socket/jupyter_notebook_config.json"])
    assert new["PasswordIdentityProvider"]["hashed_password"] == HASH
    assert new["ServerApp"]["password"] == HASH
    assert old["NotebookApp"]["password"] == HASH
    for app in (new["ServerApp"], old["NotebookApp"]):
        assert (app["sock_mode"], app["port_retries"], app["token"], app["open_browser"]) == ("0600", 0, "", False)
        assert "allow_root" not in app


def test_root_and_idle_and_token_reach_jupyter() -> None:
    config = msgspec.json.decode(rendered()["tcp/jupyter_server_config.json"])
    assert config["ServerApp"]["allow_root"] is True
    assert config["ServerApp"]["root_dir"] == "/home/alice/notes/it's"
    assert config["ServerApp"]["shutdown_no_activity_timeout"] == 43200
    assert config["MappingKernelManager"]["cull_idle_timeout"] == 43200
    assert config["IdentityProvider"]["token"] == "t0ken-_"
    assert config["ServerApp"]["sock"] == ""  # or one of the user's own ~/.jupyter would count
