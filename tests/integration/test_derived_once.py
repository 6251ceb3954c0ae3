"""What is installed is not derived again from the same: ssh is not asked, and the long way gives the same bytes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dotfiles import run_here, strays
from ports import free_port

from nbssh.adapters.files import lock, writer
from nbssh.core.ssh.include import include_added
from nbssh.steps import blocks, fingerprint, proofs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dotfiles import Laptop

NAMES = ("a", "b", "c")
CONFIG = """\
Include parts/*
Host box
    HostName 127.0.0.1
    Compression yes
"""


asked: list[Sequence[str]] = []


def run(laptop: Laptop, *words: str) -> tuple[int, str, str]:
    """Run nbssh; return its status, what it says, and for which hosts ssh was asked."""
    blocks.look_again()  # as a process of its own does
    asked.clear()
    status, said = run_here(laptop, *words)
    return status, said, " ".join(sorted(command[-1] for command in asked if "-G" in command))


def logins() -> list[Sequence[str]]:
    """Return the calls of ssh of the last run that were to log in."""
    return [command for command in asked if " box exec /bin/sh -s" in " ".join(command)]


def checksums(laptop: Laptop) -> Path:
    return Path(laptop.home, ".local/state/nbssh/.derived")


def files(laptop: Laptop) -> dict[str, tuple[bytes, int]]:
    """Return content and time of each file."""
    found = (path for path in laptop.home.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.fixture
def known(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """Return a laptop with three profiles of one destination; what ssh is asked is written down."""
    real: Any = subprocess.Popen

    def spying(command: Sequence[str], **options: Any) -> Any:  # noqa: ANN401  Popen's own
        asked.append(command)
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", spying)
    laptop.write(CONFIG.encode())
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


def test_doctor_asks_once_for_all_where_nothing_changed(known: Laptop) -> None:
    status, said, asked = run(known, "doctor", "--offline")
    assert (status, asked) == (0, "localhost"), said
    checksums(known).unlink()
    again, long, asked = run(known, "doctor", "--offline")
    assert (again, long) == (status, said)
    assert {"a-nb", "b-nb", "c-nb"} < set(asked.split())


def test_one_that_leads_into_a_job_lets_doctor_ask_for_no_other(known: Laptop) -> None:
    words = ("--offline", "--token", "--yes", "--scheduler", "slurm")
    assert run(known, "add", "d", "box", *words)[0] == 0
    status, said, asked = run(known, "doctor", "--offline")
    assert (status, asked) == (0, "localhost"), said


@pytest.mark.parametrize("line", ["", "Nonsense yes"])
def test_doctor_asks_once_for_a_destination_that_it_asks_many_about(
    known: Laptop, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    script = another_ssh(known, f'#!/bin/sh\nsleep 0.2\nexec {shutil.which("ssh")} "$@"\n'.encode())
    monkeypatch.setenv("NBSSH_SSH_COMMAND", f"{script} -F {known.config}")
    run(known, "apply", "--offline", "--yes")
    known.config.write_text(known.config.read_text() + line)
    hosts = run(known, "doctor", "--offline")[2].split()
    # whether ssh takes our files, and where it refuses hers whether it takes ours alone, and what it says of hers
    assert (hosts.count("box"), hosts.count("localhost")) == ((2, 2) if line else (1, 1))


@pytest.mark.parametrize("command", ["diff", "apply", "doctor"])
def test_what_ssh_refuses_in_her_file_is_told_of_her_file(known: Laptop, command: str) -> None:
    text = known.config.read_text()
    known.config.write_text(f"{text}Nonsense yes\n")
    line = len(text.split("\n"))
    _, said, _ = run(known, command, "--offline", "a")
    said = "".join(said.split())  # a table breaks lines
    assert f"{known.config}:line{line}:Badconfigurationoption:nonsense" in said
    assert "/nbssh-" not in said


def test_doctor_asks_nothing_that_would_wait_at_a_fifo(known: Laptop) -> None:
    os.mkfifo(known.conf_dir / "x.conf")
    status, said, _ = run(known, "doctor", "--offline")
    assert (status, "x.conf breaks every ssh call: it is a FIFO" in said) == (1, True), said
    assert not [command for command in asked if "-G" in command and str(known.config) in command]


def test_an_alias_without_its_tunnel_is_never_known(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBSSH_SSH_COMMAND", f"ssh -o ClearAllForwardings=yes -F {known.config}")
    for _ in range(2):
        run(known, "apply", "--offline", "--yes")
        status, said, _ = run(known, "doctor", "--offline")
        assert status == 1
        assert all(f"ssh does not know '{name}-nb'" in said for name in NAMES), said


def part(laptop: Laptop, text: str, mode: int = 0o600, name: str = "one") -> Path:
    file = laptop.home / ".ssh/parts" / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    file.chmod(mode)
    file.write_text(text)
    return file


def link(laptop: Laptop) -> None:
    """Let what is included be another file, of the same size and time, by another target of its link."""
    for name, user in (("old", "alice"), ("new", "carol")):
        file = laptop.home / name
        file.write_text(f"Host box\n    User {user}\n")
        file.chmod(0o600)
        os.utime(file, (1, 1))
    one = part(laptop, "")
    one.unlink()
    one.symlink_to(laptop.home / "old")
    assert run(laptop, "apply", "--offline")[0] == 0
    assert run(laptop, "diff", "--offline")[2] == ""
    one.unlink()
    one.symlink_to(laptop.home / "new")


def deeper(laptop: Laptop) -> None:
    """Add a file that a relative Include in an included file finds."""
    part(laptop, "Host box\nInclude parts/more-*\n")
    assert run(laptop, "apply", "--offline")[0] == 0
    assert run(laptop, "diff", "--offline")[2] == ""
    part(laptop, "User alice\n", name="more-2")


def profile(laptop: Laptop, old: str, new: str) -> None:
    file = laptop.home / ".config/nbssh/profiles/b.toml"
    file.write_text(file.read_text().replace(old, new))


def template(laptop: Laptop) -> None:
    assert run(laptop, "templates", "eject", "ssh/profile.conf")[0] == 0
    file = laptop.home / ".config/nbssh/templates/ssh/profile.conf"
    file.write_text(file.read_text().replace("ServerAliveInterval 10", "ServerAliveInterval 11"))


def another_ssh(laptop: Laptop, content: bytes | None = None) -> Path:
    """Put another ssh in front of that of the system."""
    folder = laptop.home / "bin"
    folder.mkdir()
    if content is None:
        shutil.copy2(shutil.which("ssh") or "", folder / "ssh")
    else:
        (folder / "ssh").write_bytes(content)
        (folder / "ssh").chmod(0o700)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"  # put back by the fixture
    return folder / "ssh"


def installed(laptop: Laptop) -> None:
    file = laptop.home / ".ssh/nbssh.d/b.conf"
    file.write_text(file.read_text().replace("Compression yes", "Compression no"))


CHANGES: dict[str, Callable[[Laptop], object]] = {
    "config": lambda laptop: laptop.config.write_text(CONFIG.replace("yes", "yes\n    LogLevel DEBUG")),
    "one that others may write": lambda laptop: laptop.config.chmod(0o666),
    "a file that is included": lambda laptop: part(laptop, "Host box\n    User alice\n"),
    "another target of a link": link,
    "a file that an included one includes": deeper,
    "one that ssh refuses": lambda laptop: part(laptop, "Host box\n    Nonsense\n"),
    "an included one that others may write": lambda laptop: part(laptop, "Host box\n    User alice\n", 0o666),
    "port": lambda laptop: profile(laptop, "port = 21001", "port = 21009"),
    "destination": lambda laptop: profile(laptop, '"box"', '"alice@box"'),
    "option": lambda laptop: profile(laptop, "port =", 'ssh_options = ["User=alice"]\nport ='),
    "template": template,
    "words of the command": lambda laptop: os.environ.update(
        NBSSH_SSH_COMMAND=f"ssh -o LogLevel=DEBUG -F {laptop.config}"
    ),
    "ssh": another_ssh,
    "installed": installed,
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_counts_as_on_the_long_way(known: Laptop, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "NBSSH_SSH_COMMAND"):
        monkeypatch.setenv(name, os.environ[name])
    CHANGES[change](known)
    *quick, counts = run(known, "diff", "--offline")
    *examined, _ = run(known, "doctor", "--offline")
    assert counts
    kept = checksums(known).read_bytes()
    checksums(known).unlink()
    *long, _ = run(known, "diff", "--offline")
    assert quick == long
    *long, _ = run(known, "doctor", "--offline")
    assert examined == long
    checksums(known).write_bytes(kept)
    run(known, "apply", "--offline", "--yes")
    *after, _ = run(known, "apply", "--offline", "--check")
    checksums(known).unlink()
    *really, _ = run(known, "apply", "--offline", "--check")
    assert after == really


@pytest.mark.parametrize("command", [("status",), ("doctor", "--offline")])
@pytest.mark.parametrize("line", ["Host other\n", "    LogLevel DEBUG\n"], ids=["no matter", "outdated"])
def test_what_looks_keeps_what_it_derived(known: Laptop, command: Sequence[str], line: str) -> None:
    """After a change of the config, or an upgrade: the next one asks no more, and both say what the long way says."""
    known.config.write_text(known.config.read_text() + line)
    before = files(known)
    *first, counts = run(known, *command)
    assert {"a-nb", "b-nb", "box", "c-nb"} <= set(counts.split())
    changed = {path for path, now in files(known).items() if now != before.get(path)}
    assert changed - {str(checksums(known).with_name("lock"))} == {str(checksums(known))}
    if "Host" in line:
        assert run(known, *command) == (*first, "localhost" if "doctor" in command else "")
    kept = checksums(known).read_bytes()
    *second, _ = run(known, *command)
    checksums(known).unlink()
    *long, _ = run(known, *command)
    assert first == second == long
    assert checksums(known).read_bytes() == kept


def test_what_looks_makes_no_folder(known: Laptop) -> None:
    shutil.rmtree(checksums(known).parent)
    run(known, "status")
    run(known, "doctor", "--offline")
    assert not checksums(known).parent.exists()


def test_of_hosts_never_looked_at_status_asks_nothing(known: Laptop) -> None:
    status, said, hosts = run(known, "status")
    assert (status, hosts) == (1, "")
    assert "nothing is known of the hosts of 'a', 'b' and 'c': they were added offline" in said
    assert "hint: look at them: nbssh apply a b c\n" in said
    profile_b = json.loads(run(known, "status", "--json")[1])["errors"][1]
    assert profile_b["error"] == "nothing is known of the host of 'b': it was added offline"
    assert profile_b["hint"] == "look at it: nbssh apply b"


def test_status_names_some_of_many(known: Laptop) -> None:
    for name in "defg":
        shutil.copy(known.home / ".config/nbssh/profiles/a.toml", known.home / f".config/nbssh/profiles/{name}.toml")
    said = run(known, "status")[1]
    assert "of the hosts of 'a', 'b', 'c' and 4 more: they were added offline\n" in said
    assert "hint: look at them: nbssh apply\n" in said
    assert "the aliases of 'd', 'e', 'f' and 'g' are out of date: nbssh apply d e f g\n" in said


FOLLOWED = (
    'Match originalhost box exec "test -e ~/there"\n    User alice\n',
    'Match originalhost box ex"ec" "test -e ~/there"\n    User alice\n',
    'Match exec "test -e ~/there"\n    Compression no\nMatch !exec "test -e /" host 127.0.0.1\n    User alice\n',
    "Match localnetwork 10.0.0.0/8\n    User alice\n",
    'Match originalhost other exec "test -e ~/there"\n    User alice\n',
)


@pytest.mark.parametrize("text", FOLLOWED)
def test_what_the_aliases_follow_need_not_be_asked(known: Laptop, text: str) -> None:
    """Whatever it decides, the long way comes to the same."""
    part(known, text)
    assert run(known, "apply", "--offline", "--yes")[0] == 0
    kept = checksums(known).read_bytes()
    for now in ("touch", "unlink"):
        getattr(known.home / "there", now)()
        quick = run(known, "diff", "--offline")
        assert (quick[0], quick[2]) == (0, ""), quick
        checksums(known).unlink()
        *long, asked = run(known, "diff", "--offline")
        assert (tuple(long), "box" in asked) == (quick[:2], True)
        checksums(known).write_bytes(kept)


MOMENTARY = (
    'Match originalhost a-nb exec "test -e ~/there"\n    User alice\n',
    'Match exec "test -e ~/there"\n    User alice\nMatch exec "test -e ~/x"\n    Port 3\nMatch exec "test -e ~/y"\n',
    "CanonicalizeHostname yes\n",
    "Host box\n    IdentityFile ${KEYS}/key\n",
    "Include parts/%d*\n",
    "Include parts/[[:alpha:]]*\n",
)


@pytest.mark.parametrize("text", MOMENTARY)
def test_what_depends_on_the_moment_is_asked_each_time(known: Laptop, text: str) -> None:
    part(known, text)
    for _ in range(2):
        run(known, "apply", "--offline", "--yes")
        assert "box" in run(known, "apply", "--offline", "--check")[2]


def test_a_file_that_brackets_find_for_ssh_alone_counts(known: Laptop) -> None:
    """Python's glob does not know all that may stand in them."""
    known.write(include_added(b"Include more/[[:alpha:]]*\n" + CONFIG.encode()))
    file = known.home / ".ssh/more/one"
    file.parent.mkdir()
    file.touch(0o600)
    for user in ("alice", "carol"):
        file.write_text(f"Host box\n    User {user}\n")
        assert run(known, "diff", "--offline", "--exit-code")[0] == 3
        assert run(known, "apply", "--offline")[0] == 0
        assert f"user {user}" in known.ssh_g("a-nb")


def test_where_ssh_must_be_asked_it_is_once_for_each(known: Laptop) -> None:
    """For a destination, and for an alias with what is installed; the long way comes to the same at that moment."""
    there = known.home / "there"
    part(known, 'Match originalhost a-nb exec "test -e ~/there"\n    User alice\n')
    for change in (lambda: None, there.touch):
        change()
        assert run(known, "apply", "--offline", "--yes")[0] == 0
        *quick, asked = run(known, "diff", "--offline")
        assert asked == "a-nb box"
        kept = checksums(known).read_bytes()
        checksums(known).unlink()
        assert [*run(known, "diff", "--offline")[:2]] == quick
        checksums(known).write_bytes(kept)
    # what holds at both moments is not written again at each
    there.unlink()
    assert run(known, "apply", "--offline", "--check") == (0, "nbssh: already up to date\n", "a-nb box")
    users = [line for host in ("box", "a-nb") for line in known.ssh_g(host).splitlines() if line.startswith("user ")]
    assert users[0] == users[1]


@pytest.mark.parametrize("command", ["env ssh", "a script", "a link"])
def test_what_calls_ssh_may_do_as_it_likes(known: Laptop, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    if command == "a script":
        command = str(another_ssh(known, f'#!/bin/sh\nexec {shutil.which("ssh")} "$@"\n'.encode()))
    elif command == "a link":  # to what may be a sandbox
        real = another_ssh(known).rename(known.home / "sandbox")
        (known.home / "bin/ssh").symlink_to(real)
        command = "ssh"
    monkeypatch.setenv("NBSSH_SSH_COMMAND", f"{command} -F {known.config}")
    for _ in range(2):
        run(known, "apply", "--offline", "--yes")
        assert run(known, "diff", "--offline") == (0, "", "a-nb b-nb box c-nb")


def test_a_command_of_a_proxy_does_not_count_for_a_match(known: Laptop) -> None:
    part(known, "Host executor\n    ProxyCommand exec nc %h %p\nMatch originalhost x\n    User alice\n")
    run(known, "apply", "--offline", "--yes")
    assert run(known, "apply", "--offline", "--check")[2] == ""


def test_another_user_and_another_host_name_count(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    part(known, "Host box\n    UserKnownHostsFile ~/.ssh/%C\n")
    for owner, name in ((socket, "gethostname"), (type(fingerprint.SYSTEM), "user")):
        run(known, "apply", "--offline")
        assert run(known, "diff", "--offline")[2] == ""
        monkeypatch.setattr(owner, name, lambda *_: "another")
        assert "box" in run(known, "diff", "--offline")[2]


def test_whatever_writes_the_aliases_leaves_nothing_to_ask(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command that changes what ssh reads."""

    def nothing_is_left() -> None:
        before = files(known)
        for words in (("diff",), ("apply",), ("apply", "a")):
            status, said, hosts = run(known, *words, "--offline")
            assert (status, hosts) == (0, ""), said
        assert files(known) == before

    monkeypatch.setenv("EDITOR", "sed -i s/21009/21010/")
    run(known, "uninstall", "--yes", "--offline")
    edits: tuple[tuple[str, ...], ...] = (
        ("add", "a", "127.0.0.1", "--token", "--yes", "--offline", "--port", "21009"),
        ("add", "b", "127.0.0.1", "--token", "--yes", "--offline"),
        ("edit", "a", "--offline", "--yes"),
        ("passwd", "b", "--token", "--offline"),
        ("init", "--yes"),
        ("remove", "b", "--offline"),
    )
    for words in edits:
        status, said, _ = run(known, *words)
        assert status == 0, said
        nothing_is_left()
    known.config.write_text(f"Host *\n    Compression yes\n{known.config.read_text()}")
    assert run(known, "init", "--yes")[0] == 0
    assert run(known, "apply", "--offline")[0] == 0
    nothing_is_left()
    (known.conf_dir / "a.conf").unlink()
    assert run(known, "add", "a", "127.0.0.1", "--yes", "--offline")[0] == 0
    nothing_is_left()


def test_the_first_add_of_all_leaves_nothing_to_ask(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the user's config; without -F, because ssh insists on a file that it names."""
    run(known, "uninstall", "--yes", "--offline")
    shutil.rmtree(known.config.parent)
    monkeypatch.setenv("NBSSH_SSH_COMMAND", "ssh")
    monkeypatch.setattr(type(fingerprint.SYSTEM), "password_home", lambda _: known.home)
    assert run(known, "add", "a", "127.0.0.1", "--token", "--yes", "--offline")[0] == 0
    assert run(known, "diff", "--offline")[2] == ""


def test_what_is_written_is_tried_without_the_files_of_all(known: Laptop) -> None:
    """Otherwise the time for n profiles would grow with n squared."""
    known.config.write_text(known.config.read_text().replace("yes", "yes\n    LogLevel DEBUG"))
    assert run(known, "apply", "--offline")[0] == 0
    read = {command[command.index("-F") + 1] for command in asked if "-G" in command and command[-1] == "localhost"}
    assert {str(known.conf_dir / f"{name}.conf") for name in NAMES} < read
    assert str(known.config) not in read


def test_what_is_kept_of_a_profile_goes_with_it(known: Laptop) -> None:
    for left in ("b c", "c", ""):
        name = {"b c": "a", "c": "b", "": "c"}[left]
        assert run(known, "remove", name, "--offline")[0] == 0
        assert checksums(known).exists() == bool(left)
        if left:
            assert sorted(json.loads(checksums(known).read_bytes())["known"]) == left.split()


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


OBSTACLES = ("a folder", "a fifo", "no space", "another nbssh")


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_that_they_cannot_be_written_costs_time_alone(
    known: Laptop, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    checksums(known).unlink()
    with contextlib.ExitStack() as stack:
        if obstacle == "a folder":
            checksums(known).mkdir()
        elif obstacle == "a fifo":
            os.mkfifo(checksums(known))
        elif obstacle == "no space":
            monkeypatch.setattr(os, "fsync", full)
        else:
            monkeypatch.setattr(proofs, "_WAIT", 0.0)
            stack.enter_context(lock.held(checksums(known).with_name("lock")))
        before = files(known)
        for _ in range(2):
            status, said, hosts = run(known, "apply", "--offline")
            assert (status, said) == (0, "nbssh: already up to date\n")
            assert "box" in hosts
        assert {name: now for name, now in files(known).items() if now != before.get(name)}.keys() <= {
            str(checksums(known).with_name("lock"))
        }
        assert not strays(known.home)


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_two_note_at_once_both_stay(known: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another nbssh writes the file between our look at it and our own writing, as often as one may."""
    whole, real = checksums(known).read_bytes(), writer.apply_changes
    theirs = json.loads(whole)
    others = [json.dumps({**theirs, "known": {name: theirs["known"][name]}}).encode() for name in "ab"]
    checksums(known).unlink()

    def overtaken(changes: Sequence[Any], **options: Any) -> Any:  # noqa: ANN401  the writer's own
        if others and Path(changes[0].path) == checksums(known):
            checksums(known).write_bytes(others.pop())
        return real(changes, **options)

    monkeypatch.setattr(writer, "apply_changes", overtaken)
    assert run(known, "apply", "c", "--offline")[0] == 0
    assert not others
    assert sorted(json.loads(checksums(known).read_bytes())["known"]) == ["a", "c"]
    assert set(run(known, "apply", "--offline")[2].split()) == {"b-nb", "box", "localhost"}
    assert checksums(known).read_bytes() == whole


def test_it_goes_with_the_rest(known: Laptop) -> None:
    assert checksums(known).stat().st_mode & 0o777 == 0o600
    assert run(known, "uninstall", "--offline", "--yes")[0] == 0
    assert not checksums(known).parent.exists()


@pytest.mark.parametrize(("line", "limited"), [("", True), ("    ConnectTimeout 3\n", False)])
def test_hosts_are_contacted_without_a_question_for_each(known: Laptop, line: str, *, limited: bool) -> None:
    known.write(include_added((CONFIG + f"    Port {free_port()}\n{line}").encode()))
    first = run(known, "apply")
    calls = logins()
    assert ["-oConnectTimeout=10" in call for call in calls] == [limited]
    assert "box" in first[2]
    run(known, "apply", "--offline", "--yes")
    second = run(known, "apply")
    assert second == (*first[:2], "localhost")
    assert [len(call) for call in logins()] == [len(call) for call in calls]


def test_a_file_that_ssh_refuses_is_mended_before_many_are_contacted(known: Laptop) -> None:
    known.write(include_added((CONFIG + f"    Port {free_port()}\n").encode()))
    run(known, "apply", "--offline", "--yes")
    run(known, "apply")
    (known.conf_dir / "a.conf").write_text("Nonsense\n")
    assert "a.conf: it is written again" in run(known, "apply")[1]
    assert known.ssh_g("a-nb").startswith("host a-nb")
