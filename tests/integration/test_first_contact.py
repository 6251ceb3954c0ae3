"""What somebody meets who has just come: names, typing errors, keys, the way out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest
from dotfiles import Laptop
from serving import add, count_sessions, detach, ended, fake_jupyter, kill, start

from nbssh.commands.completions import PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    made = Laptop(tmp_path)
    made.write(b"Host mybox other\n    HostName 127.0.0.1\nHost *.example.org\n    User me\n")
    return made


def test_a_destination_that_is_a_slip_is_told_before_anything_is_asked(laptop: Laptop) -> None:
    for words, line in ((("mybx",), "nbssh add mybox"), (("gpu", "mybx"), "nbssh add gpu mybox")):
        done = laptop.nbssh("add", *words)
        assert done.returncode == 1
        assert done.stderr == f"nbssh: error: no host is known as 'mybx'\nnbssh: hint: did you mean 'mybox': {line}\n"
    # one that is like none of hers, and one of hers whose address is a slip
    laptop.write(laptop.config.read_bytes() + b"Host gone\n    HostName gone.invalid\n")
    for words, meant, line in (
        (["me@typo.invalid:2222"], "typo.invalid", "ssh -p 2222 me@typo.invalid"),
        (["gone"], "gone.invalid", "ssh gone"),
    ):
        said = laptop.nbssh("add", "gpu", *words).stderr
        assert said == f"nbssh: error: no host is known as '{meant}'\nnbssh: hint: see whether this works: {line}\n"
    # the name of a profile
    laptop.add("first", "me@127.0.0.1:2222")
    said = laptop.nbssh("add", "gpu", "first").stderr
    line = "where the profile 'first' leads: nbssh add gpu me@127.0.0.1:2222"
    assert said == f"nbssh: error: no host is known as 'first'\nnbssh: hint: {line}\n"
    # one that ssh reaches in a way of its own is not looked up
    laptop.write(laptop.config.read_bytes() + b"Host mybx*\n    ProxyCommand false\n")
    assert "did you mean" not in laptop.nbssh("add", "mybx", "--yes", "--token").stderr


def test_a_name_with_dots_at_its_end_is_none(laptop: Laptop) -> None:
    for name in ("mybox..", "my..box", "mybox."):
        done = laptop.nbssh("add", name, "mybox", "--offline", "--yes", "--token")
        assert done.returncode == 1
        assert f"'{name}' is no profile name" in done.stderr
        assert re.search(r"for example: nbssh add my-*box mybox\n", done.stderr), done.stderr
    laptop.add("my.box", "mybox")


def test_a_tilde_that_her_shell_took_for_this_home_is_that_of_the_host(laptop: Laptop) -> None:
    here = laptop.home
    said = laptop.add("box", "mybox", "--dir", f"{here}/my work", "--jupyter", f"{here}/.venv")
    assert f"nbssh: --dir: {here}/my work is in your home here; ~/my work of the host is taken\n" in said
    profile = (laptop.profiles / "box.toml").read_text()
    assert 'dir = "~/my work"\n' in profile
    assert 'jupyter = "~/.venv"\n' in profile
    assert "in your home here" not in laptop.add("other", "mybox", "--dir", f"{here}2/work", "--jupyter", "/opt/j")


def test_where_a_name_is_missing_the_profiles_are_named(laptop: Laptop) -> None:
    assert "hint: see: nbssh logs --help" in laptop.nbssh("logs").stderr
    laptop.add("mybox")
    assert "hint: name it: nbssh logs mybox\n" in laptop.nbssh("logs").stderr
    assert laptop.nbssh("mybox").stderr.endswith("nbssh: hint: open it: nbssh open mybox\n")
    assert laptop.nbssh("mybx").stderr.endswith("nbssh: hint: see: nbssh --help\n")
    laptop.add("other")
    done = laptop.nbssh("logs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint: name one of mybox, other: nbssh logs mybox\n" in done.stderr
    assert "hint: see: nbssh add --help" in laptop.nbssh("add").stderr


def test_uninstall_says_what_the_package_is_called(laptop: Laptop) -> None:
    laptop.add("mybox")
    assert " -m pip uninstall jupyter-nbssh\n" in laptop.nbssh("uninstall", "--yes", "--offline").stderr


def test_a_password_that_the_terminal_sends_in_another_encoding_is_told(bed: Bed) -> None:
    for words in (["add", "box", "--offline", "--yes"], ["passwd", "box"]):
        child = bed.spawn("nbssh", *words)
        child.expect_exact("password for the notebooks of 'box'")
        child.expect_exact(": ")
        os.write(child.child_fd, b"gr\xfc\xdfe\n")
        child.expect_exact("the password is not UTF-8")
        child.expect_exact("type it in a UTF-8 terminal")
        assert ended(child)[0] == 1
        if words[0] == "add":
            bed.nbssh("add", "box", "--offline", "--yes", "--token")


def test_what_follows_a_ctrl_c_at_a_password_begins_a_line(bed: Bed) -> None:
    child = bed.spawn("nbssh", "add", "box", "--offline", "--yes")
    child.expect_exact("(not your ssh password): ")
    child.sendintr()
    child.expect_exact("\r\nnbssh: interrupted")
    assert ended(child)[0] == 130


def test_a_closed_stdin_is_no_terminal(laptop: Laptop) -> None:
    for words, told in (
        (["add", "mybox", "--offline", "--token"], "nobody can be asked without a terminal"),
        (["add", "mybox", "--offline", "--yes"], "cannot be asked for without a terminal"),
        (["add", "mybox", "--offline", "--yes", "--password-stdin"], "the first line on stdin is empty"),
    ):
        command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "nbssh", *words]
        done = subprocess.run(command, env=laptop.environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert told in done.stderr


@pytest.mark.parametrize("shell", PLACES)
def test_completions_say_where_they_belong(bed: Bed, shell: str) -> None:
    quiet = bed.run("nbssh", "completions", shell)
    assert quiet.stderr == ""
    assert "# To have it" in "".join(quiet.stdout.splitlines(keepends=True)[:5])
    child = bed.spawn("nbssh", "completions", shell)
    child.expect_exact(f"nbssh: hint: {PLACES[shell]}")
    child.expect(pexpect.EOF)
    if shell != "powershell":  # a fresh home has none of those folders
        line = PLACES[shell].partition(": ")[2]
        assert bed.run("sh", "-c", f"nbssh() {{ echo {shell}; }}; {line}").returncode == 0
        assert (bed.local_home / line.rpartition("~/")[2]).read_text() == f"{shell}\n"


def test_whatever_is_typed_in_a_session_is_answered(bed: Bed) -> None:
    add(bed)
    session = start(bed)
    for words in ("q", "?", "help"):
        session.sendline(words)
        session.expect_exact("k and Enter stop it; Ctrl-C detaches, the server keeps running")
    detach(session)
    kill(bed)


def hidden_jupyter(bed: Bed) -> str:
    """Put a Jupyter where nobody looks for it, and leave no other; return its environment's folder."""
    bed.env["NO_COLOR"] = "1"
    program = fake_jupyter(bed, "hidden/ds/bin")
    return str(program.parent.parent).replace(str(bed.remote_home), "~")


def test_the_path_of_a_jupyter_that_is_not_found_is_asked_for(bed: Bed) -> None:
    folder = hidden_jupyter(bed)
    counted = count_sessions(bed)
    child = bed.spawn("nbssh", "add", "box", "--token")
    child.expect_exact("[Y/n] ")
    child.sendline("")
    child.expect_exact("warning: no jupyter-lab was found on ")
    child.expect_exact("the path of jupyter-lab there, such as ~/.venv/bin/jupyter-lab, or its environment's folder")
    counted()
    child.sendline("~/hidden/dt")
    child.expect(r"warning: '~/hidden/dt' on \S+ is no jupyter-lab that can be run")
    child.expect_exact("such as ~/hidden/dt/bin/jupyter-lab, or")
    assert counted() == 0, "what is typed is looked for in the session that is open already"
    child.sendline("\x07")
    child.expect_exact("that path: 'jupyter' holds a control character")
    child.sendline(f"  {folder}/ ")
    child.expect_exact("done; now type: ssh box-nb")
    child.expect(pexpect.EOF)
    assert f'jupyter = "{folder}/"' in (bed.local_home / ".config/nbssh/profiles/box.toml").read_text()
    detach(start(bed))
    kill(bed)


def test_who_types_no_path_gets_what_a_script_gets(bed: Bed) -> None:
    hidden_jupyter(bed)
    without = bed.run("nbssh", "add", "box", "--yes", "--token").stderr
    error = next(line for line in without.splitlines() if "error: " in line)
    assert "error: no jupyter-lab was found on " in error
    for typed in ("\n", "\x04", "~/nowhere\n\n"):
        child = bed.spawn("nbssh", "add", "box", "--token")
        child.expect_exact("[Y/n] ")
        child.sendline("")
        child.expect_exact("(Enter: none):")
        child.send(typed)
        child.expect_exact(error)
        child.expect_exact("hint: install it there")
        assert ended(child)[0] == 1
    child = bed.spawn("nbssh", "add", "box", "--token")
    child.expect_exact("[Y/n] ")
    child.sendline("")
    child.expect_exact("(Enter: none):")
    os.write(child.child_fd, b"\xff\n")
    child.expect_exact("is no jupyter-lab that can be run")
    child.expect_exact("(Enter: none):")
    child.sendintr()
    assert ended(child)[0] == 130
    assert not (bed.local_home / ".ssh/nbssh.d").exists()


# An ssh that lets nobody in: it refuses the first answer, and asks again, as OpenSSH's does into the file of -E.
REFUSING = """#!/bin/sh
for word; do
    case $word in -G | -V) exec ssh -F {config} "$@" ;; esac
    [ "${{before-}}" != -E ] || log=$word
    before=$word
done
printf "box's password: " >/dev/tty; read -r answer </dev/tty
echo 'Permission denied, please try again.' >>"$log"
printf "box's password: " >/dev/tty; read -r answer </dev/tty
echo 'me@box: Permission denied (publickey,password).' >>"$log"
exit 255
"""


def test_a_wrong_password_is_said_before_the_next_one_is_asked_for(bed: Bed) -> None:
    program = bed.folder / "bin/refusing"
    program.write_text(REFUSING.format(config=bed.ssh_config))
    program.chmod(0o755)
    bed.env |= {"NBSSH_SSH_COMMAND": str(program), "NO_COLOR": "1"}
    child = bed.spawn("nbssh", "add", "box", "--yes", "--token")
    child.expect_exact("box's password: ")
    child.sendline("wrong")
    child.expect_exact("Permission denied, please try again.")  # while ssh waits for the second answer
    child.sendline("wrong")
    child.expect(pexpect.EOF)
    said = str(child.before)
    assert said.count("try again") == 0
    # once: as it comes, or with what says that there is no connection
    assert said.count("me@box: Permission denied (publickey,password).") == 1
    assert "nbssh: error: box: ssh could not connect" in said
