"""nbssh by hand on a real Windows' Python, for a user with a difficult name: what it prints, what it writes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY
from build import PYTHONS
from laptop import Laptop, laptop

from nbssh import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

# as PowerShell 5.1 writes UTF-8; its ssh skips the mark
CONFIG = b"\xef\xbb\xbfHost mybox\r\n    HostName 10.0.0.5\r\n    User alice\r\n"


@pytest.fixture(params=PYTHONS, scope="module")
def there(request: pytest.FixtureRequest) -> Iterator[Laptop]:
    with laptop(request.param) as made:
        (made.home / ".ssh").mkdir()
        yield made


def test_what_is_printed_is_the_same_as_everywhere(there: Laptop) -> None:
    """UTF-8, and no carriage return that a shell or ssh_config of another system would stumble over."""
    assert there.nbssh("--version") == f"nbssh {__version__}\n"
    help_page = (REPOSITORY / "tests" / "golden_help" / "nbssh.txt").read_bytes().decode()
    assert there.nbssh("--help", COLUMNS="80") == help_page
    for shell, name in (("bash", "nbssh.bash"), ("powershell", "nbssh.ps1")):
        assert there.nbssh("completions", shell).encode() == (REPOSITORY / "completions" / name).read_bytes()
    printed = there.run("nbssh", "init", "--print").stdout
    assert "Include nbssh.d/*.conf\n" in printed
    assert "\r" not in printed
    listed = there.run("nbssh", "list", "--json").stdout
    assert json.loads(listed)["profiles"] == []
    assert "\r" not in listed


def test_a_profile_comes_and_goes(there: Laptop) -> None:
    config = there.home / ".ssh" / "config"
    config.write_bytes(CONFIG)
    config.chmod(0o600)
    words = ["add", "mybox", "--offline", "--yes", "--password-stdin", "--no-browser"]
    said = there.nbssh(*words, stdin="pässword\r\n")
    assert "nothing is known of the host yet" in said
    assert config.read_bytes().endswith(b"Include nbssh.d/*.conf\r\n" + CONFIG.removeprefix(b"\xef\xbb\xbf"))
    assert "already" in there.nbssh("init", "--yes")
    # the very ssh that Windows' user runs
    asked = there.run("ssh", "-G", "mybox-nb")
    assert asked.returncode == 0
    assert "hostname 10.0.0.5" in asked.stdout.splitlines()

    (profile,) = json.loads(there.run("nbssh", "list", "--json").stdout)["profiles"]
    assert profile["name"] == "mybox"
    assert "~\\.ssh\\nbssh.d\\mybox.conf" in there.nbssh("show", "mybox")
    assert there.run("nbssh", "diff", "--offline", "mybox").stdout == ""

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", there.nbssh("url", "mybox"))
    conf = there.home / ".ssh" / "nbssh.d" / "mybox.conf"
    conf.write_bytes(conf.read_bytes().replace(b"ServerAliveInterval 10", b"ServerAliveInterval 11"))
    changed = there.run("nbssh", "diff", "--offline", "mybox")
    assert "-    ServerAliveInterval 11" in changed.stdout
    there.nbssh("apply", "--offline", "--yes", "mybox")
    assert there.run("nbssh", "diff", "--offline", "mybox").stdout == ""

    there.nbssh("remove", "mybox", "--offline", "--yes")
    assert not conf.exists()
    there.nbssh("uninstall", "--yes")
    assert config.read_bytes() == CONFIG
    assert not (there.home / ".ssh" / "nbssh.d").exists()


def test_home_is_where_ssh_looks_whatever_home_says(there: Laptop) -> None:
    (there.folder / "elsewhere").mkdir()
    program = (
        "import os, sys; os.environ['HOME'] = r'C:\\elsewhere'; sys.argv = ['nbssh', 'init', '--yes']; "
        "from nbssh.__main__ import main; main()"
    )
    done = there.run("python", "-c", program)
    assert done.returncode == 0, done.stderr
    assert list((there.folder / "elsewhere").iterdir()) == []
    assert b"Include nbssh.d/*.conf" in (there.home / ".ssh" / "config").read_bytes()
    there.nbssh("uninstall", "--yes")


def modes(there: Laptop) -> dict[str, str]:
    """Return what the doctor says of who may read our files."""
    checks = json.loads(there.run("nbssh", "doctor", "--offline", "--json").stdout)["checks"]
    (found,) = [check for check in checks if check["check"] == "modes"]
    return dict(found)


def test_only_the_user_may_read_what_was_written(there: Laptop) -> None:
    config = there.home / ".ssh" / "config"
    config.write_bytes(CONFIG)
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    folders = [there.home / ".ssh/nbssh.d", there.home / "AppData/Local/nbssh/secrets"]
    files = [path for folder in folders for path in (folder, *folder.iterdir())]
    assert len(files) > len(folders) + 1
    # wine keeps an access list as a mode, in which the user stands as the group too
    assert {path: path.stat().st_mode & 0o007 for path in files} == dict.fromkeys(files, 0)
    assert modes(there)["level"] == "ok"
    (there.home / ".ssh/nbssh.d/mybox.conf").chmod(0o604)  # wine makes Everyone's right of that
    assert "mybox.conf: others than you" in modes(there)["message"]
    there.nbssh("remove", "mybox", "--offline", "--yes")


def test_an_editor_gets_the_file_whatever_the_user_is_called(there: Laptop) -> None:
    """By its name alone too: VS Code's `code` is a code.cmd somewhere on PATH."""
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    (there.folder / "my tools").mkdir()
    (there.folder / "my tools" / "code.cmd").write_bytes(b"@echo idle_hours = 2.0>> %1\r\n")
    path = "C:\\windows\\system32\\OpenSSH;C:\\my tools"
    there.nbssh("edit", "mybox", "--offline", "--yes", EDITOR="code", WINEPATH=path)
    assert "idle_hours = 2.0" in (there.home / "AppData/Local/nbssh/profiles/mybox.toml").read_text(encoding="utf-8")
    # by its path too; and a key may stand there once
    twice = there.nbssh("edit", "mybox", "--offline", "--yes", EDITOR='"C:\\my tools\\code.cmd"', status=1)
    assert "cannot overwrite a value" in twice
    there.nbssh("remove", "mybox", "--offline", "--yes")


# Opens argv[1] as a virus scanner does, and lets go some moments after nbssh has wanted to replace or remove it.
HELD = """
import ctypes, os, sys, threading
kernel = ctypes.WinDLL("kernel32", use_last_error=True)
kernel.CreateFileW.restype = ctypes.c_void_p
path = sys.argv.pop(1)
handle = ctypes.c_void_p(kernel.CreateFileW(path, 0x80000000, 1, None, 3, 0, None))
refused = []
def noted(real):
    def act(*words, **more):
        try:
            return real(*words, **more)
        except PermissionError as error:
            if not refused:
                threading.Timer(0.3, kernel.CloseHandle, [handle]).start()
            refused.append(error.winerror)
            raise
    return act
os.replace, os.unlink = noted(os.replace), noted(os.unlink)
from nbssh.__main__ import main
try:
    main()
finally:
    print(sorted(set(refused)))
"""


def test_a_file_that_is_held_for_a_moment_is_written_all_the_same(there: Laptop) -> None:
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    conf = there.home / ".ssh/nbssh.d/mybox.conf"
    whole = conf.read_bytes()
    conf.write_bytes(whole.replace(b"ServerAliveInterval 10", b"ServerAliveInterval 11"))
    path = f"C:\\users\\{there.home.name}\\.ssh\\nbssh.d\\mybox.conf"
    done = there.run("python", "-c", HELD, path, "apply", "mybox", "--offline", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout in {"[5]\n", "[32]\n"}, "it was never refused"
    assert conf.read_bytes() == whole
    there.nbssh("remove", "mybox", "--offline", "--yes")


def test_uninstall_takes_what_is_held_for_a_moment_and_leaves_a_folder_in_which_a_console_stands(there: Laptop) -> None:
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    home = f"C:\\users\\{there.home.name}"
    stands = "import os, sys; os.chdir(sys.argv[1]); print('stands' + ' there', flush=True); sys.stdin.readline()"
    with there.starts("python", "-c", stands, f"{home}\\.ssh\\nbssh.d") as console:
        console.expect("stands there")
        path = f"{home}\\AppData\\Local\\nbssh\\laptop"
        done = there.run("python", "-c", HELD, path, "uninstall", "--offline", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout in {"[5]\n", "[32]\n"}, "it was never refused"
    assert not (there.home / "AppData/Local/nbssh").exists()
    assert list((there.home / ".ssh/nbssh.d").glob("*")) == []
    python = "Z:" + there.interpreter.replace("/", "\\")
    assert f"; the program itself: {python} -m pip uninstall jupyter-nbssh\n" in done.stderr  # no quotes of a Unix


def test_the_ssh_of_an_installer_is_as_good_as_that_of_windows(there: Laptop) -> None:
    folder = there.folder / "Program Files" / "OpenSSH"
    folder.mkdir(parents=True)
    shutil.copy(there.folder / "windows/system32/OpenSSH/ssh.exe", folder)
    path = "C:\\Program Files\\OpenSSH;C:\\windows\\system32\\OpenSSH"
    done = there.run("nbssh", "doctor", "--offline", "--json", WINEPATH=path)
    found = json.loads(done.stdout)["checks"][0]
    assert (found["level"], "OpenSSH_for_Windows_9.5" in found["message"]) == ("ok", True), found


def test_a_question_in_git_bash_says_how_it_can_be_asked(there: Laptop) -> None:
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    said = there.nbssh("uninstall", "--offline", status=1, MSYSTEM="MINGW64")
    assert "say --yes; to be asked in Git Bash: winpty nbssh uninstall --offline\n" in said
    there.nbssh("remove", "mybox", "--offline", "--yes")


def test_a_python_of_the_store_writes_where_nothing_is_redirected(there: Laptop) -> None:
    def nbssh(*words: str) -> None:
        program = (
            "import sys; sys.base_prefix = r'C:\\Program Files\\WindowsApps\\PythonSoftwareFoundation.Python.3.13_x'; "
            f"sys.argv = {['nbssh', *words]}; from nbssh.__main__ import main; main()"
        )
        done = there.run("python", "-c", program)
        assert done.returncode == 0, done.stderr

    nbssh("add", "mybox", "--offline", "--yes", "--token")
    assert (there.home / ".config/nbssh/profiles/mybox.toml").is_file()
    assert (there.home / ".local/state/nbssh/secrets/mybox.json").is_file()
    assert not list((there.home / "AppData/Local").rglob("mybox.*"))
    nbssh("remove", "mybox", "--offline", "--yes")
    assert not list((there.home / ".config").rglob("mybox.*"))


def test_files_to_carry_are_those_of_a_host(there: Laptop) -> None:
    said = there.nbssh("render", "other", "alice@10.0.0.9", "--token", "--to", "C:\\files")
    assert "its README says where they go" in said
    scripts = [path for path in (there.folder / "files").rglob("*") if path.name in {"launch", "kill"}]
    assert scripts
    assert all(b"\r" not in path.read_bytes() for path in scripts)


def test_commands_that_need_a_unix_terminal_say_so(there: Laptop) -> None:
    there.nbssh("add", "mybox", "--offline", "--yes", "--token")
    assert "Unix terminal" in there.nbssh("demo", status=1)
    for command in ("unit", "open", "check"):
        assert "it was added offline" in there.nbssh(command, "mybox", status=1)
    assert "runs in no job" in there.nbssh("job", "mybox", status=1)
    there.nbssh("remove", "mybox", "--offline", "--yes")


def test_nothing_of_it_is_left_running() -> None:
    with laptop(next(iter(PYTHONS))) as made:
        prefix = str(made.prefix)
        made.nbssh("--version")
    environs = subprocess.run(
        ["grep", "-lsazF", f"WINEPREFIX={prefix}", *_environs()], capture_output=True, text=True, check=False
    ).stdout
    assert environs == ""
    assert not made.prefix.exists()


def _environs() -> list[str]:
    return [str(path) for path in Path("/proc").glob("[0-9]*/environ")]
