"""`nbssh check`: does what a person does, answers nothing in her place, and says at which step it fails."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bed import until
from ports import free_port

from nbssh.demo import sshd

if TYPE_CHECKING:
    from bed import Bed

STEPS = ("ssh box-nb: JupyterLab", "the page answers at", "opens it", "the browser is sent to", "Ctrl-C gives")


def add(bed: Bed, *words: str) -> int:
    """Set the profile `box` up and return its port."""
    port = free_port()
    secret = [] if "--token" in words else ["--password-stdin"]
    bed.nbssh("add", "box", "--yes", "--port", str(port), "--jupyter", str(bed.jupyter), *secret, *words, stdin="pw\n")
    return port


def state(bed: Bed) -> str:
    return str(json.loads(bed.nbssh("status", "box", "--json").stdout)["profiles"][0]["state"])


def test_every_step_is_told_and_the_server_goes_on(bed: Bed) -> None:
    port = add(bed)
    done = bed.nbssh("check", "box", "--password-stdin", stdin="pw\n")
    lines = done.stdout.splitlines()
    assert [bool(re.match(r"ok  +\d+\.\d\d s  ", line)) for line in lines] == [True] * 5
    assert all(step in line for step, line in zip(STEPS, lines, strict=True))
    assert f"http://127.0.0.1:{port}/" in lines[3]
    assert "this check started Jupyter, and it goes on running; stop it with: ssh box-nb-kill" in done.stderr
    assert bed.opened == [], "a check opens no window"
    assert state(bed) == "running"
    again = bed.nbssh("check", "box", "--password-stdin", stdin="pw\n")
    assert "is already running" in again.stdout
    assert "Jupyter was there before, and goes on running" in again.stderr
    bed.nbssh("kill", "box")


def test_a_token_is_taken_from_its_file(bed: Bed) -> None:
    add(bed, "--token")
    done = bed.nbssh("check", "box")
    assert "the token opens it" in done.stdout
    assert json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["token"] not in done.stdout
    assert bed.run("nbssh", "check", "box", "--password-stdin", stdin="x\n").returncode == 1
    bed.nbssh("kill", "box")


def test_the_password_is_asked_for_hidden(bed: Bed) -> None:
    add(bed, "--no-browser")
    child = bed.spawn("nbssh", "check", "box", timeout=60)
    child.expect("password for the notebooks of 'box': ")
    child.sendline("pw")
    child.expect("Ctrl-C gives the terminal back")
    assert child.before
    assert "the password opens it" in child.before
    assert "pw\r\n" not in child.before.partition("ok ")[0].replace("\r\n", "", 1)
    assert "browser" not in child.before
    child.expect("goes on running")
    bed.nbssh("kill", "box")


def test_a_wrong_password_fails(bed: Bed) -> None:
    add(bed)
    done = bed.run("nbssh", "check", "box", "--password-stdin", stdin="wrong\n")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert "does not accept the password" in done.stderr
    assert done.stderr.endswith("stop that one: ssh box-nb-kill\n")
    bed.nbssh("kill", "box")


def test_without_a_terminal_and_password_it_does_not_even_begin(bed: Bed) -> None:
    add(bed)
    done = bed.run("nbssh", "check", "box")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--password-stdin" in done.stderr
    assert state(bed) == "stopped"


def lock_key(bed: Bed) -> None:
    done = bed.run("ssh-keygen", "-q", "-p", "-P", "", "-N", "geheim", "-f", str(bed.server.folder / "id"))
    assert done.returncode == 0, done.stderr


def test_a_question_of_ssh_goes_to_the_person_and_her_keys_to_ssh(bed: Bed) -> None:
    add(bed, "--token")
    lock_key(bed)
    child = bed.spawn("nbssh", "check", "box", timeout=60)
    child.expect("passphrase for key .*: ")
    child.sendline("falsch")
    child.expect("passphrase for key .*: ")
    child.sendline("geheim")
    child.expect("ok .* ssh box-nb: JupyterLab")
    assert child.before is not None
    assert "geheim" not in child.before, "what ssh hides stays hidden"
    child.expect("Ctrl-C gives the terminal back")
    child.expect_exact("goes on running")
    unlock = bed.run("ssh-keygen", "-q", "-p", "-P", "geheim", "-N", "", "-f", str(bed.server.folder / "id"))
    assert unlock.returncode == 0
    bed.nbssh("kill", "box")


def test_a_question_of_ssh_without_a_terminal_is_an_error(bed: Bed) -> None:
    add(bed, "--token")
    lock_key(bed)
    done = bed.run("nbssh", "check", "box")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"ssh box-nb asks: 'Enter passphrase for key .*', and nobody can be asked", done.stderr)


def test_a_server_that_does_not_start_is_told_with_its_reason(bed: Bed) -> None:
    add(bed, "--token")
    profile = bed.local_home / ".config" / "nbssh" / "profiles" / "box.toml"
    profile.write_text(profile.read_text().replace("[server]", 'setup = ["exit 7"]\n\n[server]', 1))
    bed.nbssh("apply", "box", "--yes")
    done = bed.run("nbssh", "check", "box")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"error: ssh box-nb ended with status 1: JupyterLab did not start on \S+", done.stderr)
    until(lambda: not [line for line in bed.leftovers().values() if "launch" in line], "launch ends")


def test_a_taken_port_is_told_before_a_password_is_asked_for(bed: Bed) -> None:
    port = add(bed)
    with sshd.socket.create_server(("127.0.0.1", port)):
        done = bed.run("nbssh", "check", "box")
    assert done.returncode == 1
    assert f"port {port} on this machine, which is that of 'box', is taken by python" in done.stderr
