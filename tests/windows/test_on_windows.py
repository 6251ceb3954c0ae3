"""nbssh on a laptop that looks like Windows: every command runs, or says what it needs, and writes Windows' files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY
from windows import RULES, USER

from nbssh.cli.app import app
from nbssh.core.files.program import program
from nbssh.windows.client import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT_TESTS = [f"tests/windows/test_{name}.py" for name in ("console", "windows_files", "windows_paths")]
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


class Laptop:
    """A home, a System32 with an ssh.exe that is this machine's, and tools that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.bin = folder, folder / "Zoë O'Neil", folder / "bin"
        openssh = folder / "Windows" / "System32" / "OpenSSH"
        for made in (self.home / ".ssh", self.bin, openssh, folder / "temp"):
            made.mkdir(parents=True)
        self.tool(openssh / "ssh.exe", f'exec ssh -F "{self.home}/.ssh/config" "$@"')
        self.config = self.home / ".ssh" / "config"
        self.config.write_bytes(b"Host mybox\r\n    HostName 10.0.0.5\r\n    User alice\r\n")
        self.config.chmod(0o600)
        self.env = {
            "HOME": str(self.home), "USERPROFILE": str(self.home), "LOCALAPPDATA": str(self.home / "AppData/Local"),
            "SYSTEMROOT": str(folder / "Windows"), "PROGRAMDATA": str(folder / "ProgramData"),
            "TMPDIR": str(folder / "temp"), RULES: str(folder),
            "PATH": f"{self.bin}:/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY),
        }  # fmt: skip
        self.env |= {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}

    def tool(self, path: Path, body: str) -> None:
        """Put a program there."""
        path.write_bytes(
            b"#!/bin/sh\n" + body.encode("latin-1", "surrogateescape").replace(b"\xeb", "ë".encode()) + b"\n"
        )
        path.chmod(0o755)

    def python(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Python there."""
        env = self.env | {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY}/tests/windows"}
        return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run nbssh there."""
        return subprocess.run(
            [sys.executable, str(REPOSITORY / "tests" / "windows" / "windows.py"), *words],
            input=stdin, env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def nbssh(self, *words: str, stdin: str = "", status: int = 0) -> str:
        """Run nbssh there; it must end with `status` and without a bug."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == status, f"nbssh {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    @property
    def port(self) -> int:
        """The port of the profile mybox: the first one that is free."""
        profile = tomllib.loads((self.home / "AppData/Local/nbssh/profiles/mybox.toml").read_text())
        return int(profile["port"])

    def add(self, *options: str) -> str:
        """Set up the profile mybox."""
        return self.nbssh("add", "mybox", "--offline", "--yes", "--password-stdin", *options, stdin="secret\n")


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    with tempfile.TemporaryDirectory(prefix="nbw", dir="/tmp") as folder:
        yield Laptop(Path(folder))


@pytest.fixture
def with_profile(laptop: Laptop) -> Laptop:
    laptop.add()
    return laptop


def test_no_module_that_windows_lacks_is_imported_by_any_module_of_nbssh(laptop: Laptop) -> None:
    """But by those of check and demo, which say before what they need."""
    unix = {"nbssh.adapters.terminal.session", "nbssh.demo.sshd", "nbssh.demo.show"}
    names = sorted(
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts) for path in (REPOSITORY / "nbssh").rglob("*.py")
    )
    names = [name.removesuffix(".__init__") for name in names if name not in unix]
    done = laptop.python(
        "import windows; windows.become_windows()\nimport importlib\n"
        f"for name in {names}: importlib.import_module(name)"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_tests_pass_there() -> None:
    env = os.environ | {"PYTHONPATH": f"{REPOSITORY}/tests/windows:{REPOSITORY}/tests"}
    env.pop("CI", None)  # there a missing tool is a failure, and Windows has not all
    options = ["-p", "windows", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "tests/unit", *UNIT_TESTS],
        cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_the_fake_has_teeth(laptop: Laptop) -> None:
    done = laptop.python("import windows; windows.become_windows()\nimport nbssh.adapters.terminal.session")
    assert "Windows has no module pexpect" in done.stderr


def test_every_command_has_its_help(laptop: Laptop) -> None:
    program = (
        "import windows; windows.become_windows()\nfrom nbssh.__main__ import _run\n"
        f"for words in {[[], *([name] for name in COMMANDS)]}: assert _run([*words, '--help']) == 0"
    )
    done = laptop.python(program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Usage: nbssh") == len(COMMANDS) + 1


def test_add_writes_the_files_of_windows(laptop: Laptop) -> None:
    said = laptop.add()
    assert "nothing is known of the host yet" in said
    conf = laptop.home / ".ssh" / "nbssh.d" / "mybox.conf"
    text = conf.read_bytes().decode()
    assert text.count("\n") == text.count("\r\n") > 10
    assert "\r\n    ControlPath none\r\n" in text
    folder, page = laptop.home / ".ssh" / "nbssh.d", laptop.home / "AppData/Local/nbssh/secrets/mybox.html"
    assert f'    LocalCommand <nul "{folder}/open.cmd" mybox {laptop.port} {program().id} hold "{page}"\r\n' in text
    opener = (folder / "open.cmd").read_bytes()
    assert opener.startswith(b"@echo off\r\n")
    assert not (folder / "open").exists()
    # one relative Include on top, in the file's own line ends
    assert laptop.config.read_bytes().startswith(
        b"# Jupyter over ssh; added by nbssh, taken out again by: nbssh uninstall\r\n"
        b"Include nbssh.d/*.conf\r\nHost mybox\r\n"
    )
    assert (laptop.home / "AppData" / "Local" / "nbssh" / "profiles" / "mybox.toml").is_file()


def test_files_and_folders_get_access_lists_instead_of_modes(laptop: Laptop) -> None:
    laptop.add()
    calls = (laptop.folder / "set").read_text(encoding="utf-8").splitlines()
    rules = f"D:P(A;{{0}};FA;;;{USER})(A;{{0}};FA;;;SY)(A;{{0}};FA;;;BA)"
    folder = laptop.home / ".ssh" / "nbssh.d"
    assert f"{folder} {rules.format('OICI')}" in calls
    for name in ("mybox.conf", WINDOWS.opener_name):
        # before a byte is in it, under its temporary name
        assert [call for call in calls if call.startswith(f"{folder}/.{name}.") and call.endswith(rules.format(""))]


def test_a_list_that_cannot_be_set_leaves_nothing_behind(laptop: Laptop) -> None:
    (laptop.folder / "fails").touch()
    said = laptop.nbssh("add", "mybox", "--offline", "--yes", "--password-stdin", stdin="s\n", status=1)
    assert "access is denied" in said
    assert not (laptop.home / ".ssh" / "nbssh.d").exists()
    assert b"Include" not in laptop.config.read_bytes()


def test_everyday_commands(with_profile: Laptop) -> None:
    laptop = with_profile
    assert "ssh mybox-nb" in laptop.nbssh("list")
    assert json.loads(laptop.run("list", "--json").stdout)["profiles"][0]["name"] == "mybox"
    assert "open.cmd" in laptop.nbssh("show", "mybox")
    assert laptop.run("diff", "--offline", "mybox").stdout == ""
    assert "already up to date" in laptop.nbssh("apply", "--offline")
    assert laptop.nbssh("url", "mybox") == f"http://127.0.0.1:{laptop.port}/\n"
    assert laptop.nbssh("--version").startswith("nbssh ")
    assert "Register-ArgumentCompleter" in laptop.nbssh("completions", "powershell")
    assert "already" in laptop.nbssh("init", "--yes")
    laptop.nbssh("passwd", "mybox", "--token", "--offline", "--yes")
    assert "?token=" in laptop.nbssh("url", "mybox")


def test_commands_that_need_a_server_say_so(with_profile: Laptop) -> None:
    for command in ("open", "check", "kill", "logs"):
        assert "added offline" in with_profile.nbssh(command, "mybox", status=1)
    assert "the demo needs a Unix terminal" in with_profile.nbssh("demo", status=1)


def test_status_and_doctor_end_in_time(with_profile: Laptop) -> None:
    with_profile.tool(
        with_profile.folder / "Windows/System32/OpenSSH/ssh.exe", _WINDOWS_SSH.format(home=with_profile.home)
    )
    said = " ".join(with_profile.nbssh("doctor", "--offline").split())
    assert "OpenSSH_for_Windows_9.5" in said
    assert "System32/OpenSSH/ssh.exe" in said
    assert "no ControlMaster" in said
    with_profile.nbssh("status", status=1)


_WINDOWS_SSH = """case "$1" in -V) echo 'OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2' >&2; exit ;; esac
case "$*" in *-G*) exec ssh -F "{home}/.ssh/config" "$@" ;; esac
echo 'ssh: connect to host 10.0.0.5 port 22: Connection timed out' >&2; exit 255"""


def test_a_file_that_others_may_use_is_found_with_what_repairs_it(with_profile: Laptop) -> None:
    laptop = with_profile
    conf = laptop.home / ".ssh" / "nbssh.d" / "mybox.conf"
    (laptop.folder / "read").write_text(
        f"mybox.conf D:PAI(D;;FA;;;AN)(A;;FA;;;SY)(A;;FA;;;{USER})(A;;0x1200a9;;;WD)\n", encoding="utf-8"
    )
    (found,) = [
        check for check in json.loads(laptop.run("doctor", "--offline", "--json").stdout)["checks"]
        if check["check"] == "modes"
    ]  # fmt: skip
    assert found["level"] == "error"
    assert "mybox.conf: others than you" in found["message"]
    assert found["repair"].startswith(
        f'icacls "{conf}" /reset; icacls "{conf}" "/inheritance:r" "/grant:r" "*{USER}:F"'
    )


def test_gits_ssh_on_the_path_is_named(with_profile: Laptop) -> None:
    laptop = with_profile
    laptop.tool(laptop.bin / "ssh", 'exec /usr/bin/ssh "$@"')
    said = laptop.nbssh("doctor", "--offline", "mybox")
    assert f"'ssh' in this shell is {laptop.bin}/ssh" in " ".join(said.split())


def test_a_newer_ssh_of_windows_on_the_path_is_fine(with_profile: Laptop) -> None:
    laptop = with_profile
    name = "OpenSSH_for_Windows_9.8p1 Win32-OpenSSH-GitHub, LibreSSL 4.0.0"
    laptop.tool(laptop.bin / "ssh", f'[ "$1" = -V ] || exec /usr/bin/ssh "$@"; echo "{name}" >&2')
    assert "in this shell is" not in " ".join(laptop.nbssh("doctor", "--offline", "mybox").split())


def test_remove_and_uninstall_leave_the_config_as_it_was(with_profile: Laptop) -> None:
    laptop = with_profile
    (laptop.home / ".ssh" / "nbssh.d" / "open.ps1").touch()  # of an earlier nbssh
    laptop.nbssh("remove", "mybox", "--offline")
    assert not (laptop.home / ".ssh" / "nbssh.d").exists()
    laptop.nbssh("uninstall", "--offline", "--yes")
    assert laptop.config.read_bytes() == b"Host mybox\r\n    HostName 10.0.0.5\r\n    User alice\r\n"
    assert not (laptop.home / "AppData" / "Local" / "nbssh").exists()


def test_the_ssh_command_of_the_user_may_hold_backslashes(laptop: Laptop) -> None:
    laptop.env["NBSSH_SSH_COMMAND"] = r'"C:\Program Files\ssh.exe" -F C:\x'
    assert r"there is no 'C:\Program Files\ssh.exe'" in laptop.nbssh("init", "--yes", status=1)
