"""Paths of Windows: in the Include lines of a user, in what ssh is told, and in the user's own files."""

from __future__ import annotations

import contextlib
import io
import signal
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

import pytest

from nbssh import __main__
from nbssh.adapters.files import tidy
from nbssh.adapters.laptop import store
from nbssh.adapters.laptop.client_system import ClientSystem
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.adapters.terminal import ui
from nbssh.core.files.client import LocalCommand
from nbssh.core.profile.profile import Profile
from nbssh.core.ssh import include
from nbssh.core.ssh.include import Kind
from nbssh.errors import NbsshError
from nbssh.windows import acl
from nbssh.windows.system import Windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HOME = PureWindowsPath(r"C:\Users\Zoë O'Neil")


class WindowsDisk:
    """A disk on which only the names count."""

    home = SshDisk.of(HOME).home  # type: ignore[arg-type]

    def glob(self, pattern: str) -> list[str]:  # noqa: ARG002
        return []

    def read(self, path: str) -> bytes | None:  # noqa: ARG002
        return None

    def real(self, path: str) -> str:
        return path.casefold()


@pytest.mark.parametrize(
    "line",
    [
        b"Include nbssh.d/*.conf",
        b"Include ~/.ssh/nbssh.d/*.conf",
        'Include "C:/Users/Zoë O\'Neil/.ssh/nbssh.d/*.conf"'.encode(),
        'Include "C:\\Users\\Zoë O\'Neil\\.ssh\\nbssh.d\\*.conf"'.encode(),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_include_that_is_there_is_seen_in_every_spelling(line: bytes, end: bytes) -> None:
    config = line + end + b"Host box" + end
    assert include.include_state(config, WindowsDisk()).kind is Kind.EFFECTIVE
    assert include.include_state(b"Host box" + end + line + end, WindowsDisk()).kind is Kind.LOW


@pytest.mark.parametrize("other", [b"Include D:/Users/x/.ssh/nbssh.d/*.conf", b"Include C:/other/*.conf"])
def test_another_include_is_none_of_ours(other: bytes) -> None:
    assert include.include_state(other + b"\r\n", WindowsDisk()).kind is Kind.ABSENT


def test_the_include_goes_in_and_out_of_a_file_with_crlf_byte_for_byte() -> None:
    config = "Host büx\r\n    User é\r\n".encode("cp1252")
    added = include.include_added(config)
    assert added.count(b"\n") == added.count(b"\r\n")
    assert include.include_removed(added) == config


def test_ssh_is_told_slashes_in_an_include() -> None:
    windows = Windows()
    assert windows.with_slashes(r"C:\Users\me\x.conf") == "C:/Users/me/x.conf"
    assert windows.system_config.endswith("/ssh/ssh_config")
    assert ClientSystem().with_slashes("/h/a\\b") == "/h/a\\b"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (r"C:\Windows\System32\OpenSSH\ssh.exe -F C:\x", [r"C:\Windows\System32\OpenSSH\ssh.exe", "-F", r"C:\x"]),
        (r'"C:\Program Files\Git\ssh.exe" -v', [r"C:\Program Files\Git\ssh.exe", "-v"]),
    ],
)
def test_a_command_of_windows_keeps_its_backslashes(command: str, words: Sequence[str]) -> None:
    assert Windows().split(command) == words


def test_a_profile_saved_with_crlf_keeps_its_line_ends() -> None:
    old = '# mine\r\ndestination = "box"\r\nport = 8888\r\n'
    assert store.text_of("box", Profile(destination="box", port=8888), old) == old
    changed = store.text_of("box", Profile(destination="box", port=9000, dir="work"), old)
    assert changed.startswith("# mine\r\n")
    assert changed.count("\n") == changed.count("\r\n") == 4


def test_the_home_is_the_profile_folder_whatever_home_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emacs, Git and some companies set HOME, and the ssh of Windows does not ask it."""
    monkeypatch.setenv("HOME", "/elsewhere")
    monkeypatch.setenv("USERPROFILE", "/profile")
    assert str(Windows().home()) == str(Windows().password_home())
    assert Windows().home().name == "profile"


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("OpenSSH_for_Windows_7.7p1, LibreSSL 2.6.5", True),
        ("OpenSSH_for_Windows_7.9p1, LibreSSL 2.6.5", False),
        ("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", False),
        ("OpenSSH_for_Windows_10.0p2", False),
        ("OpenSSH_7.6p1", False),
        ("", False),
    ],
)
def test_what_an_ssh_can_is_told_by_its_version(version: str, *, old: bool) -> None:
    model = LocalCommand(opener="o", name="n", port=1, program="p", without_master="", show="")
    assert (Windows().client_of(lambda: version).local_command(model, "p") == "") is old
    assert ("no browser opens" in Windows().inabilities("ssh", version)) is old


@pytest.mark.parametrize(("winerror", "held", "kept"), [(32, 3, True), (5, 1, True), (2, 1, False)])
def test_a_file_that_somebody_holds_for_a_moment_is_written(
    monkeypatch: pytest.MonkeyPatch, winerror: int, held: int, *, kept: bool
) -> None:
    """As virus scanners and OneDrive do; what is wrong for good is said at once."""
    asked: list[object] = []

    def held_once(*words: object) -> None:
        asked.append(words)
        if len(asked) <= held:
            error = PermissionError(13, "held")
            error.winerror = winerror  # type: ignore[attr-defined]
            raise error

    system = Windows()
    acts = {"rename": lambda: system.rename("a", "b"), "replace": lambda: system.replace("a", "b"),
            "unlink": lambda: system.unlink("a"), "rmdir": lambda: system.rmdir("a")}  # fmt: skip
    for name, act in acts.items():
        monkeypatch.setattr(f"os.{name}", held_once)
        with contextlib.nullcontext() if kept else pytest.raises(PermissionError):
            act()
        assert len(asked) == (held + 1 if kept else 1)
        asked.clear()


def test_a_folder_in_which_a_shell_stands_counts_as_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a place where something is mounted does: what is done with an empty folder does not end with it."""

    def held(_: object) -> None:
        error = PermissionError(13, "held")
        error.winerror = 32  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr("nbssh.windows.system._PATIENCE", 0.0)
    monkeypatch.setattr("os.rmdir", held)
    monkeypatch.setattr(tidy, "SYSTEM", Windows())
    assert tidy.remove_empty(tmp_path) is False


def test_control_c_waits_until_things_are_in_order() -> None:
    done = []

    def put_in_order() -> None:
        with Windows().uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("in order")

    with pytest.raises(KeyboardInterrupt):
        put_in_order()
    assert done == ["in order"]


ME, MINE = "S-1-5-21-1-2-3-1001", "(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;SY)(A;;FA;;;BA)"


@pytest.mark.parametrize(
    ("rules", "user", "wide"),
    [
        (f"D:P{MINE}", ME, False),
        (f"D:PAI(A;OICI;FA;;;BA){MINE}(D;;FA;;;AN)", ME, False),
        (f"D:PAI{MINE}(A;;0x1200a9;;;WD)", ME, True),
        (f"D:AI{MINE}(A;ID;FA;;;S-1-5-21-1-2-3-1002)", ME, True),
        (f'D:P{MINE}(XA;;FR;;;BU;(@USER.x == "y"))', ME, True),
        ("D:P(A;;FA;;;LA)", "S-1-5-21-1-2-3-500", False),
        ("D:P(A;;FA;;;LA)", ME, True),
        ("D:P", ME, False),
        # a disk that knows no lists: everybody may everything
        ("D:NO_ACCESS_CONTROL", ME, True),
        ("", ME, True),
    ],
)
def test_who_may_use_a_file_is_told_by_numbers(rules: str, user: str, *, wide: bool) -> None:
    assert acl.are_wide(rules, user) is wide


@pytest.mark.parametrize(
    ("msystem", "also"), [("MINGW64", "; to be asked in Git Bash: winpty nbssh add 'my box'"), ("", "")]
)
def test_a_question_that_git_bash_cannot_show_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, msystem: str, also: str
) -> None:
    monkeypatch.setenv("MSYSTEM", msystem)
    monkeypatch.setattr(ui, "SYSTEM", Windows())
    monkeypatch.setattr("sys.argv", ["nbssh", "add", "my box"])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    asked = {
        "say --yes": lambda: ui.Ui().ask("really?", otherwise="say --yes"),
        "give it with --password-stdin": lambda: ui.Ui().password("mybox"),
        "give it with --password-stdin, or take a random token with --token": lambda: ui.Ui().new_password("mybox"),
    }
    for hint, ask in asked.items():
        with pytest.raises(NbsshError) as caught:
            ask()
        assert caught.value.hint == hint + also


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("add mybox 'ssh -L 10090:localhost:10080 alice@10.0.0.5'",
         'nbssh add mybox "ssh -L 10090:localhost:10080 alice@10.0.0.5"'),
        ("add gpu mybox --setup 'conda activate ml' --dir 'my work'",
         'nbssh add gpu mybox --setup "conda activate ml" --dir "my work"'),
        ("add gpu mybox --nonsense", ""),
    ],
)  # fmt: skip
def test_what_cmd_splits_at_single_quotes_is_said_in_double_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, hint: str
) -> None:
    monkeypatch.setattr("nbssh.adapters.laptop.this_system.SYSTEM", Windows())
    assert __main__._run(typed.split(" ")) == 2  # as cmd.exe splits it
    said = f"cmd takes double quotes, not single ones: {hint}" if hint else "see: nbssh add --help"
    assert f"nbssh: hint: {said}\n" in capsys.readouterr().err


def test_what_a_user_types_is_what_both_shells_of_windows_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSYSTEM", raising=False)
    system, path = Windows(), r"C:\Users\Zoë O'Neil\x.conf"
    assert system.to_remove(path) == f'del "{path}"'
    assert system.to_look(path) == f'icacls "{path}"'
    assert system.to_make_writable(path) == f'attrib -r "{path}"'
    assert system.to_end(5, 6, hard=True) == "taskkill /F /PID 5 /PID 6"
    monkeypatch.setenv("MSYSTEM", "MINGW64")  # to Git Bash one slash begins a path
    assert system.to_end(5) == "taskkill //F //PID 5"
    assert system.one_after_another("del x", "nbssh apply") == "del x, then: nbssh apply"


def test_what_a_user_types_elsewhere_is_quoted() -> None:
    system, path = ClientSystem(), "/home/it's mine/x.conf"
    assert system.to_remove(path) == "rm '/home/it'\"'\"'s mine/x.conf'"
    assert system.to_look(path).startswith("ls -ld '")
    assert system.to_make_writable("/x") == "chmod u+w /x"
    assert (system.to_end(5), system.to_end(5, 6, hard=True)) == ("kill 5", "kill -9 5 6")
    assert system.one_after_another("rm x", "nbssh apply") == "rm x && nbssh apply"


def test_a_python_of_the_store_writes_where_ssh_and_the_browser_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "AppData" / "Local"
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(local))
    ordinary = (local / "nbssh", local / "nbssh")
    seen = (tmp_path / ".config" / "nbssh", tmp_path / ".local" / "state" / "nbssh")
    assert Windows().folders(tmp_path) == ordinary
    with monkeypatch.context() as store_python:
        store_python.setattr(
            "sys.base_prefix",
            r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.13_qbz5n2kfra8p0",
        )
        assert Windows().folders(tmp_path) == seen
    seen[0].mkdir(parents=True)
    assert Windows().folders(tmp_path) == seen  # another Python finds the same
    (local / "nbssh" / "profiles").mkdir(parents=True)
    assert Windows().folders(tmp_path) == ordinary  # profiles that were made before
