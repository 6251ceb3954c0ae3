"""`nbssh doctor`: every kind of trouble is found, named with its repair, and the repair repairs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from bed import BIN, needs, until
from ports import free_port

from nbssh.commands.doctor.there import Doctor
from nbssh.core.files.render import render
from nbssh.core.server import survey
from nbssh.demo import sshd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

Check = dict[str, str]


def doctor(bed: Bed, *words: str, status: int | None = None) -> list[Check]:
    """Run `nbssh doctor --json` and return what is not well."""
    done = bed.run("nbssh", "doctor", "--json", *words)
    said = json.loads(done.stdout)
    bad = [check for check in said["checks"] if check["level"] != "ok"]
    unreadable = {check["profile"]: check["message"] for check in bad if check["check"] == "profile"}
    assert (said["nbssh"], {error["profile"]: error["error"] for error in said["errors"]}) == (1, unreadable)
    assert done.returncode == (1 if any(check["level"] == "error" for check in bad) else 0), done.stderr
    if status is not None:
        assert done.returncode == status, bad
    return bad


def one(found: list[Check], check: str) -> Check:
    """Return the only finding, which must be of this kind."""
    assert [finding["check"] for finding in found] == [check], found
    return found[0]


def repair(bed: Bed, finding: Check) -> None:
    """Do what the finding says, in a shell on the laptop."""
    program = "nbssh() { " + shlex.join(["python", "-m", "nbssh"]) + ' "$@"; }\n' + finding["repair"]
    done = bed.run("sh", "-c", program)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def offline(bed: Bed) -> Bed:
    """Give a bed with a profile that no server was asked about."""
    bed.nbssh("add", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    return bed


def conf(bed: Bed, name: str = "box.conf") -> Path:
    return bed.local_home / ".ssh" / "nbssh.d" / name


def test_all_is_well_before_there_is_anything(bed: Bed) -> None:
    assert doctor(bed, status=0) == []
    assert "all well" in bed.nbssh("doctor").stderr


def test_all_is_well_after_add_and_while_it_runs(bed: Bed) -> None:
    bed.nbssh(
        "add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port())
    )  # fmt: skip
    assert doctor(bed, "box", status=0) == []
    bed.nbssh("open", "box")
    assert doctor(bed, status=0) == []
    bed.nbssh("kill", "box")


def test_the_table_is_readable_at_80_columns(offline: Bed) -> None:
    conf(offline, "other.conf").write_text("# mine\n")
    conf(offline, "other.conf").chmod(0o600)
    done = offline.run("nbssh", "doctor", "--local")
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert not any(line.endswith(" ") or "\x1b" in line for line in lines)
    at = next(number for number, line in enumerate(lines) if "other.conf" in line)
    assert lines[at].startswith("warning  here  files: ~/.ssh/nbssh.d/other.conf")
    assert any(line.strip().startswith("-> rm ") for line in lines[at:])
    assert "1 warning" in done.stderr
    assert "\x1b[" in offline.run("nbssh", "--color", "always", "doctor", "--local").stdout


BROKEN = {
    "torn": ("Host box-nb\n    LocalForw", 0o600),
    "unknown keyword": ("Host x\n    Jupyter yes\n", 0o600),
    "writable by all": ("# fine\n", 0o666),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", ["box.conf", "box (conflicted copy).conf"])
def test_a_file_that_breaks_ssh_is_found_and_repaired(offline: Bed, kind: str, name: str) -> None:
    text, mode = BROKEN[kind]
    conf(offline, name).write_text(text)
    conf(offline, name).chmod(mode)
    assert offline.run("ssh", "-G", "box").returncode == 255, "it does break ssh"
    found = doctor(offline, status=1)
    bad = [finding for finding in found if finding["check"] == "files"]
    assert len(bad) == 1
    assert f"{name} breaks every ssh call" in bad[0]["message"]
    assert any("were not looked at" in finding["message"] for finding in found)
    repair(offline, bad[0])
    assert offline.run("ssh", "-G", "box").returncode == 0


@pytest.mark.parametrize("name", ["box.conf", "x.conf"])
def test_a_fifo_does_not_hang_the_doctor(offline: Bed, name: str) -> None:
    conf(offline, name).unlink(missing_ok=True)
    os.mkfifo(conf(offline, name))
    bad = [finding for finding in doctor(offline, status=1) if finding["check"] == "files"]
    assert "FIFO" in bad[0]["message"]
    repair(offline, bad[0])
    assert [finding["check"] for finding in doctor(offline, "--local")] == []


def test_a_removed_include_line_is_found_and_put_back(offline: Bed) -> None:
    text = offline.ssh_config.read_text()
    offline.ssh_config.write_text(text[text.index("Host box") :])
    found = doctor(offline, "--local", status=1)
    line = next(finding for finding in found if finding["check"] == "include")
    assert "was taken out" in line["message"]
    assert line["repair"] == "nbssh init"
    assert next(finding for finding in found if finding["check"] == "alias")["level"] == "error"
    offline.nbssh("init", "--yes")
    assert doctor(offline, "--local", status=0) == []


def test_an_include_line_below_a_host_block_is_found(offline: Bed) -> None:
    lines = offline.ssh_config.read_text().splitlines(keepends=True)
    offline.ssh_config.write_text("".join([*lines[2:], *lines[:2]]))
    found = doctor(offline, "--local", status=1)
    line = next(finding for finding in found if finding["check"] == "include")
    assert "stands below 'Host box'" in line["message"]


@pytest.mark.parametrize(
    ("path", "mode", "level"),
    [
        (".ssh/nbssh.d", 0o755, "warning"),
        (".ssh/nbssh.d/box.conf", 0o644, "warning"),
        (".ssh/nbssh.d/open", 0o777, "error"),
        (".local/state/nbssh/secrets", 0o750, "error"),
        (".local/state/nbssh/secrets/box.json", 0o604, "error"),
        (".config/nbssh/profiles/box.toml", 0o664, "error"),
    ],
)
def test_a_file_that_others_may_open_is_found_and_repaired(offline: Bed, path: str, mode: int, level: str) -> None:
    (offline.local_home / path).chmod(mode)
    found = [finding for finding in doctor(offline, "--local") if finding["check"] == "modes"]
    assert [(finding["level"], f"~/{path} has mode {mode:04o}" in finding["message"]) for finding in found] == [
        (level, True)
    ]
    repair(offline, found[0])
    assert doctor(offline, "--local") == []


def test_a_home_that_ssh_does_not_look_into_is_told(offline: Bed) -> None:
    offline.env["NBSSH_SSH_COMMAND"] = "ssh"
    done = offline.run("nbssh", "doctor", "--local", "--json")
    found = [check for check in json.loads(done.stdout)["checks"] if check["check"] == "ssh"]
    odd = next(check for check in found if check["level"] == "warning")
    assert "the password database names another home" in odd["message"]
    assert f"NBSSH_SSH_COMMAND='ssh -F {offline.ssh_config}'" in odd["repair"]


def test_a_broken_profile_and_a_missing_secret_do_not_hide_the_others(offline: Bed) -> None:
    profiles = offline.local_home / ".config/nbssh/profiles"
    offline.nbssh("add", "two", "box", "--offline", "--token", "--yes")
    offline.nbssh("add", "three", "box", "--offline", "--token", "--yes")
    (profiles / "two.toml").write_text('destination = "box"\nport = 8901\nbrwoser = true\n')
    (profiles / "three.toml").write_text("port = = 1\n")
    (profiles / "a b.toml").write_text("")
    (offline.local_home / ".local/state/nbssh/secrets/box.json").unlink()
    found = doctor(offline, "--local", status=1)
    said = {(finding["profile"], finding["check"]): finding for finding in found}
    assert "unknown key 'brwoser'" in said["two", "profile"]["message"]
    assert "did you mean 'browser'?" in said["two", "profile"]["repair"]
    assert "nbssh edit three" in said["three", "profile"]["repair"]
    assert said["box", "secret"]["repair"] == "nbssh passwd box --token"
    assert "a b.toml is ignored" in said["", "leftovers"]["message"]


def test_an_alias_of_the_user_is_in_the_way(offline: Bed) -> None:
    with offline.ssh_config.open("a") as config:
        config.write("Host box-nb\n    HostName example.org\n")
    taken = one([finding for finding in doctor(offline, "--local", status=1) if finding["level"] == "error"], "alias")
    assert re.search(r"~/\.ssh/config:\d+: there is a 'Host box-nb' already", taken["message"])


def test_a_changed_destination_and_a_wildcard_are_told(offline: Bed) -> None:
    text = offline.ssh_config.read_text()
    offline.ssh_config.write_text(text.replace("Host box\n", "Host box\n    Compression yes\n"))
    stale = one(doctor(offline, "--local", status=0), "files here")
    assert "box.conf is out of date" in stale["message"]
    offline.nbssh("apply", "--offline", "box")
    assert doctor(offline, "--local") == []
    with offline.ssh_config.open("a") as config:
        config.write("Host *-nb\n    LocalForward 9999 localhost:9\n")
    odd = one(doctor(offline, "--local", status=0), "alias")
    assert "also has 9999" in odd["message"]


def test_options_that_were_changed_by_hand_are_named(offline: Bed) -> None:
    text = conf(offline).read_text()
    conf(offline).write_text(text.replace("ServerAliveInterval 10", "ServerAliveInterval 99\n    Compression yes"))
    edited = one(doctor(offline, "--local", status=0), "files here")
    assert (
        "was edited by hand: serveraliveinterval is 99 instead of 10 in 'Host box-nb box-nb-kill'" in edited["message"]
    )
    assert "compression yes was added" in edited["message"]
    offline.nbssh("apply", "--offline", "--yes", "box")
    assert doctor(offline, "--local") == []


def test_a_taken_port_names_its_owner_and_our_own_tunnel_does_not_count(offline: Bed) -> None:
    port = int(json.loads(offline.nbssh("show", "box", "--json").stdout)["port"])
    with sshd.socket.create_server(("127.0.0.1", port)):
        taken = one(doctor(offline, "--local", status=1), "port")
    assert f"port {port} on this machine is taken by " in taken["message"]
    assert f"(pid {os.getpid()})" in taken["message"]


def test_two_profiles_with_one_port_are_told(offline: Bed) -> None:
    offline.nbssh("add", "two", "box", "--offline", "--token", "--yes")
    path = offline.local_home / ".config/nbssh/profiles/two.toml"
    port = json.loads(offline.nbssh("show", "box", "--json").stdout)["port"]
    path.write_text(re.sub(r"port = \d+", f"port = {port}", path.read_text()))
    found = [finding for finding in doctor(offline, "--local", status=1) if finding["check"] == "port"]
    assert [finding["profile"] for finding in found] == ["box", "two"]


def test_leftovers_here_are_found_and_removed(offline: Bed) -> None:
    secrets = offline.local_home / ".local/state/nbssh/secrets"
    (secrets / "gone.json").write_text("{}")
    (secrets / "gone.json").chmod(0o600)
    conf(offline, ".box.conf.0badcafe.nbssh-tmp").write_text("")
    with sshd.socket.socket(sshd.socket.AF_UNIX) as stale:
        stale.bind(str(conf(offline, "box.ctl")))
    found = doctor(offline, "--local", status=0)
    assert [finding["check"] for finding in found] == ["leftovers"] * 3
    for finding in found:
        repair(offline, finding)
    assert doctor(offline, "--local") == []


def test_a_master_that_hangs_is_named_by_its_pid(bed: Bed) -> None:
    needs("lsof")
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port()))
    bed.nbssh("open", "box")
    pid = int(bed.tell_master("check").stderr.partition("pid=")[2].rstrip(")\n"))
    os.kill(pid, signal.SIGSTOP)
    try:
        found = one([finding for finding in doctor(bed, "box", status=1) if finding["level"] == "error"], "master")
        assert f"(pid {pid})" in found["message"]
        assert found["repair"] == f"kill -9 {pid}"
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: bed.run("nbssh", "kill", "box").returncode == 0, "the server is stopped")


def test_an_unreachable_server_is_one_error_and_costs_the_others_nothing(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port()))
    profiles = bed.local_home / ".config/nbssh/profiles"
    dead = f"Host dead\n    HostName 127.0.0.1\n    Port {free_port()}\n    User nobody\n"
    with bed.ssh_config.open("a") as config:
        config.write(dead)
    text = (profiles / "box.toml").read_text().replace('destination = "box"', 'destination = "dead"')
    (profiles / "far.toml").write_text(re.sub(r"^port = \d+", f"port = {free_port()}", text, flags=re.MULTILINE))
    (profiles / "far.toml").chmod(0o600)
    secrets = bed.local_home / ".local/state/nbssh/secrets"
    (secrets / "far.json").write_bytes((secrets / "box.json").read_bytes())
    (secrets / "far.json").chmod(0o600)
    bed.nbssh("apply", "--offline", "far")
    found = doctor(bed, status=1)
    assert {finding["profile"] for finding in found} == {"far"}
    error = one([finding for finding in found if finding["level"] == "error"], "server")
    assert "could not connect" in error["message"]
    assert error["repair"].endswith("see whether this works: ssh dead")
    assert [finding for finding in doctor(bed, "--local") if finding["level"] == "error"] == []


def test_trouble_on_the_server_is_found(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port()))
    share = bed.remote_home / ".local/share/nbssh"
    (share / "box/profile").write_text((share / "box/profile").read_text() + "# mine\n")
    (share / "box/config/jupyter_lab_config.json").unlink()
    (share / "old").mkdir()
    (share / "old/profile").touch()
    (share / "anything").mkdir()
    (program,) = (share / "program").iterdir()
    (program / "wait").unlink()
    (bed.remote_home / ".local/state/nbssh/box/node7").mkdir(parents=True)
    # another laptop of hers may have it: a note
    note = "holds files of a profile 'old', of another machine of yours"
    assert note in " ".join(bed.run("nbssh", "doctor", "box").stdout.split())
    found = doctor(bed, "box", status=1)
    messages = "\n".join(finding["message"] for finding in found)
    assert "profile was edited by hand" in messages
    assert {finding["message"].split()[-1] for finding in found if finding["level"] == "error"} == {
        "missing",
        "damaged",
    }
    assert "config/jupyter_lab_config.json is missing" in messages
    assert f"program/{program.name} is damaged" in messages
    assert "~/.local/state/nbssh/box/node7 is left of node7" in messages
    assert len(found) == 4
    (share / "old/profile").unlink()
    (bed.remote_home / ".local/state/nbssh/box/node7").rmdir()
    bed.nbssh("apply", "box", "--yes")
    assert doctor(bed, "box", status=0) == []
    whole = (share / "box/profile").read_text()
    (share / "box/profile").write_text(whole[: len(whole) // 2])
    (found,) = doctor(bed, "box", status=1)
    assert (found["level"], found["message"]) == ("error", "profile is damaged")


def test_an_sshd_that_no_longer_forwards_and_a_jupyter_that_went_are_found(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed()
    # so long that the profile's socket has just room there
    home = bed.folder / ("r" * (78 - len(str(bed.folder))))
    bed.remote_home.rename(home)
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace(f"home={bed.remote_home}\n", f"home={home}\n"))
    bed.remote_home = home
    program = bed.remote_home / "jupyter-lab"
    program.write_bytes(bed.jupyter.read_bytes())
    program.chmod(0o755)
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(program), "--port", str(free_port()))
    program.unlink()
    config = bed.server.config
    config.write_text("AllowStreamLocalForwarding no\n" + config.read_text())
    found = {finding["check"]: finding for finding in doctor(bed, "box", status=1)}
    assert found["jupyter"]["message"].startswith(f"{program} is no longer on ")
    assert found["jupyter"]["repair"] == "nbssh edit box: jupyter"
    assert "forbids the tunnel to a socket (AllowStreamLocalForwarding)" in found["forwarding"]["message"]
    assert "forward = 'tcp'" in found["forwarding"]["repair"]


def test_a_jupyter_that_was_upgraded_is_found_and_probed_again(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", f"{BIN}/jupyter-lab", "--port", str(free_port()))
    path = bed.local_home / ".config/nbssh/profiles/box.toml"
    now = path.read_text()
    path.write_text(re.sub('^version = ".*"', 'version = "4.0.1"', now, flags=re.MULTILINE))
    bed.nbssh("apply", "box")  # what the laptops of a profile share of it is on the server too
    finding = one(doctor(bed, "box", status=0), "jupyter")
    assert finding["message"].endswith("it was 4.0.1")
    assert finding["repair"] == "nbssh apply --probe box"
    assert "already up to date" in bed.nbssh("apply", "box").stderr
    assert bed.run("nbssh", "apply", "--check", "--probe", "box").returncode == 3
    bed.nbssh("apply", "--probe", "box")
    assert path.read_text() == now
    assert "already up to date" in bed.nbssh("apply", "--probe", "box").stderr
    assert bed.run("nbssh", "apply", "--probe", "--offline").returncode == 2


def test_a_server_that_asks_for_a_password_is_contacted_only_when_named(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--jupyter", str(bed.jupyter), "--port", str(free_port()))
    path = bed.local_home / ".config/nbssh/profiles/box.toml"
    path.write_text(path.read_text() + "prompts = true\n")
    seen = bed.server.log.read_text() if bed.server.log.exists() else ""
    asks = one(doctor(bed, status=0), "server")
    assert "not contacted" in asks["message"]
    assert asks["repair"] == "name it: nbssh doctor box; if a key lets you in by now: nbssh apply --probe box"
    assert (bed.server.log.read_text() if bed.server.log.exists() else "") == seen
    assert doctor(bed, "box", status=0) == []


# ---- the server's script, by itself


FAKES = {
    "busctl": "echo 'b true'",
    "quota": "echo 'Disk quotas for me: none'; printf '   Block limit reached on /home\\033[2J\\n'; exit 1",
    "df": "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'\n"
    "case $2 in /tmp) at=/tmp ;; */state/nbssh) at='/a disk' ;; *) at=/home ;; esac\n"
    'echo "/dev/x 100 95 5 95% $at"',
}
SHELLS = ("dash", "bash", "busybox sh", "mksh", "ksh")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_tells_what_may_end_or_starve_a_server(shell: str, tmp_path: Path) -> None:
    needs(shell.split(maxsplit=1)[0])
    home, bin_ = tmp_path / "it's home", tmp_path / "bin"
    (home / ".local/share/nbssh/a").mkdir(parents=True)
    (home / ".local/share/nbssh/a/profile").touch()
    for name in ("program", "secrets", "b"):
        (home / ".local/share/nbssh" / name).mkdir()
    (home / ".local/share/nbssh/program/profile").touch()
    (home / ".local/state/nbssh/secrets/x").mkdir(parents=True)
    (home / ".local/state/nbssh/a/node1").mkdir(parents=True)
    (home / ".local/state/nbssh/a/node1/record").write_text("pid 1\n")
    os.utime(home / ".local/state/nbssh/a/node1/record", (1, 1))
    (home / ".local/state/nbssh/a/node 2").mkdir()
    (home / ".local/share/nbssh/$(id)").mkdir()
    bin_.mkdir()
    for name, text in FAKES.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_ / name).chmod(0o755)
    script = render(Doctor(home=str(home), share=f"{home}/.local/share/nbssh", states=f"{home}/.local/state/nbssh"))
    done = subprocess.run(
        [*shell.split(), "-c", script],
        env={"PATH": f"{bin_}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    said = survey.parse(done.stdout.encode())
    assert abs(said.clock - time.time()) < 60
    assert said.host == os.uname().nodename
    assert said.kills
    assert said.quota == ["Block limit reached on /home[2J"]
    assert said.free == {str(home): 5, f"{home}/.local/state/nbssh": 5, "/tmp": 5}
    assert said.profiles == ["a"]
    assert said.runs == [("a", "node1", True)]
    assert said.older == {("a", "node1")}


def test_in_a_wsl_the_ssh_of_windows_is_said_to_know_nothing_of_it(bed: Bed) -> None:
    assert "this is a WSL" not in bed.run("nbssh", "doctor", "--json").stdout
    bed.env["WSL_DISTRO_NAME"] = "Debian"
    assert "the ssh of Windows has a config of its own" in bed.run("nbssh", "doctor", "--json").stdout
