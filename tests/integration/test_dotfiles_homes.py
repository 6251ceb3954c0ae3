"""Homes as they really are: odd names, links, read-only files, nothing there yet, a full disk, ten thousand hosts."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from bed import needs_root
from dotfiles import CONFIG, HOSTS, Laptop, run_here, scratch, strays, tree
from ports import free_port

from nbssh.core.ssh.include import COMMENT, INCLUDE, include_added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PORT = str(free_port())
ADD = ("add", "box", "--offline", "--token", "--yes", "--port", PORT)
UNINSTALL = ("uninstall", "--offline", "--yes")


@pytest.fixture
def move_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Laptop]]:
    """Give `move_in(name)`: a home of that name, which is this process's."""
    with scratch() as folder:

        def make(name: str = "h") -> Laptop:
            laptop = Laptop(folder / name)
            laptop.home.mkdir(mode=0o700)
            for key, value in laptop.environ.items():
                monkeypatch.setenv(key, value)
            return laptop

        yield make


def ran(laptop: Laptop, *words: str) -> str:
    status, said = run_here(laptop, *words)
    assert status == 0, said
    return said


def ssh_part(laptop: Laptop) -> dict[str, str]:
    return {name: text for name, text in tree(laptop.home).items() if name.startswith((".ssh", "dot"))}


def all_the_way(laptop: Laptop) -> None:
    """Add and take away again: the alias is right in between, the files are as before at the end."""
    before, answers = ssh_part(laptop), laptop.answers() if laptop.config.exists() else {}
    ran(laptop, *ADD)
    resolved = laptop.ssh_g("box-nb")
    assert f"localforward [127.0.0.1]:{PORT} [127.0.0.1]:{PORT}\n" in resolved
    if laptop.config.read_bytes().endswith(CONFIG):
        assert "hostname 10.0.0.5\n" in resolved
        assert "proxyjump gate\n" in resolved
        assert laptop.answers() == answers
    assert ran(laptop, "apply", "--offline") == "nbssh: already up to date\n"
    ran(laptop, *UNINSTALL)
    assert ssh_part(laptop) == before
    assert strays(laptop.home) == []


@pytest.mark.parametrize("name", ["my home", "100% %h %d", "Ünï ©🐍", "it's", "a$b", "x" * 120])
def test_a_home_of_any_name(move_in: Callable[..., Laptop], name: str) -> None:
    laptop = move_in(name)
    laptop.write()
    all_the_way(laptop)


def test_what_ssh_starts_finds_an_odd_home(move_in: Callable[..., Laptop]) -> None:
    laptop = move_in("100% my home's")
    laptop.write()
    ran(laptop, *ADD)
    resolved = dict(line.split(" ", 1) for line in laptop.ssh_g("box-nb").splitlines())
    assert resolved["controlpath"] == f"{laptop.conf_dir}/box.ctl"
    command = resolved["localcommand"].replace("%%", "%")
    shown = subprocess.run(
        ["sh", "-c", f'set -- {command}; printf %s "$2"'], capture_output=True, text=True, check=True, timeout=10
    )
    assert shown.stdout == f"{laptop.conf_dir}/open"


def test_a_link_to_dotfiles_stays_a_link(move_in: Callable[..., Laptop]) -> None:
    laptop = move_in()
    (laptop.home / "dotfiles").mkdir()
    (laptop.home / "dotfiles/config").write_bytes(CONFIG)
    laptop.config.parent.mkdir(mode=0o700)
    laptop.config.symlink_to("../dotfiles/config")
    ran(laptop, "init", "--yes")
    assert laptop.config.is_symlink()
    assert (laptop.home / "dotfiles/config").read_bytes() == include_added(CONFIG)
    ran(laptop, *UNINSTALL)
    all_the_way(laptop)
    assert laptop.config.is_symlink()


def test_folders_that_are_links(move_in: Callable[..., Laptop]) -> None:
    laptop = move_in()
    for name in ("ssh", "nbssh.d"):
        (laptop.home / f"dot-{name}").mkdir(mode=0o700)
    (laptop.home / ".ssh").symlink_to("dot-ssh")
    (laptop.home / "dot-ssh/nbssh.d").symlink_to("../dot-nbssh.d")
    laptop.write()
    all_the_way(laptop)


def test_no_config_and_no_folder_come_and_go(move_in: Callable[..., Laptop], monkeypatch: pytest.MonkeyPatch) -> None:
    laptop = move_in()
    # `-F` wants a file that exists; ssh without it, which looks at the passwd home, does not
    wrapper = laptop.home / "ssh"
    file = shlex.quote(str(laptop.config))
    wrapper.write_text(f'#!/bin/sh\n[ -e {file} ] && exec ssh -F {file} "$@"\nexec ssh -F none "$@"\n')
    wrapper.chmod(0o700)
    monkeypatch.setenv("NBSSH_SSH_COMMAND", shlex.quote(str(wrapper)))
    umask = os.umask(0)  # ssh refuses an included file that others can write
    try:
        ran(laptop, "init", "--yes")
        assert stat.S_IMODE(laptop.config.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(laptop.config.stat().st_mode) == 0o600
        assert laptop.config.read_bytes() == COMMENT + b"\n" + INCLUDE + b"\n"
        ran(laptop, *UNINSTALL)
        assert not (laptop.home / ".ssh").exists()
        all_the_way(laptop)
        (laptop.home / ".ssh").mkdir(mode=0o700)
        all_the_way(laptop)
        laptop.write(b"", 0o644)
        all_the_way(laptop)
    finally:
        os.umask(umask)


def read_only(laptop: Laptop, config: bytes) -> None:
    store = laptop.home / "dot-nix-store"
    store.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (store / "config").unlink()
    (store / "config").write_bytes(config)
    (store / "config").chmod(0o444)
    if not laptop.config.is_symlink():
        laptop.config.parent.mkdir(mode=0o700, exist_ok=True)
        laptop.config.symlink_to(store / "config")


def test_a_read_only_config_gets_the_lines_to_add_by_hand(move_in: Callable[..., Laptop]) -> None:
    laptop = move_in()
    read_only(laptop, CONFIG)
    before = tree(laptop.home)
    status, said = run_here(laptop, "init", "--yes")
    assert status == 1
    assert said.startswith(f"{COMMENT.decode()}\n{INCLUDE.decode()}\n")
    assert "is read-only (mode 0444); nothing was changed" in said
    assert "nbssh: hint: if another program manages that file" in said
    assert tree(laptop.home) == before
    assert ran(laptop, "init", "--print") == f"{COMMENT.decode()}\n{INCLUDE.decode()}\n"
    status, said = run_here(laptop, *ADD)
    assert status == 1
    assert "is read-only" in said
    assert INCLUDE.decode() in said
    assert tree(laptop.home) == before

    # she does so: now everything works, and the file is never touched
    read_only(laptop, include_added(CONFIG))
    before = ssh_part(laptop)
    assert "already" in ran(laptop, "init")
    ran(laptop, *ADD)
    assert "hostname 10.0.0.5\n" in laptop.ssh_g("box-nb")
    said = ran(laptop, *UNINSTALL)
    assert "take the Include line out by the way you manage that file" in said
    assert ssh_part(laptop) == before


def test_somebody_elses_config_is_left_alone(move_in: Callable[..., Laptop]) -> None:
    needs_root()
    laptop = move_in()
    laptop.write(CONFIG, 0o644)
    os.chown(laptop.config, 12345, -1)
    before = tree(laptop.home)
    status, said = run_here(laptop, "init", "--yes")
    assert status == 1
    assert "belongs to user 12345, not to you" in said
    assert INCLUDE.decode() in said
    assert tree(laptop.home) == before


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_full_disk_leaves_the_old_files_whole(move_in: Callable[..., Laptop], tmp_path: Path) -> None:
    """A real one: a file system of 1 MiB."""
    needs_root()
    laptop = move_in()
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        for name in (".ssh", ".config", ".local"):
            (disk / name).mkdir(mode=0o700)
            (laptop.home / name).symlink_to(disk / name)
        laptop.write()
        ran(laptop, *ADD)
        laptop.write(laptop.config.read_bytes().replace(b"10.0.0.5", b"10.0.0.6"))
        answers = laptop.answers()
        ballast = laptop.home / "ballast-list"
        ballast.symlink_to(disk / "ballast")
        for words in (
            ("apply", "--offline"),
            ("add", "two", "gate", "--offline", "--token", "--yes"),
            ("passwd", "box", "--token", "--offline"),
        ):
            fill(disk)
            before = tree(disk)
            status, said = run_here(laptop, *words)
            assert status == 1, said
            assert "no space left on device" in said
            assert "nbssh: hint: make room on the disk, then run this again" in said
            after = tree(disk)
            assert {name: text for name, text in after.items() if "nbssh/lock" not in name} == {
                name: text for name, text in before.items() if "nbssh/lock" not in name
            }
            assert laptop.answers() == answers
            (disk / "ballast").unlink()
            ran(laptop, *words)
        # what takes away needs no room
        kept = (laptop.home / ".config/nbssh/profiles/two.toml").read_bytes()
        fill(disk)
        ran(laptop, "remove", "two", "--offline")
        assert kept in {file.read_bytes() for file in (disk / ".local/state/nbssh/backups").iterdir()}
        fill(disk)
        ran(laptop, "uninstall", "--offline", "--yes")
        assert [path for path in disk.rglob("*") if "nbssh" in path.name] == []
        assert b"nbssh" not in laptop.config.read_bytes()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_ten_thousand_hosts(move_in: Callable[..., Laptop], record_property: Callable[[str, object], None]) -> None:
    laptop = move_in()
    blocks = b"".join(
        b"Host h%d\n    HostName 10.1.%d.%d\n    User u\n" % (n, n // 250, n % 250) for n in range(10_000)
    )
    config = CONFIG + blocks
    laptop.write(config)
    began = time.monotonic()
    laptop.ssh_g("box")
    record_property("figure", ("10,000 Host blocks: ms of one ssh -G", round(1000 * (time.monotonic() - began))))
    for words in (ADD, ("apply", "--offline")):
        began = time.monotonic()
        ran(laptop, *words)
        name = f"10,000 Host blocks: ms of nbssh {words[0]}"
        record_property("figure", (name, round(1000 * (time.monotonic() - began))))
    assert "hostname 10.0.0.5\n" in laptop.ssh_g("box-nb")
    assert "hostname 10.1.39.249\n" in laptop.ssh_g("h9999")
    ran(laptop, *UNINSTALL)
    assert laptop.config.read_bytes() == config


def test_a_broken_file_of_ours_is_mended_and_removed(move_in: Callable[..., Laptop]) -> None:
    """One line that ssh refuses breaks every ssh call: that must not keep nbssh from repairing it."""
    laptop = move_in()
    laptop.write()
    answers = laptop.answers()
    conf = laptop.conf_dir / "box.conf"
    for words in (("apply", "--offline", "--yes"), ("remove", "box", "--offline"), UNINSTALL):
        ran(laptop, *ADD)
        conf.write_text(conf.read_text() + "    NoSuchOption 1\n")
        assert laptop.ssh_g("gate").startswith("refused")
        ran(laptop, *words)
        assert laptop.answers(HOSTS) == answers


def test_a_config_that_ssh_refuses_does_not_keep_us_there(move_in: Callable[..., Laptop]) -> None:
    laptop = move_in()
    laptop.write()
    ran(laptop, *ADD)
    laptop.write(laptop.config.read_bytes() + b"NoSuchOption 1\n")
    ran(laptop, "remove", "box", "--offline")
    ran(laptop, *UNINSTALL)
    assert laptop.config.read_bytes() == CONFIG + b"NoSuchOption 1\n"
    before = tree(laptop.home)
    for words in (("init", "--yes"), ADD):
        status, said = run_here(laptop, *words)
        assert (status, "Bad configuration option: nosuchoption" in said) == (1, True), said
    assert ssh_part(laptop) == {name: text for name, text in before.items() if name.startswith((".ssh", "dot"))}
