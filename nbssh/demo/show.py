"""`nbssh demo`: the whole product on this machine alone, with a throw-away sshd and temporary homes.

It drives the real commands as a person would, `nbssh add` and `ssh demo-nb`, each as a process of its own.
Whatever ends it, nothing may be left: no Jupyter, no master, no sshd, no folder. Must not touch the real home.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import site
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nbssh.demo import sshd
from nbssh.errors import Exit, NbsshError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_ADD_SECONDS = 120.0  # probe, two file copies and one question to sshd; on a slow disk
_START_SECONDS = 150.0  # longer than launch itself waits for Jupyter
_STOP_SECONDS = 30.0
_EXTRA = "in a clone of nbssh: make demo"  # what an installer of programs made has often no pip


class _Stopped(BaseException):
    """A signal asked the demo to end; no Exception, so that nothing on the way takes it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Signals:
    """Turns the first ^C, TERM or hang-up into one `_Stopped`, and only between `arm` and `disarm`.

    One that comes before is kept until `arm`; all later ones are taken and ignored, so that none can
    interrupt the clean-up.
    """

    def __init__(self) -> None:
        self._armed = False
        self._number = 0
        self._old = {
            number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._number = self._number or number
        if self._armed:
            self._armed = False
            raise _Stopped(number)

    def arm(self) -> None:
        """From here on a signal interrupts; at once if one came already."""
        self._armed = not self._number
        if self._number:
            raise _Stopped(self._number)

    def disarm(self) -> None:
        """From here on no signal interrupts."""
        self._armed = False

    def restore(self) -> None:
        """Put the handlers back that were there before."""
        for number, handler in self._old.items():
            signal.signal(number, handler)


def run(*, once: bool) -> int:
    """Show the product until Ctrl-C, or `once` and by itself; return the exit code once everything is gone."""
    jupyter = _find_programs(once=once)
    signals = _Signals()
    # short, and not in $TMPDIR: the path of a unix socket has at most 104 bytes on macOS
    folder = Path(tempfile.mkdtemp(prefix="nbdemo-", dir="/tmp"))
    demo = _Demo(folder, jupyter)
    try:
        try:
            signals.arm()
            demo.show(once=once)
        finally:
            signals.disarm()
    except _Stopped as stopped:
        # without a terminal on the host it is us whom the announced Ctrl-C reaches
        is_announced = demo.is_shown and not demo.has_terminal and stopped.number == signal.SIGINT
        return Exit.DONE if is_announced else 128 + stopped.number
    finally:
        # also when a signal came in the very moment between the last line above and `disarm`
        _clean(folder)
        signals.restore()
    return Exit.DONE


class _Demo:
    """The temporary laptop and host in `folder`, and the commands that a person would type there."""

    def __init__(self, folder: Path, jupyter: str) -> None:
        self.folder = folder
        self.jupyter = jupyter
        # every user of this machine can reach the tunnel's near end
        self.password = secrets.token_hex(4)
        self.port = sshd.free_port()
        self.laptop, self.server = folder / "laptop", folder / "server"
        self.config = self.laptop / ".ssh" / "config"
        self.has_terminal = sshd.gives_terminals()
        self.is_shown = False

    def show(self, *, once: bool) -> None:
        """Do what a person does with nbssh, from `nbssh add` to the open page."""
        _say(f"a home and a host for you alone, without root and without an open port: {self.folder}")
        self._make_machines()
        browser = [] if _has_display() and not once else ["--no-browser"]
        words = [
            "add",
            "demo",
            "--password-stdin",
            "--yes",
            "--port",
            str(self.port),
            "--jupyter",
            self.jupyter,
        ]
        self._nbssh(*words, *browser)
        if once:
            self._show_by_itself()
        else:
            self._show_a_person()
        _say("$ ssh demo-nb-kill")
        _run([*self._ssh(), "demo-nb-kill"], self._environ(), _STOP_SECONDS, what="ssh demo-nb-kill")

    def _show_a_person(self) -> None:
        _say(f"the password is {self.password}; Ctrl-C ends the demo")
        command = self._attach()
        self.is_shown = True
        _run(command, self._environ(), None, what="ssh demo-nb", stdin=None)

    def _show_by_itself(self) -> None:
        from nbssh.adapters.jupyter.visitor import Visitor  # noqa: PLC0415  one run in a hundred needs it
        from nbssh.adapters.terminal.session import Session  # noqa: PLC0415  the same

        base = f"http://127.0.0.1:{self.port}/"
        with Session(self._attach(), self._environ(), shown=True) as session:
            session.wait_for(base, _START_SECONDS)
            visitor = Visitor(base)
            visitor.login(self.password)
            value = visitor.run(visitor.start_kernel(), "6 * 7")
            if value != "42" or "jupyter" not in visitor.page("lab").lower():
                raise NbsshError(f"the page or the cell is wrong: 6 * 7 is {value}", "read what ssh said above")
            _say(f"logged in through the tunnel, jupyter server {visitor.version()}; 6 * 7 is {value}")
            if self.has_terminal:
                _say("Ctrl-C")
                status = session.press_control_c(_STOP_SECONDS).status
                if status:
                    raise NbsshError(f"ssh demo-nb ended with status {status}", "see above")

    def _make_machines(self) -> None:
        for home in (self.laptop, self.server):
            home.mkdir(mode=0o700)
        self.config.parent.mkdir(mode=0o700)
        # an interpreter in the user's own ~/.local must find its packages although HOME is another one
        base = {"PYTHONUSERBASE": site.getuserbase()}
        server = sshd.make_server(self.folder / "sshd", home=self.server, environ=base)
        self.config.write_text(server.host_block("demo"), encoding="utf-8")
        self.config.chmod(0o600)
        browser = self.folder / "browser"
        browser.write_text(_browser_script(), encoding="utf-8")
        browser.chmod(0o700)

    def _nbssh(self, *words: str) -> None:
        shown = shlex.join(["nbssh", *words])
        _say(f"$ printf PASSWORD | {shown}")
        command = [sys.executable, "-m", "nbssh", *words]
        _run(command, self._environ(), _ADD_SECONDS, what=shown, stdin=self.password)

    def _attach(self) -> list[str]:
        """Say and return the command that starts Jupyter and stays."""
        if self.has_terminal:
            _say("$ ssh demo-nb")
            return [*self._ssh(), "demo-nb"]
        _say("$ ssh -T demo-nb          (-T: on this system only root's sshd can give a terminal)")
        return [*self._ssh(), "-T", "demo-nb"]

    def _ssh(self) -> list[str]:
        return ["ssh", "-F", str(self.config)]

    def _environ(self) -> dict[str, str]:
        """Return the user's environment, at home on the temporary laptop."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        return kept | {
            "HOME": str(self.laptop),
            "PYTHONUSERBASE": site.getuserbase(),
            "NBSSH_SSH_COMMAND": shlex.join(self._ssh()),
            "BROWSER": str(self.folder / "browser"),
        }


def _clean(folder: Path) -> None:
    """Stop Jupyter, the tunnel and sshd, whatever of them there is, and remove `folder`."""
    config = folder / "laptop" / ".ssh" / "config"
    if (config.parent / "nbssh.d" / "demo.conf").exists() and sshd.processes(folder):
        for words in (["demo-nb-kill"], ["-O", "exit", "demo-nb"]):
            # a session of its own: a second ^C must not reach it
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    ["ssh", "-F", str(config), "-o", "BatchMode=yes", *words],
                    env={**os.environ, "HOME": str(folder / "laptop")},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    timeout=_STOP_SECONDS,
                    check=False,
                )
    sshd.end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise NbsshError(f"{folder} could not be removed", f"rm -rf {folder}")
    _say("everything is gone: no Jupyter, no tunnel, no sshd, no file")


def _run(
    command: Sequence[str],
    environ: dict[str, str],
    seconds: float | None,
    *,
    what: str,
    stdin: str | None = "",
) -> None:
    """Run a command as a person would; `stdin` is what it reads, None for the terminal.

    On every way out it has ended, and gently: a killed ssh would leave the terminal in raw mode.
    """
    pipe = subprocess.PIPE if stdin is not None else None
    process = subprocess.Popen(command, env=environ, stdin=pipe, text=True)
    try:
        process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise NbsshError(f"'{what}' did not end within {seconds:.0f} s", "see what it said above") from None
    finally:
        _end(process)
    if process.returncode:
        raise NbsshError(f"'{what}' ended with status {process.returncode}", "see what it said above")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    if process.poll() is None:
        process.kill()
        process.wait()


def _find_programs(*, once: bool) -> str:
    """Return the path of jupyter-lab, beside our own Python first; raise if a program is missing."""
    sshd.find_sshd()
    if not shutil.which("ssh"):
        raise NbsshError("there is no 'ssh' on this machine", "sudo apt-get install openssh-client")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    jupyter = shutil.which("jupyter-lab", path=path)
    if not jupyter:
        raise NbsshError("the demo needs JupyterLab on this machine", _EXTRA)
    if once and not find_spec("websocket"):
        raise NbsshError("nbssh demo --once needs the package websocket-client", _EXTRA)
    return str(Path(jupyter).absolute())


def _has_display() -> bool:
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def _browser_script() -> str:
    """Return a script that shows an address in the user's own browser, at home in the user's own home.

    With the demo's environment a browser would make its profile in the temporary home, and be ended with it.
    """
    ours = ("BROWSER", "HOME", "NBSSH_SSH_COMMAND", "PYTHONUSERBASE")
    real = {key: value for key, value in os.environ.items() if key in ours or key.startswith("XDG_")}
    words = shlex.join(["env", *(f"{key}={value}" for key, value in sorted(real.items())), sys.executable])
    return f'#!/bin/sh\nunset {" ".join(ours)}\nexec {words} -m webbrowser -t "$1"\n'


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stderr.write(f"nbssh: demo: {text}\n")
        sys.stderr.flush()
