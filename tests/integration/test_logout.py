"""Where systemd ends what a user leaves behind (KillUserProcesses=yes): a scope of her own manager, or a plain word."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from bed import SYSTEM_PATH, needs, needs_root
from remote_helpers import FAKE_JUPYTER, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_helpers import Server

PYTHON = "/usr/bin/python3"
SCOPE = """\
#!/bin/sh
[ "$1 $2 $3" = "--user --scope --quiet" ] || exit 1
shift 3
[ "$1" = true ] || echo "$XDG_RUNTIME_DIR" >>~/scopes
exec "$@"
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a host on which logind kills, and a user who is not root."""
    needs_root("become another user")
    needs("setpriv", "python3")
    uid = 20_000 + os.getpid() % 30_000
    with servers() as make:
        made = make(python=PYTHON)
        made.shell = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "dash"]
        made.fake.write_text(FAKE_JUPYTER.format(python=PYTHON))
        stubs = made.root / "stubs"
        stubs.mkdir()
        (stubs / "busctl").write_text("#!/bin/sh\necho b true\n")
        (stubs / "loginctl").write_text('#!/bin/sh\ncat "$HOME/linger" 2>/dev/null\n')
        (stubs / "systemd-run").write_text(SCOPE)
        for stub in stubs.iterdir():
            stub.chmod(0o755)
        made.env["PATH"] = f"{stubs}:{SYSTEM_PATH}"
        made.root.parent.chmod(0o711)
        for folder, _, files in os.walk(made.root):
            for path in (folder, *(f"{folder}/{name}" for name in files)):
                os.chown(path, uid, uid)
        yield made


def test_a_session_says_that_it_ends_with_her(server: Server) -> None:
    _, said = server.up()
    assert "systemd ends it (KillUserProcesses=yes)" in said
    assert "there: loginctl enable-linger" in said
    assert "the server keeps running" not in said
    assert not (server.home / "scopes").exists()
    assert "stopped" in server.call("kill").stdout


def test_it_stays_in_a_scope_of_a_manager_that_lingers(server: Server) -> None:
    (server.home / "linger").write_text("Linger=yes\n")
    _, said = server.up()
    assert "KillUserProcesses" not in said
    assert "the server keeps running" in said
    assert (server.home / "scopes").read_text().startswith("/run/user/")
    assert "stopped" in server.call("kill").stdout
