"""A profile that cannot be read is named, and keeps no command from the other ones; an unlisted folder is not empty."""

from __future__ import annotations

import json
import os
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from dotfiles import HOSTS, Laptop

from nbssh.adapters.laptop.paths import Paths
from nbssh.errors import NbsshError
from nbssh.steps import profiles
from nbssh.steps.context import Context
from nbssh.wings import way_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

GOOD = 'destination = "box"\nport = {port}\n'
BAD_TOML = 'destination = "box"\nport = = 8889\n'


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content)  # type: ignore[return-value]


# what is wrong with the file, how it is made so, the line, what is said
BROKEN: list[tuple[str, Callable[[Path], Any], int | None, str]] = [
    ("bad TOML", text(BAD_TOML), 2, r"invalid value \(at line 2, column 8\)"),
    ("torn TOML", text(GOOD.format(port=8889) + 'app = "note\n'), None, "line 3|control"),
    ("an unknown key", text(GOOD.format(port=8889) + "prot = 1\n"), 3, "unknown key 'prot'"),
    ("an unknown key below", text(GOOD.format(port=1) + '[scheduler]\nkind = "slurm"\nprot = 1\n'), 2, "port 1 is"),
    ("a bad value", text('destination = "box"\n\nport = 70000\n'), 3, "70000 is no port"),
    ("a bad value below", text(GOOD.format(port=8889) + '[scheduler]\nkind = "x"\n'), 4, "invalid enum value"),
    ("no value", text("port = 8889\n"), None, "the key 'destination' is missing"),
    ("a client", text(GOOD.format(port=8889) + 'client = "windows"\n'), 3, "the key 'client' is no longer known"),
    ("no UTF-8", lambda path: path.write_bytes(b"# a\n# \xff\n"), 2, "this is not UTF-8"),
    ("a FIFO", fifo, None, "is no regular file"),
    ("a socket", unix_socket, None, "cannot read|is no regular file"),
    ("a device", lambda path: path.symlink_to("/dev/zero"), None, "is no regular file"),
    ("a directory", lambda path: path.mkdir(), None, "is no regular file|is a directory"),
    ("a dangling link", lambda path: path.symlink_to("nowhere"), None, "a symbolic link to a file that is not there"),
    ("a link to itself", lambda path: path.symlink_to(path.name), None, "too many levels of symbolic links"),
    ("too much", text("# much\n" * 200_000), None, "more than 1024 KiB"),
    ("many keys", text("".join(f"a.b{number} = 1\n" for number in range(50_000))), 1, "unknown key 'a'"),
    ("a long key", text("\n" + ".".join(50_000 * "a") + " = 1\n"), 2, "a key of so many parts"),
    ("deep lists", text("setup = " + 100_000 * "["), None, "recursion"),
    ("a long number", text("destination = 'x'\nport = " + 5_000 * "9"), None, "exceeds the limit"),
    ("a larger number", text("destination = 'x'\nport = 0x" + 100_000 * "f"), None, "exceeds the limit"),
    ("an infinite number", text(GOOD.format(port=8889) + "idle_hours = inf\n"), 3, "'idle_hours'"),
    ("a steering value", text(GOOD.format(port=8889) + 'app = "\\u001b[2J"\n'), 3, "'app' holds a control character"),
]


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """Give a laptop with the files of the profiles a and c, and nothing else."""
    made = Laptop(tmp_path)
    made.write()
    for key in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(key, raising=False)
    for key, value in made.environ.items():
        monkeypatch.setenv(key, value)
    made.profiles.mkdir(parents=True)
    for name, port in (("a", 8887), ("c", 8888)):
        (made.profiles / f"{name}.toml").write_text(GOOD.format(port=port))
    return made


@pytest.fixture
def laptop(declared: Laptop) -> Laptop:
    """Give a laptop with the profiles a and c, their files included."""
    for name in ("a", "c"):
        (declared.profiles / f"{name}.toml").unlink()
        declared.done("add", name, "box", "--offline", "--token", "--yes")
    return declared


def context() -> Context:
    return Context(paths=Paths.of_user(), way_of=way_of)


@pytest.mark.parametrize(("make", "line", "said"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_whatever_is_wrong_with_a_file_is_its_error_alone(
    declared: Laptop, make: Callable[[Path], Any], line: int | None, said: str
) -> None:
    make(declared.profiles / "b.toml")
    targets, unreadable = profiles.all(context())
    assert [target.name for target in targets] == ["a", "c"]
    assert [failure.name for failure in unreadable] == ["b"]
    error = unreadable[0].error
    assert "~/.config/nbssh/profiles/b.toml" + (f":{line}: " if line else "") in error.message
    assert re.search(said, error.message), error.message
    assert error.hint
    assert error.message.isprintable()
    assert len(error.message) < 400
    assert error.code == 1
    # its port is unknown, and nobody cares
    assert set(profiles.ports(context(), but="a").values()) == {"c"}


SPELLINGS = (
    "port = 21001",
    "port = +21_001",
    "port = 0x5209",
    "port = 0b101001000001001",
    'port = 20000\nalso = ["21001:6006"]',
    'port = 20000\nalso = ["\\u00321001:6006"]',
    "port = 20000\n# caf\u00e9\nalso = ['21001:6006']",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_port_is_found_however_it_is_spelled(declared: Laptop, spelling: str) -> None:
    """Files that cannot say it are not parsed for it."""
    (declared.profiles / "a.toml").write_text(f'destination = "box"\n{spelling}\n')
    (declared.profiles / "b.toml").write_text(GOOD.format(port=20001))
    here = context()
    every = profiles.owners(here)
    assert every[21001] == ["a"]
    assert profiles.owners(here, among=[21001]) == {port: whose for port, whose in every.items() if whose == ["a"]}
    assert profiles.ports(here, but="b", among=[21001])[21001] == "a"
    assert profiles.owners(here, among=[]) in ({}, profiles.owners(here, among=[21001]))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(declared: Laptop) -> None:
    (declared.profiles / "b.toml").touch(mode=0)
    _, unreadable = profiles.all(context())
    assert "permission denied" in unreadable[0].error.message


@pytest.fixture
def broken(laptop: Laptop) -> Laptop:
    """Give a laptop whose profile b is no TOML, beside a and c."""
    (laptop.profiles / "b.toml").write_text(BAD_TOML)
    (laptop.profiles / "b.toml").chmod(0o600)
    return laptop


ERROR = "~/.config/nbssh/profiles/b.toml:2: invalid value (at line 2, column 8)"


def as_json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert [error["profile"] for error in found["errors"]] == ["b"]
    assert found["errors"][0]["error"] == ERROR
    assert found["errors"][0]["hint"]
    return found


def test_list_shows_the_others_and_names_it(broken: Laptop) -> None:
    done = broken.nbssh("list")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", "a", "c"]
    assert f"nbssh: error: {ERROR}\n" in done.stderr
    assert [profile["name"] for profile in as_json(broken.nbssh("list", "--json"))["profiles"]] == ["a", "c"]


def test_apply_and_diff_do_the_others(broken: Laptop) -> None:
    for name in ("a", "c"):
        (broken.conf_dir / f"{name}.conf").unlink()
    assert "a/" in broken.nbssh("diff", "--offline").stdout
    found = as_json(broken.nbssh("diff", "--offline", "--json"))
    assert (found["profiles"], len(found["changes"])) == (["a", "c"], 2)
    done = broken.nbssh("apply", "--offline")
    assert done.returncode == 1
    assert ERROR in done.stderr
    assert "2 of 3 profiles done; failed: b" in done.stderr
    assert (broken.conf_dir / "c.conf").exists()
    assert as_json(broken.nbssh("apply", "--offline", "--json"))["profiles"] == ["a", "c"]
    assert as_json(broken.nbssh("apply", "--offline", "--json", "a", "b"))["profiles"] == ["a"]
    assert broken.nbssh("apply", "--offline", "a", "c").returncode == 0
    assert broken.nbssh("apply", "--offline", "--check", "c").returncode == 0


def test_a_profile_that_is_not_there_is_told_before_anything_is_done(broken: Laptop) -> None:
    (broken.conf_dir / "a.conf").unlink()
    done = broken.nbssh("apply", "--offline", "a", "d")
    assert (done.returncode, "there is no profile 'd'" in done.stderr) == (1, True)
    assert not (broken.conf_dir / "a.conf").exists()


def test_status_shows_the_others(broken: Laptop) -> None:
    done = broken.nbssh("status")
    assert done.returncode == 1
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["NAME", "a", "c"]
    assert ERROR in done.stderr
    errors = json.loads(broken.nbssh("status", "--json").stdout)["errors"]
    assert [error["profile"] for error in errors] == ["b", "a", "c"]  # of those two nothing is known yet


def test_doctor_examines_the_others(broken: Laptop) -> None:
    found = as_json(broken.nbssh("doctor", "--offline", "--json"))
    of_b = [check for check in found["checks"] if check["profile"] == "b"]
    assert [(check["level"], check["message"]) for check in of_b] == [("error", ERROR)]
    assert "nbssh edit b" in of_b[0]["repair"]
    for name in ("a", "c"):
        levels = {check["check"]: check["level"] for check in found["checks"] if check["profile"] == name}
        assert levels["alias"] == "ok"
    assert as_json(broken.nbssh("doctor", "--offline", "--json", "b"))
    assert broken.nbssh("doctor", "--offline", "a").returncode == 0


def test_commands_for_another_profile_do_not_care(broken: Laptop) -> None:
    before = broken.answers(HOSTS)
    broken.done("add", "d", "box", "--offline", "--token", "--yes")
    for words in (["show", "a"], ["url", "d"], ["passwd", "a", "--token", "--offline"], ["remove", "d", "--offline"]):
        assert ERROR not in broken.done(*words)
    assert "nothing is known of the host of 'a'" in broken.nbssh("kill", "a").stderr
    assert broken.answers(HOSTS) == before


def test_a_broken_one_can_be_removed(broken: Laptop) -> None:
    assert "could not be read, so its host was not contacted" in broken.done("remove", "b", "--offline")
    assert broken.nbssh("list").returncode == 0


def test_a_folder_that_cannot_be_listed_is_no_empty_one(declared: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error", str(path))

    here = context()
    monkeypatch.setattr(os, "listdir", fail)
    for ask in (
        lambda: profiles.all(here), lambda: profiles.names(here), lambda: profiles.load(here, "a"),
        lambda: profiles.ports(here, but="a"), lambda: profiles.find(here, "nobody"),
    ):  # fmt: skip
        with pytest.raises(NbsshError, match=f"cannot list {declared.profiles}: input/output error"):
            ask()


def test_no_command_takes_an_unlisted_folder_for_an_empty_one(laptop: Laptop) -> None:
    aside = laptop.profiles.with_name("aside")
    laptop.profiles.rename(aside)
    laptop.profiles.touch()  # ENOTDIR, for root too
    before = {path.name: path.read_bytes() for path in laptop.conf_dir.iterdir()}
    for words in (
        ["list"], ["status"], ["apply", "--offline"], ["diff", "--offline"], ["doctor", "--offline"], ["show", "a"],
        ["edit", "a", "--offline"], ["passwd", "a", "--token", "--offline"], ["remove", "a", "--offline"],
        ["uninstall", "--offline", "--yes"], ["add", "d", "box", "--offline", "--token", "--yes"],
    ):  # fmt: skip
        done = laptop.nbssh(*words)
        assert done.returncode == 1, words
        assert f"cannot list {laptop.profiles}: not a directory" in done.stderr, words
        assert "no profile" not in done.stderr + done.stdout, words
    assert {path.name: path.read_bytes() for path in laptop.conf_dir.iterdir()} == before


def test_remove_takes_a_dangling_link_away(laptop: Laptop) -> None:
    link = laptop.profiles / "a.toml"
    link.unlink()
    link.symlink_to("nowhere")
    laptop.done("remove", "a", "--offline")
    assert not link.is_symlink()
    assert "nowhere" not in laptop.done("list")
