"""One user, two laptops, one server: what one of them changes the other takes over, and neither undoes the other."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pexpect
import pytest
from ports import free_port
from serving import PASSWORD, close_tunnel, detach, fake_jupyter, kill, server_pid, start

from nbssh.adapters.jupyter.visitor import Visitor
from nbssh.core.files.change import seal
from nbssh.errors import NbsshError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

NEW = "a n€w one"


class Laptops(NamedTuple):
    """Two homes from which the same server is reached as `box`; `a` was there first."""

    a: Bed
    b: Bed

    @property
    def data(self) -> Path:
        return self.a.remote_home / ".local/share/nbssh/box"

    def quiet(self) -> None:
        """Assert that neither has anything to do, in any order."""
        for laptop in (self.a, self.b, self.b, self.a):
            done = laptop.run("nbssh", "apply", "--check")
            assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
            assert "already up to date" in done.stderr


@pytest.fixture
def laptops(make_bed: Callable[..., Bed]) -> Laptops:
    """Give two laptops; nothing is set up yet."""
    first = make_bed()
    second = make_bed()
    second.ssh_config.write_text(first.ssh_config.read_text())
    return Laptops(first, second)


def add(laptop: Bed, *words: str, stdin: str = "") -> int:
    """Run `nbssh add box --yes`, and return the local port."""
    port = free_port()
    laptop.nbssh("add", "box", "--yes", "--port", str(port), *words, stdin=stdin)
    return port


@pytest.fixture
def both(laptops: Laptops) -> Laptops:
    """Give two laptops that both have the profile, with a small Jupyter."""
    program = fake_jupyter(laptops.a)
    add(laptops.a, "--jupyter", str(program), "--password-stdin", stdin=f"{PASSWORD}\n")
    add(laptops.b)
    return laptops


def toml(laptop: Bed) -> Path:
    return laptop.local_home / ".config/nbssh/profiles/box.toml"


def secret(laptop: Bed) -> dict[str, str]:
    found: dict[str, str] = json.loads((laptop.local_home / ".local/state/nbssh/secrets/box.json").read_text())
    return found


def put(laptop: Bed, line: str) -> None:
    """Add a line to the profile by hand."""
    toml(laptop).write_text(f"{line}\n{toml(laptop).read_text()}")


def edit(laptop: Bed, line: str) -> subprocess.CompletedProcess[str]:
    """Run `nbssh edit` with an editor that adds a line."""
    editor = laptop.folder / "bin" / "adds"
    editor.write_text(f"#!/bin/sh\nsed -i '1i{line}' \"$1\"\n")
    editor.chmod(0o755)
    laptop.env["EDITOR"] = str(editor)
    return laptop.run("nbssh", "edit", "box", "--yes")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def opens(port: int, password: str) -> bool:
    try:
        Visitor(f"http://127.0.0.1:{port}/").login(password)
    except NbsshError:
        return False
    return True


def test_two_laptops_use_one_server_to_its_last_remove(laptops: Laptops) -> None:  # noqa: PLR0915  one story
    a, b = laptops
    port_a = add(
        a, "--password-stdin", "--jupyter", str(a.jupyter), "--dir", "work", "--idle", "5", stdin=f"{PASSWORD}\n"
    )
    (a.remote_home / "work").mkdir()
    session = start(a)
    assert f"http://127.0.0.1:{port_a}/" in str(session.after)
    visitor = Visitor(f"http://127.0.0.1:{port_a}/")
    visitor.login(PASSWORD)
    kernel = visitor.start_kernel()
    assert visitor.run(kernel, "x = 6; print(x * 7)").strip() == "42"
    pid = server_pid(a)

    # the second add: no password is asked for, all comes from the first
    port_b = free_port()
    done = b.nbssh("add", "box", "--yes", "--port", str(port_b))
    assert "the password is the one that it has on" in done.stderr
    assert "change it for all your laptops: nbssh passwd box" in done.stderr
    assert secret(b)["hash"] == secret(a)["hash"]
    for line in ('dir = "work"', "idle_hours = 5.0", f'jupyter = "{a.jupyter}"'):
        assert line in toml(b).read_text()
    laptops.quiet()
    other = start(b)
    assert f"http://127.0.0.1:{port_b}/" in str(other.after)
    assert server_pid(a) == pid
    visitor_b = Visitor(f"http://127.0.0.1:{port_b}/")
    visitor_b.login(PASSWORD)
    assert visitor_b.run(kernel, "print(x)").strip() == "6"

    # each applies, one edits
    for laptop in (b, a, b):
        assert "already up to date" in laptop.nbssh("apply").stderr
    assert edit(b, "fast_start = false").returncode == 0
    laptops.b.nbssh("apply", "--check")
    checked = a.run("nbssh", "apply", "--check")
    assert checked.returncode == 3
    assert "another laptop changed 'fast_start' on" in checked.stderr
    assert "take that over: nbssh apply box" in checked.stderr
    a.nbssh("apply", "box")
    assert "fast_start = false" in toml(a).read_text()
    laptops.quiet()

    # a new password on one: the other is told
    done = a.nbssh("passwd", "box", "--password-stdin", stdin=f"{NEW}\n")
    assert "your other laptops take the password over with: nbssh apply box" in done.stderr
    assert secret(b)["hash"] != secret(a)["hash"]
    assert "'box' was changed on" in b.nbssh("status", "box").stderr
    assert "nbssh apply box" in b.nbssh("status").stderr
    checked = b.run("nbssh", "apply", "--check")
    assert checked.returncode == 3
    assert "another laptop changed the password on" in checked.stderr
    findings = json.loads(b.run("nbssh", "doctor", "box", "--json").stdout)["checks"]
    (finding,) = [each for each in findings if "another laptop changed" in each["message"]]
    assert finding["repair"] == "nbssh apply box"
    assert "that is taken over" in b.nbssh("apply", "box").stderr
    assert secret(b)["hash"] == secret(a)["hash"]
    laptops.quiet()
    assert "was changed on" not in b.nbssh("status").stderr
    assert server_pid(a) == pid
    assert visitor_b.run(kernel, "print(x)").strip() == "6", "the kernel lived through all of it"

    # the one leaves, the other stays
    detach(session)
    done = a.nbssh("remove", "box")
    assert "another laptop uses 'box' on" in done.stderr
    assert "--everywhere takes them too" in done.stderr
    assert not toml(a).exists()
    assert server_pid(a) == pid
    assert visitor_b.run(kernel, "print(x)").strip() == "6"
    b.nbssh("apply", "--check")

    # and comes back; the server is started again with the new password
    port_a = add(a)
    laptops.quiet()
    detach(other)
    kill(b)
    session = start(a)
    assert not opens(port_a, PASSWORD)
    assert opens(port_a, NEW)
    detach(session)
    close_tunnel(a)
    assert "another laptop uses 'box' on" in b.nbssh("uninstall", "--yes").stderr
    assert server_pid(a)
    a.nbssh("remove", "box")
    assert not list(a.remote_home.rglob("*nbssh*"))
    assert not (a.remote_home / ".local/state").exists(), "the first one made it, the last one takes it away"


def test_everywhere_takes_the_server_from_under_the_other_which_is_told_how_to_have_it_again(both: Laptops) -> None:
    a, b = both
    detach(start(a))
    close_tunnel(a)
    assert "stopped" in a.nbssh("remove", "box", "--everywhere").stderr
    assert not list(a.remote_home.rglob("*nbssh*"))
    done = b.run("ssh", "box-nb-kill")
    assert "on your laptop: nbssh apply box" in done.stdout + done.stderr
    assert b.run("nbssh", "apply", "--check").returncode == 3
    b.nbssh("apply", "box")
    b.nbssh("apply", "--check")


# --- the second add --------------------------------------------------------------------------------------------------


def test_what_the_second_add_says_counts_for_both(both: Laptops) -> None:
    a, b = both
    b.nbssh("remove", "box")
    done = b.nbssh("add", "box", "--yes", "--dir", "other", "--password-stdin", stdin=f"{NEW}\n")
    assert "'dir' and the password changed for all laptops" in done.stderr
    assert "nbssh apply box" in done.stderr
    assert a.run("nbssh", "apply", "--check").returncode == 3
    a.nbssh("apply")
    assert 'dir = "other"' in toml(a).read_text()
    assert secret(a)["hash"] == secret(b)["hash"]
    both.quiet()


def test_a_token_is_taken_over_too(laptops: Laptops) -> None:
    a, b = laptops
    add(a, "--token", "--jupyter", str(fake_jupyter(a)))
    add(b)
    assert secret(b)["token"] == secret(a)["token"]
    assert 'auth = "token"' in toml(b).read_text()
    assert secret(a)["token"] in (b.local_home / ".local/state/nbssh/secrets/box.html").read_text()
    b.nbssh("remove", "box")
    add(b, "--token")
    assert secret(b)["token"] == secret(a)["token"], "a random token is as good as another"
    laptops.quiet()


def test_a_no_changes_nothing(both: Laptops) -> None:
    both.b.nbssh("remove", "box")
    before = contents(both.data)
    asked = both.b.spawn("nbssh", "add", "box")
    asked.expect(r"'box' is set up on box already.*adopt it\?.*\[y/N\]")
    asked.sendline("n")
    asked.expect(pexpect.EOF)
    asked.wait()
    assert asked.exitstatus == 1
    assert contents(both.data) == before
    both.a.nbssh("apply", "--check")


def test_an_add_offline_decides_at_its_first_apply(both: Laptops) -> None:
    a, b = both
    b.nbssh("remove", "box")
    b.nbssh("add", "box", "--offline", "--yes", "--password-stdin", "--jupyter", str(fake_jupyter(a)), stdin=f"{NEW}\n")
    done = b.run("nbssh", "apply", "box")
    assert done.returncode == 1
    assert "is set up on" in done.stderr
    assert "where the password is another" in done.stderr
    assert "nbssh apply box --prefer there; " in done.stderr
    b.nbssh("apply", "box", "--prefer", "there")
    assert secret(a)["hash"] == secret(b)["hash"]
    both.quiet()


# --- both change something -------------------------------------------------------------------------------------------


def test_different_settings_come_together(both: Laptops) -> None:
    a, b = both
    put(a, 'dir = "of-a"')
    put(b, "idle_hours = 3.0")
    a.nbssh("apply")
    done = b.nbssh("apply")
    assert "another laptop changed 'dir'" in done.stderr
    assert "your other laptops take 'idle_hours' over with: nbssh apply box" in done.stderr
    a.nbssh("apply")
    for laptop in both:
        assert 'dir = "of-a"' in toml(laptop).read_text()
        assert "idle_hours = 3.0" in toml(laptop).read_text()
    both.quiet()


@pytest.mark.parametrize("side", ["here", "there"])
def test_the_same_setting_is_left_to_the_user(both: Laptops, side: str) -> None:
    a, b = both
    put(a, 'dir = "of-a"')
    put(b, 'dir = "of-b"')
    a.nbssh("apply")
    for words in (("apply",), ("apply", "--check"), ("diff",), ("passwd", "box", "--token")):
        done = b.run("nbssh", *words)
        assert done.returncode == 1
        assert "'dir' changed here, and by another laptop on" in done.stderr
        assert "nbssh apply box --prefer there; " in done.stderr
    assert 'dir = "of-b"' in toml(b).read_text()
    both.a.nbssh("apply", "--check")
    b.nbssh("apply", "box", "--prefer", side)
    a.nbssh("apply")
    expected = 'dir = "of-b"' if side == "here" else 'dir = "of-a"'
    assert [expected in toml(laptop).read_text() for laptop in both] == [True, True]
    both.quiet()


def test_a_password_that_was_changed_offline_on_both_is_left_to_the_user(both: Laptops) -> None:
    a, b = both
    for laptop in both:
        laptop.nbssh("passwd", "box", "--offline", "--password-stdin", stdin=f"{laptop.folder}\n")
    a.nbssh("apply")
    done = b.run("nbssh", "apply")
    assert done.returncode == 1
    assert "the password changed here" in done.stderr
    # a new one that is typed decides, too
    b.nbssh("passwd", "box", "--password-stdin", stdin="last\n")
    a.nbssh("apply")
    assert secret(a)["hash"] == secret(b)["hash"]
    both.quiet()


def test_an_edit_of_what_another_laptop_changed_meanwhile_is_kept(both: Laptops) -> None:
    a, b = both
    assert edit(a, 'dir = "of-a"').returncode == 0
    done = edit(b, 'dir = "of-b"')
    assert done.returncode == 1
    assert "'dir' changed here, and by another laptop on" in done.stderr
    assert "what you wrote is kept" in done.stderr
    b.nbssh("apply")
    assert 'dir = "of-a"' in toml(b).read_text()


def test_what_belongs_to_one_laptop_never_counts(both: Laptops) -> None:
    a, b = both
    put(b, "browser = false\nforward_agent = true")
    toml(b).write_text(re.sub(r"(?m)^port = .*", f"port = {free_port()}", toml(b).read_text()))
    b.nbssh("apply")
    both.quiet()
    assert "browser" not in toml(a).read_text()


def test_another_jupyter_is_found_once_for_both(both: Laptops) -> None:
    a, b = both
    other = fake_jupyter(a, "elsewhere")
    assert edit(a, "# moved").returncode == 0
    text = toml(a).read_text()
    toml(a).write_text(re.sub(r"(?m)^jupyter = .*", f'jupyter = "{other}"', text, count=1))
    a.nbssh("apply")
    b.nbssh("apply")
    assert toml(b).read_text().count(f'jupyter = "{other}"') == 2
    both.quiet()
    detach(start(b))
    kill(b)


# --- accidents -------------------------------------------------------------------------------------------------------


def test_two_applies_at_once_leave_one_of_them_whole(both: Laptops) -> None:
    a, b = both
    for turn in range(4):
        for laptop in both:
            laptop.nbssh("apply", "--prefer", "there")
            toml(laptop).write_text(re.sub(r"(?m)^dir = .*\n", "", toml(laptop).read_text()))
            put(laptop, f'dir = "{laptop.folder.name}{turn}"')
        argv = [sys.executable, "-m", "nbssh", "apply", "box", "--prefer", "here"]
        runs = [
            subprocess.Popen(
                argv, env=laptop.env, cwd=laptop.local_home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )
            for laptop in both
        ]  # fmt: skip
        said = [run.communicate(timeout=120)[0] for run in runs]
        for run, words in zip(runs, said, strict=True):
            assert run.returncode == 0 or "another nbssh changed 'box' on" in words, words
        assert any(run.returncode == 0 for run in runs)
        # no mixture of both: the sums that the file tells are those of the files beside it
        assert "edited by hand" not in a.run("nbssh", "diff", "box").stdout
    for laptop in (a, b, a):
        laptop.nbssh("apply", "box", "--prefer", "there")
    both.quiet()


@pytest.mark.parametrize("moment", [
    "step: read the files", "step: make the aliases", r"run: .*\(started\)", "step: install on", r"file: .*secrets/",
])  # fmt: skip
def test_an_apply_that_is_interrupted_is_gone_on_with(both: Laptops, moment: str) -> None:
    a, b = both
    put(a, 'dir = "x"')
    argv = [sys.executable, "-m", "nbssh", "-v", "apply", "box"]
    with subprocess.Popen(
        argv, env=a.env, cwd=a.local_home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as run:  # fmt: skip
        assert run.stderr
        connected = False
        for line in run.stderr:
            connected = connected or "step: connect" in line
            if connected and re.search(moment, line):
                run.send_signal(signal.SIGINT)
                break
        run.stderr.read()
    if moment != r"file: .*secrets/":  # which may have been the last one
        b.nbssh("apply", "box")
        b.nbssh("apply", "--check")
    a.nbssh("apply", "box")
    b.nbssh("apply", "box")
    assert 'dir = "x"' in toml(b).read_text()
    both.quiet()
    assert not (both.data / ".turn").exists()


def test_a_turn_that_was_left_is_taken_over(both: Laptops) -> None:
    a, b = both
    (both.data / ".turn").mkdir()
    put(a, 'dir = "x"')
    a.nbssh("apply")
    b.nbssh("apply")
    both.quiet()


@pytest.mark.parametrize("damage", ["", "nonsense\n", "format 1\nshared {\n", "\0\xff" * 1000])
def test_a_damaged_profile_on_the_server_is_replaced_after_a_yes_only(both: Laptops, damage: str) -> None:
    a, b = both
    (both.data / "profile").write_text(damage, encoding="latin-1")
    done = b.run("nbssh", "apply", "box")
    assert done.returncode == 1
    assert "edited by hand, left alone" in done.stderr
    b.nbssh("apply", "box", "--yes")
    both.quiet()
    # and at an add there is nothing to take over
    b.nbssh("remove", "box")
    (both.data / "profile").write_text(damage, encoding="latin-1")
    program = str(fake_jupyter(a))
    done = b.run("nbssh", "add", "box", "--yes", "--jupyter", program)
    assert done.returncode == 1
    assert "the notebook password cannot be asked for without a terminal" in done.stderr
    done = b.nbssh("add", "box", "--yes", "--password-stdin", "--jupyter", program, stdin=f"{NEW}\n")
    assert "has your settings and password now" in done.stderr
    a.nbssh("apply", "box")
    both.quiet()


# --- other versions --------------------------------------------------------------------------------------------------


def as_newer(laptops: Laptops) -> None:
    """Write the server's files as a newer nbssh may: one more setting, another form."""
    path = laptops.data / "profile"
    text = path.read_text().replace("format 1", "format 2")
    text = text.replace("shared {", 'shared {"later": [1], ').replace('"declared": {', '"declared": {"colour": "red", ')
    path.write_text(seal(f"{text}colour red\n"))


def test_an_older_nbssh_leaves_the_files_of_a_newer_one_alone(both: Laptops) -> None:
    a, b = both
    as_newer(both)
    before = contents(both.data)
    assert b.run("nbssh", "apply", "--check").returncode == 3, "it notes once what lies there now"
    for laptop in (a, b):
        laptop.nbssh("apply")
    both.quiet()
    assert "was changed" not in a.nbssh("status").stderr
    assert contents(both.data) == before
    detach(start(b))
    kill(b)
    put(b, "idle_hours = 1.0")
    for words in (("apply",), ("passwd", "box", "--token")):
        done = b.run("nbssh", *words)
        assert done.returncode == 1
        assert "a newer nbssh wrote 'box' on" in done.stderr
        assert "bring nbssh on this laptop up to date" in done.stderr
    assert contents(both.data) == before
    b.nbssh("remove", "box")
    a.nbssh("apply", "--check")
    b.nbssh("add", "box", "--yes")
    both.quiet()


def test_laptops_that_never_agreed_on_anything_agree_at_their_next_apply(both: Laptops) -> None:
    """As after an update of an nbssh that knew nothing of other laptops."""
    a, b = both
    path = both.data / "profile"
    path.write_text(seal("".join(re.sub(r"(?m)^(format|shared) .*\n", "", path.read_text()))))
    for laptop in both:
        file = laptop.local_home / ".local/state/nbssh/secrets/box.json"
        found = json.loads(file.read_text())
        del found["synced"]
        file.write_text(json.dumps(found))
    for laptop in (a, b):
        laptop.nbssh("apply")
    both.quiet()
