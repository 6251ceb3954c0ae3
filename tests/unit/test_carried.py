"""What is carried to a host that nobody looked at: what is taken for granted of it, and what the README says."""

from __future__ import annotations

from typing import Any

import pytest

from nbssh.core.files import carried, server_files
from nbssh.core.profile.declared import Declared, Secret
from nbssh.core.profile.profile import Profile

HOME = "/home/alice"


def profile(**change: Any) -> Profile:  # noqa: ANN401  any key of a profile
    return Profile(**{"destination": "alice@box:2222", "port": 8888, **change})


def declared(home: str = HOME, user: str = "alice", **change: Any) -> Declared:  # noqa: ANN401  the same
    server = carried.unseen("mybox", profile(**change), home, user)
    return Declared("mybox", profile(**change, server=server), Secret(token="t0ken"), "0" * 16)


def test_a_server_that_nobody_looked_at_has_a_port_of_user_and_name() -> None:
    server = declared().server
    assert (server.forward, server.socket, server.hostname, server.jupyter) == ("tcp", "", "box", "jupyter-lab")
    assert 10000 <= server.port < 30000
    assert declared().server.port == server.port
    assert declared(user="bob").server.port != server.port
    assert declared(app="notebook").server.jupyter == "jupyter-notebook"


def test_a_socket_is_taken_where_it_is_wanted() -> None:
    server = declared(forward="socket").server
    assert (server.forward, server.socket, server.port) == ("socket", f"{HOME}/.local/state/nbssh/mybox/sock", 0)


@pytest.mark.parametrize(("user", "allowed"), [("root", True), ("alice", False)])
def test_jupyter_may_run_as_root_for_root_alone(user: str, *, allowed: bool) -> None:
    config = {file.path: file.data for file in carried.on_server(declared(user=user))}
    text = config[".local/share/nbssh/mybox/config/jupyter_server_config.json"]
    assert (b'"allow_root": true' in text) is allowed


def test_the_files_lie_below_the_home_whether_it_is_known_or_not() -> None:
    known, unknown = carried.on_server(declared()), carried.on_server(declared(home=""))
    assert [file.path for file in known] == [file.path for file in unknown]
    assert all(file.path.startswith(".local/share/nbssh/") for file in known)
    assert not any(HOME.encode() in file.data for file in unknown)


def test_programs_can_be_run_and_the_rest_is_private() -> None:
    found = {file.path.rpartition("/")[2]: file for file in carried.on_server(declared())}
    assert found["launch"].mode == 0o700
    assert found["launch"].data.startswith(b"#!")
    assert (found["lib.sh"].mode, found["jupyter_server_config.json"].mode) == (0o600, 0o600)
    assert found["profile"].data.decode() == server_files.settings_file(
        declared(), [file for file in server_files.remote_files(declared()) if "/config/" in file.path]
    ).text  # fmt: skip


@pytest.mark.parametrize(
    ("change", "copy"),
    [
        ({}, "scp -r -P 2222 server/.local alice@box:"),
        ({"destination": "box"}, "scp -r server/.local box:"),
        ({"ssh_options": ["ProxyJump=a gate"]}, "scp -r -P 2222 '-oProxyJump=a gate' server/.local alice@box:"),
        # scp takes what is before the first colon for the host
        ({"destination": "ssh://alice@[2001:db8::1]:22"}, "scp -r -P 22 server/.local 'alice@[2001:db8::1]:'"),
        ({"destination": "::1"}, "scp -r server/.local '[::1]:'"),
    ],
)
def test_the_readme_says_how_to_copy(change: dict[str, Any], copy: str) -> None:
    said = carried.readme(declared(**change), "/home/me", seen=False)
    assert f"2. On the host, into your home there:       {copy}\n" in said
    assert "The laptop's home is /home/me:" in said
    assert "ssh mybox-nb    and    ssh mybox-nb-kill\n" in said


def test_the_readme_says_which_jupyter_it_is_and_where_the_tunnel_ends() -> None:
    said = carried.readme(declared(), "/home/me", seen=False)
    assert "JupyterLab is jupyter-lab, from the PATH of your login shell on the host" in said
    assert f"The tunnel ends at 127.0.0.1:{declared().server.port} on the host; what keeps strangers" in said
    known = carried.readme(declared(jupyter="/opt/j/bin/jupyter-lab", forward="socket"), "/home/me", seen=True)
    assert "6. JupyterLab is /opt/j/bin/jupyter-lab\n" in known
    folder = carried.readme(declared(jupyter="~/.venv/"), "/home/me", seen=False)
    assert "6. JupyterLab is ~/.venv/, or where that is a folder ~/.venv/bin/jupyter-lab\n" in folder
    assert f"ends at {HOME}/.local/state/nbssh/mybox/sock on the host; as the host's last look gave it." in known
