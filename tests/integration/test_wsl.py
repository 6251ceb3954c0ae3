"""From a WSL: the files of the Windows side, written and tried with an ssh.exe that knows only Windows' paths."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY, SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "Zoë O'Neil"
INCLUDE = b"# Jupyter over ssh; added by nbssh, taken out again by: nbssh uninstall\r\nInclude nbssh.d/*.conf\r\n"
THEIRS = b"Host mybox\r\n    HostName 10.0.0.5\r\n    User alice\r\n"

# The real ssh behind Windows' names of files; another spelling than Windows' it does not understand.
SSH_EXE = r"""
import os, re, sys
drive, words = {drive!r}, sys.argv[1:]
if words == ["-V"]:
    sys.exit(print("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", file=sys.stderr))
home = drive + "/Users/{user}"
if "-F" in words:
    at = words.index("-F") + 1
    assert re.match(r"C:\\", words[at]), words
    config = drive + words[at][2:].replace("\\", "/")
    text = re.sub(r'Include "C:/', f'Include "{{drive}}/', open(config).read())
    words[at] = os.path.dirname(__file__) + f"/translated-{{os.getpid()}}"
    open(words[at], "w", opener=lambda path, flags: os.open(path, flags, 0o600)).write(text)
else:
    words = ["-F", home + "/.ssh/config", *words]
os.environ["HOME"] = home
os.execvp("ssh", ["ssh", *words])
"""


class Laptop:
    """A Linux home, a drive of Windows beside it, and the programs of Windows that nbssh runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.drive, self.bin = folder, folder / "h", folder / "mnt c", folder / "bin"
        self.windows = self.drive / "Users" / USER
        for made in (self.home / ".ssh", self.bin, self.windows / ".ssh", self.windows / "AppData/Local/Temp"):
            made.mkdir(parents=True)
        (folder / "mounts").write_text(
            f"/dev/sdc / ext4 rw 0 0\nC:\\134 {str(self.drive).replace(' ', chr(92) + '040')} 9p rw,aname=drvfs 0 0\n"
        )
        self.config = self.windows / ".ssh" / "config"
        self.config.write_bytes(THEIRS)
        self.config.chmod(0o600)
        self.tool("cmd.exe", f"printf 'USERPROFILE=C:\\\\Users\\\\%s\\r\\n' \"{USER}\" | iconv -t UTF-16LE")
        self.tool("icacls.exe", f'printf "%s\\n" "$*" >>"{folder}/icacls.calls"')
        self.tool("whoami.exe", 'printf \'"box\\\\me","S-1-5-21-1-2-3-1001"\\r\\n\'')
        (folder / "ssh.py").write_text(SSH_EXE.format(drive=str(self.drive), user=USER))
        openssh = self.drive / "Windows" / "System32" / "OpenSSH"
        openssh.mkdir(parents=True)
        self.tool(str(openssh / "ssh.exe"), f'exec "{sys.executable}" "{folder}/ssh.py" "$@"')
        self.env = {
            "HOME": str(self.home), "PATH": f"{self.bin}:{SYSTEM_PATH}", "WSL_DISTRO_NAME": "Debian", "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY), "NBSSH_SSH_COMMAND": f"ssh -F {self.home}/.ssh/config",
        }  # fmt: skip

    def tool(self, name: str, body: str) -> None:
        """Put a program on PATH."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def nbssh(self, *words: str, status: int = 0) -> str:
        """Run nbssh; it must end with `status`."""
        program = (
            "import pathlib\nfrom nbssh.adapters import wsl\n"
            f"wsl.MOUNTS = pathlib.Path({str(self.folder / 'mounts')!r})\n"
            "from nbssh.__main__ import main\nmain()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    with tempfile.TemporaryDirectory(prefix="nbw", dir="/tmp") as folder:
        yield Laptop(Path(folder))


def test_the_windows_side_gets_its_files_and_loses_them_again(laptop: Laptop) -> None:
    said = laptop.nbssh("add", "mybox", "--client", "windows", "--offline", "--yes", "--token")
    assert laptop.config.read_bytes() == INCLUDE + THEIRS
    folder = laptop.windows / ".ssh" / "nbssh.d"
    assert sorted(path.name for path in folder.iterdir()) == ["mybox.conf", "open.ps1"]
    conf = (folder / "mybox.conf").read_bytes().decode()
    assert f'-File "C:\\Users\\{USER}\\.ssh\\nbssh.d\\open.ps1" mybox 8888' in conf
    assert "    HostName 10.0.0.5\r\n" in conf  # what the ssh of Windows says
    secrets = f"\\\\wsl$\\Debian{laptop.home}/.local/state/nbssh/secrets".replace("/", "\\")
    assert f"$secrets = '{secrets}'\r\n" in (folder / "open.ps1").read_bytes().decode("utf-8-sig")
    # the rest stays in WSL
    assert not (laptop.home / ".ssh" / "nbssh.d").exists()
    assert 'client = "windows"' in (laptop.home / ".config" / "nbssh" / "profiles" / "mybox.toml").read_text()
    calls = (laptop.folder / "icacls.calls").read_text().splitlines()
    assert calls
    assert all(call.startswith(f"C:\\Users\\{USER}\\.ssh\\") for call in calls)

    assert "already up to date" in laptop.nbssh("apply", "--offline")
    assert laptop.nbssh("diff", "--offline") == ""
    assert f"C:\\Users\\{USER}\\.ssh\\nbssh.d\\open.ps1" in laptop.nbssh("show", "mybox")
    laptop.nbssh("doctor", "--offline")
    laptop.nbssh("remove", "mybox", "--offline")
    assert not folder.exists()
    assert said


def test_uninstall_takes_out_both_sides(laptop: Laptop) -> None:
    own = laptop.home / ".ssh" / "config"
    own.write_bytes(THEIRS + b"# mine\n")
    own.chmod(0o600)
    laptop.nbssh("add", "there", "mybox", "--client", "windows", "--offline", "--yes", "--token")
    laptop.nbssh("add", "here", "mybox", "--offline", "--yes", "--token")
    assert (laptop.home / ".ssh" / "nbssh.d" / "open").exists()
    assert "knows these aliases only after nbssh add NAME --client windows" in " ".join(
        laptop.nbssh("doctor", "--offline").split()
    )
    laptop.nbssh("uninstall", "--offline", "--yes")
    assert laptop.config.read_bytes() == THEIRS
    assert own.read_bytes() == THEIRS + b"# mine\n"
    for side in (laptop.home, laptop.windows):
        assert not (side / ".ssh" / "nbssh.d").exists()
    assert not (laptop.home / ".local" / "state" / "nbssh").exists()


def test_outside_of_wsl_there_is_no_windows_side(laptop: Laptop) -> None:
    del laptop.env["WSL_DISTRO_NAME"]
    said = laptop.nbssh("add", "mybox", "--client", "windows", "--offline", "--yes", "--token", status=1)
    assert "--client windows is for WSL" in said
    laptop.env["WSL_DISTRO_NAME"] = "Debian"
    job = laptop.nbssh("add", "x", "--client", "windows", "--scheduler", "slurm", "--token", "--yes", status=1)
    assert "the job's key would lie in WSL" in job
    assert "there is no such client" in laptop.nbssh("add", "mybox", "--client", "amiga", status=2)


def test_the_client_of_a_profile_is_not_changed_by_hand(laptop: Laptop) -> None:
    laptop.nbssh("add", "mybox", "--client", "windows", "--offline", "--yes", "--token")
    laptop.tool("editor", "sed -i '/^client/d' \"$1\"")
    laptop.env["EDITOR"] = "editor"
    assert "'client' is not changed by hand" in laptop.nbssh("edit", "mybox", "--offline", "--yes", status=1)
