"""Shared servers: what another user of the machine can see, and a server that is another Unix user's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds
import pexpect
import pytest
from bed import needs, needs_root, unix_user, until
from ports import free_port

from nbssh.adapters.jupyter.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bed import Bed

PASSWORD = "a password"


@pytest.fixture
def stranger() -> Iterator[str]:
    """Make a user who has nothing to do with the notebook."""
    needs_root()
    needs("useradd", "setpriv")
    with unix_user("/bin/sh") as name:
        yield name


def as_user(name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` as the user `name`."""
    who = pwd.getpwnam(name)
    become = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", "env", "-i"]
    become += [f"HOME={who.pw_dir}", f"PATH={beds.SYSTEM_PATH}"]
    return subprocess.run(
        [*become, *command], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/"
    )


def running_of(name: str) -> list[str]:
    """Return what the user runs; a process that has ended and waits to be reaped is none."""
    command = ["ps", "-u", name, "-o", "stat=,args="]
    listing = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return [line for line in listing.splitlines() if not line.startswith("Z")]


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """Give a bin folder whose Python, nbssh and jupyter-lab every user may run.

    This environment's, or a copy where this one lies in somebody's private home.
    """
    needs_root()
    runs = as_user("nobody", str(beds.BIN / "python"), "-c", "import jupyterlab").returncode == 0
    if runs and as_user("nobody", "test", "-r", str(beds.BIN / "jupyter-lab")).returncode == 0:
        yield beds.BIN
        return
    with tempfile.TemporaryDirectory(prefix="nbp", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield copied_environment(Path(folder))


def public_python(version: str) -> str:
    """Return a Python that every user may run: root's own may lie in root's home."""
    for python in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if Path(python).exists() and as_user("nobody", python, "-c", "").returncode == 0:
            return python
    needs(f"/usr/bin/{version}")
    raise AssertionError("unreachable")


def copied_environment(copy: Path) -> Path:
    """Copy our environment, nbssh included, into the folder `copy`; return its bin folder."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = f"lib/{version}/site-packages"
    subprocess.run([public_python(version), "-m", "venv", "--without-pip", str(copy)], check=True)
    for part in (packages, "share/jupyter", "etc/jupyter"):
        if (beds.BIN.parent / part).exists():
            shutil.copytree(beds.BIN.parent / part, copy / part, symlinks=True, dirs_exist_ok=True)
    # an editable install has left templates/ there already
    shutil.copytree(beds.REPOSITORY / "nbssh", copy / packages / "nbssh", dirs_exist_ok=True)
    shutil.copytree(beds.REPOSITORY / "templates", copy / packages / "nbssh" / "templates", dirs_exist_ok=True)
    for kernel in (copy / "share" / "jupyter" / "kernels").glob("*/kernel.json"):
        kernel.write_text(kernel.read_text().replace(str(beds.BIN), str(copy / "bin")))
    script = copy / "bin" / "jupyter-lab"
    program = "import sys\nfrom jupyterlab.labapp import main\nsys.exit(main())\n"
    script.write_text(f"#!{copy}/bin/python\n{program}")
    script.chmod(0o755)
    return copy / "bin"


def test_another_user_reaches_nothing_of_ours(make_bed: Callable[..., Bed], stranger: str) -> None:
    bed = make_bed()
    # homes that others may enter, as on many a cluster: the protection must not depend on theirs
    for folder in (bed.folder, bed.remote_home, bed.local_home):
        folder.chmod(0o755)
    port = free_port()
    bed.nbssh(
        *("add", "box", "--password-stdin", "--yes", "--port", str(port), "--jupyter", str(bed.jupyter)),
        *("--forward", "socket"),
        stdin=PASSWORD,
    )
    terminal = bed.ssh("box-nb", timeout=120)
    terminal.expect_exact(f"http://127.0.0.1:{port}/")
    visitor = Visitor(f"http://127.0.0.1:{port}/")
    visitor.login(PASSWORD)
    visitor.start_kernel()

    state = bed.remote_home / ".local" / "state" / "nbssh"
    files = [*state.rglob("*"), *(bed.remote_home / ".local" / "share" / "nbssh").rglob("*")]
    files += [*(bed.local_home / ".local").rglob("*"), *(bed.local_home / ".config").rglob("*")]
    files += [*(bed.local_home / ".ssh" / "nbssh.d").rglob("*")]
    names = {path.name for path in files}
    assert {"sock", "record", "log", "launch", "jupyter_server_config.json", "box.json", "box.toml"} <= names
    (sock,) = (path for path in files if path.name == "sock")
    connect = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print('connected')"
    tried = as_user(stranger, "/usr/bin/python3", "-c", connect, str(sock))
    assert "PermissionError" in tried.stderr
    assert "connected" not in tried.stdout
    # ... and it is the same program that reaches it as ourselves
    assert subprocess.run([sys.executable, "-c", connect, str(sock)], check=False, capture_output=True).returncode == 0
    for path in files:
        if path.is_file():
            assert as_user(stranger, "cat", str(path)).stdout == "", path
        assert as_user(stranger, "test", "-w", str(path)).returncode != 0, path
    # the list of processes is public: no secret in it
    arguments = as_user(stranger, "ps", "-eo", "args").stdout
    assert "jupyter-lab" in arguments
    assert PASSWORD not in arguments
    assert "argon2" not in arguments
    bed.run("ssh", "box-nb-kill")
    terminal.expect(pexpect.EOF)


@pytest.mark.parametrize("shell", ["/bin/bash", "/usr/bin/tcsh"])
def test_the_server_is_another_unix_users(make_bed: Callable[..., Bed], programs: Path, shell: str) -> None:
    needs_root()
    needs("useradd", "setpriv", shell)
    with unix_user(shell) as name:
        bed = make_bed(user=name)
        port = free_port()
        bed.nbssh(
            *(
                "add",
                "box",
                "--password-stdin",
                "--yes",
                "--port",
                str(port),
                "--jupyter",
                str(programs / "jupyter-lab"),
            ),
            stdin=PASSWORD,
        )
        terminal = bed.ssh("box-nb", timeout=120)
        terminal.expect_exact(f"http://127.0.0.1:{port}/")
        visitor = Visitor(f"http://127.0.0.1:{port}/")
        visitor.login(PASSWORD)
        whoami = "import getpass, os; os.getuid() != 0 and getpass.getuser()"
        assert visitor.run(visitor.start_kernel(), whoami) == repr(name)
        terminal.sendcontrol("c")
        terminal.expect(pexpect.EOF)
        killed = bed.run("ssh", "box-nb-kill")
        assert killed.returncode == 0, killed.stderr
        assert bed.nbssh("remove", "box", "--yes").returncode == 0
        until(lambda: not running_of(name), "no process of the user is left")
        home = Path(pwd.getpwnam(name).pw_dir)
        assert not list(home.rglob("*nbssh*"))
        assert not Path(f"/tmp/nbssh-{pwd.getpwnam(name).pw_uid}").exists()


def test_a_normal_user_can_run_the_demo(programs: Path, stranger: str) -> None:
    done = as_user(stranger, str(programs / "python"), "-m", "nbssh", "demo", "--once")
    assert done.returncode == 0, done.stderr
    assert "6 * 7 is 42" in done.stderr
    assert running_of(stranger) == []
    assert not list(Path(pwd.getpwnam(stranger).pw_dir).rglob("*nbssh*"))
