"""`nbssh passwd`: a new secret here and on the server, which one that runs takes up when it is started again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bed import is_running
from serving import add, config_of, detach, ended, kill, server_pid, start

if TYPE_CHECKING:
    from bed import Bed


def test_it_changes_both_ends(bed: Bed) -> None:
    add(bed)
    before = config_of(bed)["ServerApp"]["password"]
    done = bed.run("nbssh", "passwd", "box", "--password-stdin", stdin="new\n")
    assert done.returncode == 0, done.stderr
    after = config_of(bed)["ServerApp"]["password"]
    assert after != before
    assert json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["hash"] == after
    assert bed.run("nbssh", "diff").stdout == ""
    assert bed.run("nbssh", "passwd", "box", "--token").returncode == 0
    assert config_of(bed)["ServerApp"]["password"] == ""
    assert bed.run("nbssh", "diff").stdout == ""


def test_the_words_typed_are_in_no_file(bed: Bed) -> None:
    add(bed)
    bed.nbssh("passwd", "box", "--password-stdin", stdin="n€w and secret\n")
    for path in [*bed.local_home.rglob("*"), *bed.remote_home.rglob("*")]:
        if path.is_file():
            assert "n€w and secret".encode() not in path.read_bytes(), path


def test_what_runs_goes_on_and_is_told_of(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    pid = server_pid(bed)
    done = bed.nbssh("passwd", "box", "--password-stdin", stdin="new\n")
    assert "keeps the old one until it is stopped and started" in done.stderr
    assert "ssh box-nb-kill" in done.stderr
    assert is_running(pid)
    kill(bed)


def test_doctor_tells_of_a_jupyter_that_has_the_old_one(bed: Bed) -> None:
    add(bed)
    session = start(bed)
    old = "settings were changed"
    assert old not in " ".join(bed.run("nbssh", "doctor", "box").stdout.split())
    bed.nbssh("passwd", "box", "--token")
    assert old in " ".join(bed.run("nbssh", "doctor", "box").stdout.split())
    detach(session)
    kill(bed)
    session = start(bed)
    assert old not in " ".join(bed.run("nbssh", "doctor", "box").stdout.split())
    detach(session)
    kill(bed)


def test_an_empty_one_changes_nothing(bed: Bed) -> None:
    add(bed)
    secret = bed.local_home / ".local/state/nbssh/secrets/box.json"
    before, there = secret.read_bytes(), config_of(bed)
    done = bed.run("nbssh", "passwd", "box", "--password-stdin", stdin="\n")
    assert done.returncode == 1
    assert "is empty" in done.stderr
    assert (secret.read_bytes(), config_of(bed)) == (before, there)


def test_offline_it_is_the_next_apply_that_brings_it_over(bed: Bed) -> None:
    add(bed)
    before = config_of(bed)["ServerApp"]["password"]
    done = bed.nbssh("passwd", "box", "--password-stdin", "--offline", stdin="new\n")
    assert "nbssh apply box" in done.stderr
    assert config_of(bed)["ServerApp"]["password"] == before
    bed.nbssh("apply", "box")
    assert config_of(bed)["ServerApp"]["password"] != before


def test_a_host_that_is_away_costs_no_password(bed: Bed) -> None:
    add(bed)
    bed.ssh_config.write_text("Host box\n    ProxyCommand false\n" + bed.ssh_config.read_text())
    child = bed.spawn("nbssh", "passwd", "box")
    child.expect(["ssh could not connect", "password for the notebooks"])
    assert child.after == "ssh could not connect"
    assert ended(child)[0] == 1
