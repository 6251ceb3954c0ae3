"""A session that can have no master (MaxSessions 1) is known to all commands: by the ssh that holds its port."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING

from bed import needs, until
from ports import free_port
from serving import PASSWORD, add, detach, kill, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed


def test_status_doctor_and_open_know_it(make_bed: Callable[..., Bed]) -> None:
    needs("lsof")
    bed = make_bed(extra=["MaxSessions 1"])
    port = add(bed)
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert json.loads(bed.nbssh("status", "--json").stdout)["profiles"][0]["tunnel"] is True
    doctor = bed.nbssh("doctor", "box").stdout
    assert "its tunnel is open" in doctor
    opened = bed.nbssh("open", "box")
    assert opened.stdout == f"http://127.0.0.1:{port}/\n"
    assert "Ctrl-C in its terminal, or: kill " in opened.stderr
    until(lambda: len(bed.opened) == 2, "the browser is called again")
    refused = bed.run("nbssh", "check", "box", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert refused.returncode == 1
    assert "a session of box-nb is open" in refused.stderr
    # what changes the tunnel leaves it to its terminal, and says so
    told = "box-nb is open, and keeps the tunnel that it has; end it: Ctrl-C in its terminal, or: kill "
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    whole = profile.read_text()
    bed.env["EDITOR"] = f"sed -i s/{port}/{free_port()}/"
    assert told in bed.nbssh("edit", "box", "--offline", "--yes").stderr
    profile.write_text(whole)
    assert told not in bed.nbssh("apply", "box", "--offline", "--yes").stderr
    detach(session)
    closing_line = bed.nbssh("open", "box").stderr.strip().splitlines()[-1]
    pid = closing_line.rpartition("kill ")[2]
    assert bed.run("kill", pid).returncode == 0
    until(lambda: json.loads(bed.nbssh("status", "--json").stdout)["profiles"][0]["tunnel"] is False, "it is closed")
    kill(bed)


def test_a_port_that_another_program_has_is_told_with_its_name(bed: Bed) -> None:
    needs("lsof")
    port = add(bed)
    with closing(socket.create_server(("127.0.0.1", port))):
        for words, status in ((("open", "box"), 255), (("check", "box", "--password-stdin"), 1)):
            refused = bed.run("nbssh", *words, stdin=f"{PASSWORD}\n")
            assert refused.returncode == status
            assert f"port {port} on this machine, which is that of 'box', is taken by python" in refused.stderr
            assert "nbssh edit box: port" in refused.stderr
