"""`nbssh unit`: what it prints is a unit that systemd takes, and what that runs keeps the tunnel up."""

from __future__ import annotations

import contextlib
import json
import os
import plistlib
import re
import shlex
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from bed import needs, until
from ports import free_port
from serving import add, api, detach, end, kill, named, said, server_pid, start

from nbssh.core.files.quoting import systemd
from nbssh.core.files.render import render
from nbssh.core.files.unit import AGENT, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bed import Bed


def words_of(unit: str) -> list[str]:
    """Return the words of ExecStart as systemd reads them."""
    (line,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


class Supervisor:
    """Does what the unit asks of systemd: starts again what failed, and leaves alone what ended with 0."""

    def __init__(self, bed: Bed, words: list[str]) -> None:
        self.bed, self.words = bed, words
        self.starts = 0
        self.statuses: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.ended = threading.Event()
        self.stopped = False
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.stopped:
            self.starts += 1
            self.process = subprocess.Popen(
                self.words, env=self.bed.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.statuses.append(self.process.wait())
            if self.statuses[-1] == 0:
                break
        self.ended.set()

    def break_connection(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)


@contextlib.contextmanager
def supervised(supervisor: Supervisor) -> Iterator[Supervisor]:
    supervisor.thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stopped = True
        if supervisor.process:
            supervisor.process.kill()
        supervisor.thread.join()


def answers(port: int) -> bool:
    try:
        return "version" in api(port)
    except OSError:
        return False


@pytest.mark.parametrize("forward", ["socket", "tcp"])
def test_the_tunnel_comes_back_and_ends_with_jupyter(bed: Bed, forward: str) -> None:
    port = add(bed, "--forward", forward, "--remote-port", str(free_port()))
    unit = bed.nbssh("unit", "box").stdout
    for line in ("Restart=on-failure", "StandardInput=null", "WantedBy=default.target"):
        assert f"\n{line}\n" in unit
    words = words_of(unit)
    assert {"-oBatchMode=yes", "-oControlPersist=no", "box-nb"} <= set(words)
    with supervised(Supervisor(bed, words)) as supervisor:
        until(lambda: answers(port), "the page", 60)
        supervisor.break_connection()
        until(lambda: supervisor.starts > 1 and answers(port), "the page again", 60)
        assert bed.opened == [], "no browser"
        stopped = bed.run("ssh", "box-nb-kill")
        assert stopped.returncode == 0, stopped.stderr
        assert supervisor.ended.wait(30), (supervisor.starts, supervisor.statuses)
    kill(bed)


def test_systemd_takes_it(bed: Bed) -> None:
    needs("systemd-analyze")
    bed.nbssh("add", "box", "--token", "--yes", "--port", str(free_port()), "--jupyter", str(bed.jupyter))
    file = bed.folder / "nbssh-box.service"
    file.write_text(bed.nbssh("unit", "box").stdout)
    (bed.folder / "run").mkdir()
    bed.env["XDG_RUNTIME_DIR"] = str(bed.folder / "run")
    done = bed.run("systemd-analyze", "--user", "verify", str(file))
    said = [line for line in done.stderr.splitlines() if "RestartSteps" not in line and "RestartMaxDelay" not in line]
    assert (done.returncode, said) == (0, [])


# The systemctl of a system whose units run until they are disabled.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{calls}
case $* in
*enable*--now*)
    (exec </dev/null >/dev/null 2>&1; eval "exec setsid $(sed -n 's/^ExecStart=//p' {file})") &
    echo $! >{folder}/main
    ;;
*disable*) kill "$(cat {folder}/main)"; rm {folder}/main ;;
*is-active*) kill -0 "$(cat {folder}/main)" ;;
esac
"""


def about_unit(bed: Bed) -> list[tuple[str, str]]:
    found = json.loads(bed.run("nbssh", "doctor", "--offline", "--json", "box").stdout)["checks"]
    return [(each["level"], each["message"]) for each in found if each["check"] == "unit"]


def test_it_is_installed_and_removed(bed: Bed) -> None:
    port = add(bed)
    calls = bed.folder / "calls"
    program = bed.folder / "bin/systemctl"
    file = bed.local_home / ".config/systemd/user/nbssh-box.service"
    program.write_text(SYSTEMCTL.format(calls=calls, file=file, folder=bed.folder))
    program.chmod(0o755)
    assert about_unit(bed) == []
    done = bed.nbssh("unit", "box", "--install")
    assert "the tunnel of 'box' is kept up" in done.stderr
    until(lambda: answers(port), "the page")
    assert file.read_text() == bed.nbssh("unit", "box").stdout
    assert calls.read_text().splitlines() == ["--user daemon-reload", "--user enable --now nbssh-box.service"]
    assert about_unit(bed) == [("ok", "nbssh-box.service keeps the tunnel up")]
    assert "already up to date" in bed.nbssh("unit", "box", "--install").stderr
    file.write_text(file.read_text() + "\n")
    assert about_unit(bed) == [("warning", "~/.config/systemd/user/nbssh-box.service is out of date")]
    bed.nbssh("unit", "box", "--remove")
    assert not file.parent.parent.exists()
    assert calls.read_text().splitlines()[-1] == "--user disable --now nbssh-box.service"
    assert "there is no unit" in bed.nbssh("unit", "box", "--remove").stderr
    kill(bed)
    # where there is no systemd of the user's, that is told, and nothing stays
    working = program.read_text()
    program.write_text("#!/bin/sh\necho Failed to connect to bus >&2\nexit 1\n")
    done = bed.run("nbssh", "unit", "box", "--install")
    assert done.returncode == 1
    assert "it does not run, and is not installed, because this failed: systemctl --user daemon-reload: " in done.stderr
    assert "daemon-reload: Failed to connect to bus\nnbssh: hint: leave a window open: ssh box-nb\n" in done.stderr
    assert not file.parent.parent.exists()
    assert about_unit(bed) == []
    program.write_text(working)
    bed.nbssh("unit", "box", "--install")
    kill(bed)
    program.write_text("#!/bin/sh\nexit 1\n")
    assert about_unit(bed) == [("warning", "nbssh-box.service does not run")]
    program.write_text(working)
    # and it goes with its profile
    bed.nbssh("remove", "box", "--yes")
    assert not file.parent.parent.exists()


def test_who_is_asked_something_and_who_is_unknown_gets_none(bed: Bed) -> None:
    bed.nbssh("add", "box", "--token", "--yes", "--offline")
    done = bed.run("nbssh", "unit", "box")
    assert (done.returncode, done.stdout) == (1, "")
    bed.nbssh("remove", "box", "--yes", "--offline")
    bed.nbssh("add", "box", "--token", "--yes", "--port", str(free_port()), "--jupyter", str(bed.jupyter))
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text(profile.read_text() + "prompts = true\n")
    done = bed.run("nbssh", "unit", "box", "--install")
    assert (done.returncode, "asks for something" in done.stderr) == (1, True)
    assert not (bed.local_home / ".config/systemd").exists()


class HostSupervisor(Supervisor):
    """The same on the host, where the end by TERM is one that was wanted (systemd.service(5))."""

    def run(self) -> None:
        env = {"HOME": str(self.bed.remote_home), "PATH": "/usr/bin:/bin", "USER": self.bed.login}
        while not self.stopped:
            self.starts += 1
            self.process = subprocess.Popen(
                self.words, env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.statuses.append(self.process.wait())
            if self.statuses[-1] in {0, -signal.SIGTERM}:
                break
            time.sleep(0.2)
        self.ended.set()


def state(bed: Bed) -> str:
    (only,) = json.loads(bed.nbssh("status", "--json").stdout)["profiles"]
    return str(only["state"])


def test_the_host_starts_jupyter_by_itself_and_again_when_it_dies(bed: Bed) -> None:
    add(bed)
    unit = bed.nbssh("unit", "box", "--server").stdout
    with supervised(HostSupervisor(bed, words_of(unit))) as supervisor:
        until(lambda: state(bed) == "running", "it runs")
        first = server_pid(bed)
        assert supervisor.process
        assert supervisor.process.pid == first
        end(first)
        until(lambda: supervisor.starts > 1 and state(bed) == "running" and server_pid(bed) != first, "it runs again")
        session = start(bed)
        assert "is already running on" in said(session)
        detach(session)
        kill(bed)
        assert supervisor.ended.wait(30), supervisor.statuses
    assert state(bed) == "stopped"


def test_the_host_waits_for_the_jupyter_of_a_session(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    first = server_pid(bed)
    words = words_of(bed.nbssh("unit", "box", "--server").stdout)
    with supervised(HostSupervisor(bed, words)) as supervisor:
        until(lambda: named(bed, "/keep box"), "it waits")
        kill(bed)
        assert supervisor.ended.wait(30)
        assert supervisor.statuses == [0], "what was stopped stays so"
    detach(start(bed))
    with supervised(HostSupervisor(bed, words)) as supervisor:
        until(lambda: named(bed, "/keep box"), "it waits")
        first = server_pid(bed)
        end(first)
        until(lambda: state(bed) == "running" and server_pid(bed) != first, "what died is started again")
        kill(bed)
        assert supervisor.ended.wait(30)


# systemctl and loginctl of a host, which write down what they are told.
HOST_PROGRAM = """#!/bin/sh
echo "${0##*/} $*" >>{calls}
case $* in *enable-linger*) exit {linger} ;; *is-system-running*) echo {state}; exit 1 ;; esac
"""


def test_the_unit_of_the_host_is_installed_and_removed(bed: Bed) -> None:
    needs("systemd-analyze")
    add(bed)
    calls, bin_ = bed.folder / "calls", bed.remote_home / "sbin"
    login = bed.server.folder / "login"
    login.write_text(login.read_text().replace("PATH=", f"PATH={bin_}:", 1))
    bin_.mkdir()

    def programs(linger: int, state: str = "degraded") -> None:
        text = HOST_PROGRAM.replace("{calls}", str(calls)).replace("{state}", state)
        for name in ("systemctl", "loginctl"):
            (bin_ / name).write_text(text.replace("{linger}", str(linger)))
            (bin_ / name).chmod(0o755)

    programs(linger=1, state="offline")
    done = bed.run("nbssh", "unit", "box", "--server", "--install")
    assert (done.returncode, "no systemd runs on" in done.stderr) == (1, True)
    programs(linger=1)
    done = bed.run("nbssh", "unit", "box", "--server", "--install")
    assert (done.returncode, f"loginctl enable-linger {os.getuid()}\n" in done.stderr) == (1, True)
    assert not (bed.remote_home / ".config").exists()
    programs(linger=0)
    calls.unlink()
    bed.nbssh("unit", "box", "--server", "--install")
    file = bed.remote_home / ".config/systemd/user/nbssh-box-jupyter.service"
    assert file.read_text() == bed.nbssh("unit", "box", "--server").stdout
    assert [line for line in calls.read_text().splitlines() if line.startswith("systemctl")] == [
        "systemctl is-system-running",
        "systemctl --user daemon-reload",
        "systemctl --user enable --now nbssh-box-jupyter.service",
    ]
    (bed.folder / "run").mkdir()
    bed.env["XDG_RUNTIME_DIR"] = str(bed.folder / "run")
    done = bed.run("systemd-analyze", "--user", "verify", str(file))
    said = [line for line in done.stderr.splitlines() if "RestartSteps" not in line and "RestartMaxDelay" not in line]
    assert (done.returncode, said) == (0, [])
    bed.nbssh("unit", "box", "--server", "--remove")
    assert not (bed.remote_home / ".config/systemd").exists()
    assert "there is no unit" in bed.nbssh("unit", "box", "--server", "--remove").stderr
    # and it goes with its profile
    bed.nbssh("unit", "box", "--server", "--install")
    bed.nbssh("remove", "box", "--yes")
    assert not (bed.remote_home / ".config/systemd").exists()
    assert calls.read_text().splitlines()[-1] == "systemctl --user disable --now nbssh-box-jupyter.service"


def test_launchd_gets_the_same_words() -> None:
    words = ["/usr/bin/ssh", "-oLocalCommand=sh '/a & <b>/\"open\"' x", "box-nb"]
    agent = plistlib.loads(render(Unit(name="box", words=words), AGENT).encode())
    assert agent["ProgramArguments"] == words
    assert agent["Label"] == "nbssh.box"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_a_unit_quotes_each_word() -> None:
    words = ["/usr/bin/ssh", "-oLocalCommand=sh '/a b/%%' \"$HOME\" \\", "x"]
    assert words_of(f"ExecStart={systemd(words)}\n") == words
