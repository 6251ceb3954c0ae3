"""`nbssh -v` on a real server: which programs, files and steps it shows, on stderr alone, and no secret in them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from ports import free_port
from serving import fake_jupyter

if TYPE_CHECKING:
    from bed import Bed

LINE = re.compile(
    r"nbssh: (?:run: .+ \((?:started|left running|\d+\.\d{3} s, (?:status|signal) \d+(?:, (?:time|output) limit)?)\)"
    r"|step: .+ \(\d+\.\d{3} s(?:, failed)?\)|file: (?:create|change|mode|delete|back up) \S+(?: \(mode 0[0-7]{3}\))?)"
)


def add(bed: Bed, *words: str) -> list[str]:
    options = ["--yes", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    done = bed.nbssh(*words, *options)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_add_shows_what_it_does(bed: Bed) -> None:
    lines = add(bed, "add", "box", "-v", "--token")
    shown = [line for line in lines if line.startswith(("nbssh: run: ", "nbssh: step: ", "nbssh: file: "))]
    assert [line for line in shown if not LINE.fullmatch(line)] == []
    config = bed.local_home / ".ssh/config"
    assert any(line.startswith(f"nbssh: run: ssh -F {config} -G box (0.") for line in shown)
    secrets = bed.local_home / ".local/state/nbssh/secrets/box.json"
    for path, mode in (
        (str(secrets), "0600"),
        (str(bed.local_home / ".ssh/nbssh.d/box.conf"), "0600"),
        (str(bed.local_home / ".ssh/nbssh.d/open"), "0700"),
        (f"box:{bed.remote_home}/.local/share/nbssh/box/config/jupyter_server_config.json", "0600"),
    ):
        assert f"nbssh: file: create {path} (mode {mode})" in shown
    steps = [line.removeprefix("nbssh: step: ").rpartition(" (")[0] for line in shown if "nbssh: step: " in line]
    assert steps[:2] == ["connect to box", "probe box"]
    assert {"install on box", "write the files here"} <= set(steps)
    said = json.loads(secrets.read_text())
    assert not [line for line in shown if said["token"] in line]


def test_before_the_command_it_shows_the_same_and_without_it_nothing(bed: Bed) -> None:
    add(bed, "add", "box", "--token")
    quiet = bed.nbssh("apply", "box")
    before, after = bed.nbssh("-v", "apply", "box"), bed.nbssh("apply", "box", "--verbose")
    said = [
        sorted(re.sub(r"\d+\.\d+ s|/tmp/\S+|(?<=/sh -s )\w+", "", line) for line in done.stderr.splitlines())
        for done in (before, after)
    ]
    assert said[0] == said[1]
    assert quiet.stderr == "nbssh: already up to date\n"
    assert "nbssh: step: read the files on box (" in before.stderr
    assert len(re.findall(r"run: ssh (?!(?:.* )?-[GV] ).* status ", before.stderr)) == 1, "the login, no other"


@pytest.mark.parametrize("words", [["list", "--json"], ["show", "box", "--json"], ["status", "box", "--json"]])
def test_stdout_stays_the_product(bed: Bed, words: list[str]) -> None:
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    assert json.loads(bed.run("nbssh", *words, "-v").stdout)["nbssh"] == 1


def test_a_password_in_the_users_own_ssh_command_is_masked(bed: Bed) -> None:
    program = bed.folder / "bin/sshpass"
    program.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    program.chmod(0o755)
    bed.env["NBSSH_SSH_COMMAND"] = f"sshpass -p hunter2 {bed.env['NBSSH_SSH_COMMAND']}"
    lines = add(bed, "add", "box", "-v", "--token", "--offline")
    assert any("run: sshpass -p '***' ssh -F" in line for line in lines)
    assert not [line for line in lines if "hunter2" in line]
