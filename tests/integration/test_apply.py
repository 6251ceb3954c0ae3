"""`nbssh apply` and `nbssh diff`: one plan, shown, checked or carried out; twice is nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bed import is_running
from ports import free_port
from serving import add, config_of, detach, fake_jupyter, kill, server_pid, start

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


def times(*homes: Path) -> dict[str, int]:
    """Return when each of our files was written last."""
    return {
        str(path): path.stat().st_mtime_ns
        for home in homes
        for path in home.rglob("*")
        if path.is_file() and "nbssh" in str(path)
    }


def edit(bed: Bed, old: str, new: str) -> None:
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    text = toml.read_text()
    assert old in text
    toml.write_text(text.replace(old, new))


def test_offline_is_complete_and_the_first_apply_looks_at_the_server(bed: Bed) -> None:
    bed.server.log.write_text("")
    done = bed.nbssh(
        "add", "box", "--offline", "--yes", "--password-stdin", "--port", str(free_port()),
        "--jupyter", str(fake_jupyter(bed)), stdin="pw\n",
    )  # fmt: skip
    assert bed.server.log.read_text() == ""
    assert "nbssh apply box" in done.stderr
    assert not (bed.remote_home / ".local").exists()
    assert "localforward [127.0.0.1]:" in bed.run("ssh", "-G", "box-nb").stdout
    assert bed.run("nbssh", "apply", "--check", "box").returncode == 3
    bed.nbssh("apply", "box")
    assert (bed.remote_home / ".local/share/nbssh/box/profile").exists()
    assert f" {bed.remote_home}/.local/state/nbssh/box/sock" in bed.run("ssh", "-G", "box-nb").stdout
    assert bed.run("nbssh", "apply", "--check", "box").returncode == 0


def test_nothing_to_do_writes_nothing(bed: Bed) -> None:
    add(bed)
    before = times(bed.local_home, bed.remote_home)
    for words in (["apply"], ["apply", "box"], ["apply", "--check"], ["diff"], ["diff", "--exit-code"]):
        bed.nbssh(*words)
    assert "already up to date" in bed.nbssh("apply").stderr
    assert times(bed.local_home, bed.remote_home) == before


def test_the_plan_that_is_shown_is_the_one_that_is_carried_out(bed: Bed) -> None:
    add(bed)
    edit(bed, "port =", "idle_hours = 3.0\nport =")
    before = times(bed.local_home, bed.remote_home)
    shown = bed.nbssh("diff").stdout
    assert "+" in shown
    assert "shutdown_no_activity_timeout" in shown
    assert bed.run("nbssh", "diff", "--exit-code").returncode == 3
    assert bed.run("nbssh", "apply", "--check").returncode == 3
    planned = json.loads(bed.nbssh("apply", "--dry-run", "--json").stdout)["changes"]
    assert times(bed.local_home, bed.remote_home) == before
    done = json.loads(bed.nbssh("apply", "--json").stdout)["changes"]
    assert [change["path"] for change in done] == [change["path"] for change in planned] != []
    assert config_of(bed)["ServerApp"]["shutdown_no_activity_timeout"] == 3 * 3600
    assert bed.nbssh("diff").stdout == ""


def test_a_jupyter_that_runs_lives_through_it_and_is_told_of(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    pid = server_pid(bed)
    edit(bed, "port =", "idle_hours = 3.0\nport =")
    done = bed.nbssh("apply", "box")
    assert "next start" in done.stderr
    assert is_running(pid)
    kill(bed)


def test_what_was_deleted_here_and_there_comes_back(bed: Bed) -> None:
    add(bed)
    conf = bed.local_home / ".ssh/nbssh.d/box.conf"
    profile = bed.remote_home / ".local/share/nbssh/box/profile"
    here, there = conf.read_bytes(), profile.read_bytes()
    conf.unlink()
    profile.unlink()
    bed.nbssh("apply", "box")
    assert (conf.read_bytes(), profile.read_bytes()) == (here, there)
