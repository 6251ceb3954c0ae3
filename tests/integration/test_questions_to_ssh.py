"""How often a `Match exec` of the user's runs: it may look for a network, or open a browser to log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bed import until
from dotfiles import Laptop
from serving import add, detach, kill, start

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


@pytest.mark.parametrize("criterion", ["originalhost box", "host box"])
def test_each_question_is_asked_once(bed: Bed, criterion: str) -> None:
    log = bed.folder / "asked"
    text = bed.ssh_config.read_text()
    bed.ssh_config.write_text(f'Match {criterion} exec "echo >>{log}"\n    Compression yes\n{text}')

    def asked() -> int:
        times = len(log.read_text().splitlines()) if log.exists() else 0
        log.write_text("")
        return times

    add(bed)
    assert asked() <= 4
    bed.nbssh("doctor", "box")
    assert asked() <= 3
    session = start(bed)
    until(lambda: bed.opened, "the browser is called")
    assert asked() == 1
    detach(session)
    kill(bed)


def test_what_a_destination_that_looks_like_a_slip_means_is_asked_once(tmp_path: Path) -> None:
    laptop, log = Laptop(tmp_path), tmp_path / "asked"
    laptop.write(
        f"""Match originalhost mybx exec "echo >>{log}"
    ProxyCommand false
Host mybox
    HostName 127.0.0.1
""".encode()
    )
    assert "ssh could not connect" in laptop.nbssh("add", "mybx", "--yes", "--token").stderr
    assert len(log.read_text().splitlines()) == 2, "what it means, and the connection"


def test_what_is_called_ssh_is_asked_once_for_a_destination_and_once_for_an_alias(bed: Bed) -> None:
    add(bed)
    log, spy = bed.folder / "asked", bed.folder / "spy"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{log}\nexec ssh "$@"\n')
    bed.env["NBSSH_SSH_COMMAND"] = bed.env["NBSSH_SSH_COMMAND"].replace("ssh ", f"sh {spy} ", 1)
    bed.nbssh("apply")
    log.unlink()
    assert "already up to date" in bed.nbssh("apply").stderr
    asked = [line.split()[-1] for line in log.read_text().splitlines() if " -G " in line]
    # all files together, once: none is torn
    assert sorted(asked) == ["box", "box-nb", "localhost"]
