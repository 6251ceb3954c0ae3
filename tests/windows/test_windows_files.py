"""What is rendered for Windows: ssh and cmd.exe read it as it is meant, whatever the user is called."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from nbssh.core.files import laptop_files
from nbssh.core.files.change import is_edited
from nbssh.core.files.client import POSIX
from nbssh.core.files.program import program
from nbssh.core.files.quoting import argv as quoted_for_a_program
from nbssh.core.files.quoting import cmd
from nbssh.core.profile.profile import Profile, Server
from nbssh.core.ssh import edits
from nbssh.errors import NbsshError
from nbssh.windows.client import WINDOWS

if TYPE_CHECKING:
    from pathlib import Path

SERVER = Server(
    home="/home/alice", uid=1000, hostname="gpu1", os="Linux", jupyter="/j", forward="socket", socket="/home/alice/s"
)
PROFILE = Profile(destination="mybox", port=8888, server=SERVER)
USERS = ["me", "Zoë O'Neil", "a&b", "100% me", "%PATH%", "x^y (z)", "用户", "semi;colon", "#1", "A,B=C"]


def local(user: str) -> laptop_files.Local:
    home = f"C:\\Users\\{user}"
    return laptop_files.Local(
        conf=f"{home}\\.ssh\\nbssh.d\\mybox.conf",
        opener=f"{home}\\.ssh\\nbssh.d\\open.cmd",
        control_socket=f"{home}\\.ssh\\nbssh.d\\mybox.ctl",
        redirect=f"{home}\\mybox.html",
        client=WINDOWS,
    )


def cmd_exe(line: str, environ: dict[str, str]) -> str:
    """Do as cmd.exe does with the text behind /c: first the variables, quoted or not, then carets and redirections."""
    expanded = re.sub(r"%([^%]+)%", lambda found: environ.get(found[1].upper(), found[0]), line)
    out, quoted, at = "", False, 0
    while at < len(expanded):
        letter = expanded[at]
        if letter == '"':
            quoted = not quoted
        elif letter == "^" and not quoted:
            at += 1
            letter = expanded[at]
        elif letter in "&|<>()" and not quoted:
            raise AssertionError(f"a command separator in {line}")
        out += letter
        at += 1
    return out.strip()


def argv(line: str) -> list[str]:
    """Split a command line as CommandLineToArgvW does."""
    words: list[str] = []
    word, quoted, inside = "", False, False
    for piece in re.findall(r"\\*\"|\\+|[ \t]+|[^\\\" \t]+", line):
        if piece.isspace() and not quoted:
            if inside:
                words.append(word)
            word, inside = "", False
            continue
        inside = True
        if piece.endswith('"'):
            slashes = len(piece) - 1
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
        else:
            word += piece
    return [*words, word] if inside else words


def ssh_g(config: Path, host: str) -> dict[str, str]:
    done = subprocess.run(["ssh", "-G", "-F", config, host], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    pairs = (line.partition(" ") for line in done.stdout.decode().splitlines())
    return {keyword: value for keyword, _, value in pairs}


@pytest.mark.parametrize("user", USERS)
def test_the_local_command_reaches_the_opener_whatever_the_user_is_called(tmp_path: Path, user: str) -> None:
    config = tmp_path / "config"
    config.write_bytes(laptop_files.ssh_config("mybox", PROFILE, local(user), []).encode())
    said = ssh_g(config, "mybox-nb")["localcommand"].replace("%%", "%")  # ssh's own expansion
    environ = {"PATH": "C:\\evil", "SYSTEMROOT": "C:\\Windows"}
    assert said.startswith("<nul ")  # what cmd.exe is given begins with no quote: it would take that away
    files = local(user)
    assert argv(cmd_exe(said.removeprefix("<nul "), environ)) == [
        files.opener, "mybox", "8888", program().id, "page", files.redirect,
    ]  # fmt: skip


@pytest.mark.parametrize(("prompts", "caution"), [(False, "ask"), (True, "hold")])
def test_no_page_is_believed_where_somebody_else_could_listen(*, prompts: bool, caution: str) -> None:
    server = msgspec.structs.replace(SERVER, forward="tcp", socket="", port=8888, prompts=prompts)
    text = laptop_files.ssh_config("mybox", msgspec.structs.replace(PROFILE, server=server), local("me"), [])
    assert f"open.cmd mybox 8888 {program().id} {caution} C:\\Users\\me\\mybox.html\r\n" in text


def test_ssh_reads_the_block_of_windows(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_bytes(laptop_files.ssh_config("mybox", PROFILE, local("me"), [("User", "alice")]).encode())
    start, stop = ssh_g(config, "mybox-nb"), ssh_g(config, "mybox-nb-kill")
    assert start["localforward"] == "[127.0.0.1]:8888 /home/alice/s"
    assert (start["exitonforwardfailure"], start["permitlocalcommand"], start["requesttty"]) == ("yes", "yes", "true")
    for answer in (start, stop):
        assert "controlpath" not in answer
        assert (answer["controlmaster"], answer["user"]) == ("false", "alice")
    # each look of the opener through the tunnel that finds nothing would be told
    assert (start["loglevel"], stop["loglevel"]) == ("ERROR", "INFO")


def test_an_inherited_control_path_cannot_reach_the_aliases(tmp_path: Path) -> None:
    config = tmp_path / "config"
    text = laptop_files.ssh_config("mybox", PROFILE, local("me"), [])
    config.write_bytes(text.encode() + b"Host *\r\n    ControlMaster auto\r\n    ControlPath ~/.ssh/%C\r\n")
    for alias in ("mybox-nb", "mybox-nb-kill"):
        assert "controlpath" not in ssh_g(config, alias)


def test_every_line_ends_as_windows_wants_it_and_the_seal_still_tells_edits() -> None:
    for text in (laptop_files.ssh_config("mybox", PROFILE, local("me"), []), laptop_files.opener("C:\\x", WINDOWS)):
        assert text.count("\n") == text.count("\r\n") > 10
        assert is_edited(text.encode()) is False
        assert is_edited(text.replace("nbssh", "nbsh", 1).encode()) is True
        assert is_edited(text.encode() + b"# mine\r\n") is True


def test_the_options_of_a_file_with_crlf_are_compared_as_those_of_any_other() -> None:
    text = laptop_files.ssh_config("mybox", PROFILE, local("me"), [("User", "alice")])
    assert edits.changes(text, text) == []
    assert edits.changes(text.replace("User alice", "User bob"), text) == [
        "user is bob instead of alice in 'Host mybox-nb mybox-nb-kill'"
    ]


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("mybox", "mybox"),
        (8888, "8888"),
        (r"C:\Users\me", r"C:\Users\me"),
        (r"C:\a b", r'"C:\a b"'),
        ("C:\\a b\\", '"C:\\a b\\\\"'),
        ("a%b", '"a"^%"b"'),
        ("a\\%b", '"a\\\\"^%"b"'),
        ("it's", '"it\'s"'),
        ("", '""'),
    ],
)
def test_words_are_quoted_for_cmd_and_the_program_behind_it(value: str | int, quoted: str) -> None:
    assert cmd(value) == quoted
    assert argv(cmd_exe(quoted, {})) == [str(value)]


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "",
        "a b",
        'a"b',
        "a\\",
        "a b\\",
        'a b\\\\"c',
        "%PATH%",
        "^&|",
        "O'Neil",
        "C:\\Program Files\\ssh.exe",
        "#",
        "用户",
    ],
)
def test_words_are_quoted_for_a_program_without_cmd(tmp_path: Path, value: str) -> None:
    assert argv(quoted_for_a_program(value)) == [value]
    # in a line that ssh takes whole, and in which quotes must come in pairs for it too
    config = tmp_path / "config"
    quoted = quoted_for_a_program(value).replace("%", "%%")
    config.write_text(f"Host x\n    ProxyCommand ssh {quoted} y\n", encoding="utf-8")
    if '"' not in value:
        assert ssh_g(config, "x")["proxycommand"] == f"ssh {quoted} y"


@pytest.mark.parametrize("value", ['a"b', "a\nb", "a\0b"])
def test_what_no_path_of_windows_holds_is_refused(value: str) -> None:
    with pytest.raises(NbsshError, match="cannot be written"):
        cmd(value)


def test_cmd_reads_an_opener_of_plain_letters_whatever_its_code_page() -> None:
    text = laptop_files.opener("C:\\Users\\Zoë O'Neil\\x", WINDOWS)
    assert text.isascii()
    assert text.startswith("@echo off\r\n::")
    labels, lines = re.findall(r"(?m)^:(\w+)\r$", text), text.splitlines()
    assert set(re.findall(r"(?:goto |call :)(\w+)", text)) == set(labels)
    # cmd.exe looks for a label in pieces of 512 bytes, and misses one at a border where a line ends with LF alone
    assert all(len(line) < 512 for line in lines)


def test_unix_gets_no_mark_and_no_carriage_return() -> None:
    assert "\r" not in laptop_files.opener("/home/me", POSIX)
    assert laptop_files.opener("/home/me").startswith("#!/bin/sh\n")
