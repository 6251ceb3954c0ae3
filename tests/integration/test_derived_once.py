"""What is installed is not derived again from the same: ssh is not asked, and the long way gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotfiles import run_here
from ports import free_port

from nbssh.core.ssh.include import include_added
from nbssh.steps import proofs

if TYPE_CHECKING:
    from collections.abc import Callable

    from dotfiles import Laptop

NAMES = ("a", "b", "c")
SPY = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$HOME/asked"
exec ssh "$@"
"""
CONFIG = """\
Include parts/*
Host box
    HostName 127.0.0.1
    Compression yes
"""


def run(laptop: Laptop, *words: str) -> tuple[int, str, str]:
    """Run nbssh; return its status, what it says, and for which hosts ssh was asked."""
    asked = laptop.home / "asked"
    asked.write_text("")
    status, said = run_here(laptop, *words)
    hosts = sorted(line.split()[-1] for line in asked.read_text().splitlines() if " -G " in line)
    return status, said, " ".join(hosts)


def logins(laptop: Laptop) -> list[str]:
    """Return the calls of ssh of the last run that were to log in."""
    return [line for line in (laptop.home / "asked").read_text().splitlines() if " box exec /bin/sh -s" in line]


def checksums(laptop: Laptop) -> Path:
    return Path(laptop.home, ".local/state/nbssh/.derived")


def files(laptop: Laptop) -> dict[str, tuple[bytes, int]]:
    """Return content and time of each file, but for what the spy wrote."""
    found = (path for path in laptop.home.rglob("*") if path.is_file() and path.name != "asked")
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.fixture
def known(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """Return a laptop with three profiles of one destination, which are many here."""
    monkeypatch.setattr(proofs, "FEW", -1)
    laptop.write(CONFIG.encode())
    (laptop.home / "spy").write_text(SPY)
    monkeypatch.setenv("NBSSH_SSH_COMMAND", f"sh {laptop.home}/spy -F {laptop.config}")
    for number, name in enumerate(NAMES):
        status, said = run_here(
            laptop, "add", name, "box", "--offline", "--token", "--yes", "--port", str(21000 + number)
        )
        assert status == 0, said
    return laptop


def test_nothing_is_asked_and_nothing_written_where_nothing_changed(known: Laptop) -> None:
    before = files(known)
    for words in (("diff",), ("apply", "--check"), ("apply", "--dry-run"), ("apply",)):
        status, said, asked = run(known, *words, "--offline")
        assert (status, asked) == (0, ""), said
    assert files(known) == before
    checksums(known).unlink()
    status, _, asked = run(known, "diff", "--offline")
    assert (status, asked) == (0, "a-nb a-nb b-nb b-nb box c-nb c-nb")


def part(laptop: Laptop, text: str, mode: int = 0o600) -> None:
    file = laptop.home / ".ssh/parts/one"
    file.parent.mkdir(exist_ok=True)
    file.touch()
    file.chmod(mode)
    file.write_text(text)


def profile(laptop: Laptop, old: str, new: str) -> None:
    file = laptop.home / ".config/nbssh/profiles/b.toml"
    file.write_text(file.read_text().replace(old, new))


def template(laptop: Laptop) -> None:
    assert run(laptop, "templates", "eject", "ssh/profile.conf")[0] == 0
    file = laptop.home / ".config/nbssh/templates/ssh/profile.conf"
    file.write_text(file.read_text().replace("ServerAliveInterval 10", "ServerAliveInterval 11"))


def spy(laptop: Laptop) -> None:
    file = laptop.home / "spy"
    file.write_text(file.read_text().replace("ssh ", "ssh -o VisualHostKey=yes "))


def installed(laptop: Laptop) -> None:
    file = laptop.home / ".ssh/nbssh.d/b.conf"
    file.write_text(file.read_text().replace("Compression yes", "Compression no"))


CHANGES: dict[str, Callable[[Laptop], None]] = {
    "config": lambda laptop: laptop.config.write_text(CONFIG.replace("yes", "yes\n    LogLevel DEBUG")),
    "a file that is included": lambda laptop: part(laptop, "Host box\n    User alice\n"),
    "one that ssh refuses": lambda laptop: part(laptop, "Host box\n    Nonsense\n"),
    "one that others may write": lambda laptop: part(laptop, "Host box\n    User alice\n", 0o666),
    "port": lambda laptop: profile(laptop, "port = 21001", "port = 21009"),
    "destination": lambda laptop: profile(laptop, '"box"', '"alice@box"'),
    "option": lambda laptop: profile(laptop, "port =", 'ssh_options = ["User=alice"]\nport ='),
    "template": template,
    "ssh": spy,
    "installed": installed,
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_counts_as_on_the_long_way(known: Laptop, change: str) -> None:
    CHANGES[change](known)
    *quick, _ = run(known, "diff", "--offline")
    kept = checksums(known).read_bytes()
    checksums(known).unlink()
    *long, asked = run(known, "diff", "--offline")
    assert quick == long
    assert asked
    checksums(known).write_bytes(kept)
    run(known, "apply", "--offline", "--yes")
    *after, _ = run(known, "apply", "--offline", "--check")
    checksums(known).unlink()
    *really, _ = run(known, "apply", "--offline", "--check")
    assert after == really


MOMENTARY = (
    'Match originalhost box exec "test -e ~/there"\n    User alice\n',
    'Match originalhost box ex"ec" "test -e ~/there"\n    User alice\n',
    "Match localnetwork 10.0.0.0/8\n    User alice\n",
    "CanonicalizeHostname yes\n",
    "Host box\n    IdentityFile ${KEYS}/key\n",
)


@pytest.mark.parametrize("text", MOMENTARY)
def test_what_depends_on_the_moment_is_asked_each_time(known: Laptop, text: str) -> None:
    part(known, text)
    for _ in range(2):
        run(known, "apply", "--offline", "--yes")
        assert "box" in run(known, "apply", "--offline", "--check")[2]


def test_a_changed_profile_is_asked_about_alone(known: Laptop) -> None:
    profile(known, "port = 21001", "port = 21009")
    assert set(run(known, "diff", "--offline")[2].split()) == {"b-nb", "box"}
    assert run(known, "apply", "--offline")[0] == 0
    assert run(known, "apply", "--offline", "--check") == (0, "nbssh: already up to date\n", "")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"read": 1}', b'{"read": "x", "known": {"a": "b"}}'])
def test_a_file_of_checksums_that_is_none_costs_time_alone(known: Laptop, content: bytes) -> None:
    before = checksums(known).read_bytes()
    checksums(known).write_bytes(content)
    assert run(known, "apply", "--offline")[:2] == (0, "nbssh: already up to date\n")
    assert checksums(known).read_bytes() == before


def test_it_goes_with_the_rest(known: Laptop) -> None:
    assert checksums(known).stat().st_mode & 0o777 == 0o600
    assert run(known, "uninstall", "--offline", "--yes")[0] == 0
    assert not checksums(known).parent.exists()


def test_a_few_are_asked_about(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "FEW", len(NAMES))
    checksums(known).unlink()
    for _ in range(2):
        assert run(known, "apply", "--offline") == (
            0,
            "nbssh: already up to date\n",
            "a-nb a-nb b-nb b-nb box c-nb c-nb localhost",
        )
    assert not checksums(known).exists()


@pytest.mark.parametrize(("line", "limited"), [("", True), ("    ConnectTimeout 3\n", False)])
def test_many_hosts_are_contacted_without_a_question_for_each(known: Laptop, line: str, *, limited: bool) -> None:
    known.write(include_added((CONFIG + f"    Port {free_port()}\n{line}").encode()))
    run(known, "apply", "--offline", "--yes")
    first = run(known, "apply")
    calls = logins(known)
    assert ["-oConnectTimeout=10" in call for call in calls] == [limited]
    assert "box" in first[2]
    second = run(known, "apply")
    assert second == (*first[:2], "localhost")
    assert [len(call) for call in logins(known)] == [len(call) for call in calls]


def test_a_file_that_ssh_refuses_is_mended_before_many_are_contacted(known: Laptop) -> None:
    known.write(include_added((CONFIG + f"    Port {free_port()}\n").encode()))
    run(known, "apply", "--offline", "--yes")
    run(known, "apply")
    (known.conf_dir / "a.conf").write_text("Nonsense\n")
    assert "a.conf: it is written again" in run(known, "apply")[1]
    assert known.ssh_g("a-nb").startswith("host a-nb")
