"""A laptop without a server: a home with an ssh_config in it, nbssh in this very process, and the real `ssh -G`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bed as beds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONFIG = b"""\
# mine, by hand
Host box
  HostName 10.0.0.5
  User alice
  ProxyJump gate
  LocalForward 8443 intranet:443

Host gate
  HostName gate.example.org
  Port 2222
Host *.corp !secret.corp
  User "corp user"
  IdentityFile ~/.ssh/corp key
Match host other user root
  Compression yes
Host caf\xe9 #last
  ServerAliveInterval 7
""".replace(b"~/.ssh/corp key", b'"~/.ssh/corp key"')
HOSTS = ("box", "gate", "a.corp", "root@other")


@dataclass(frozen=True)
class Laptop:
    """A user's home; `environ` is what makes nbssh and ssh look there."""

    home: Path

    @property
    def config(self) -> Path:
        return self.home / ".ssh/config"

    @property
    def conf_dir(self) -> Path:
        return self.home / ".ssh/nbssh.d"

    @property
    def profiles(self) -> Path:
        return self.home / ".config/nbssh/profiles"

    @property
    def backups(self) -> Path:
        return self.home / ".local/state/nbssh/backups"

    @property
    def environ(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        command = shlex.join(["ssh", "-F", str(self.config)])
        return kept | {"HOME": str(self.home), "NBSSH_SSH_COMMAND": command, "LC_ALL": "C.UTF-8"}

    def write(self, config: bytes = CONFIG, mode: int = 0o600) -> None:
        self.config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config.write_bytes(config)
        self.config.chmod(mode)

    def nbssh(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command as a user does, in a process of its own."""
        argv = [sys.executable, "-m", "nbssh", *words]
        return beds.capture(argv, env=self.environ, cwd=self.home, stdin=stdin, timeout=120)

    def done(self, *words: str) -> str:
        """Run the command, which must exit 0; return what it said."""
        done = self.nbssh(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def add(self, name: str = "box", *words: str) -> str:
        return self.done("add", name, *words, "--offline", "--token", "--yes")

    def ssh_g(self, host: str) -> str:
        """Return what ssh makes of its config for `host`, or why it refuses it."""
        done = subprocess.run(
            ["ssh", "-F", self.config, "-G", host], env=self.environ, capture_output=True, timeout=60, check=False
        )
        return (done.stdout if done.returncode == 0 else b"refused: " + done.stderr).decode("latin-1")

    def answers(self, hosts: Iterable[str] = HOSTS) -> dict[str, str]:
        return {host: self.ssh_g(host) for host in hosts}


def tree(home: Path) -> dict[str, str]:
    """Return every path below `home` with what it is: mode, content, target of a link."""
    return {
        str(path.relative_to(home)): f"-> {path.readlink()}"
        if path.is_symlink()
        else f"{stat.S_IMODE(path.stat().st_mode):o} {path.read_bytes()!r}"
        if path.is_file()
        else f"{stat.S_IMODE(path.stat().st_mode):o} folder"
        for path in sorted(home.rglob("*"))
    }


def lasting(found: dict[str, str]) -> dict[str, str]:
    """Drop what a repetition may leave otherwise: backups, the lock with the pid of its last holder, checksums.

    And the note of the folders that were made: a kill before its first line loses those above it.
    """
    other = r"\.local/state/nbssh/(backups|lock|\.derived|\.folders)"
    return {name: text for name, text in found.items() if not re.match(other, name)}


def strays(home: Path) -> list[str]:
    return [str(path.relative_to(home)) for path in home.rglob("*") if path.name.endswith(".nbssh-tmp")]


def run_here(laptop: Laptop, *words: str) -> tuple[int, str]:
    """Run the command in this process, whose environment must be the laptop's; return its status and its talk."""
    from nbssh.__main__ import _run  # noqa: PLC0415  as late as the program itself

    said = io.StringIO()
    assert os.environ["HOME"] == str(laptop.home)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = _run(list(words))
    return status, said.getvalue()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder in memory where there is one: these tests flush files to the disk by the thousand.

    What is killed leaves its temporary files: they go with the folder, too.
    """
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="nbd", dir=memory if os.access(memory, os.W_OK) else None))
    temporary, before = folder / "temporary", tempfile.tempdir
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)
