"""What is broken is said with the command that mends it, and that command mends it."""

from __future__ import annotations

import shutil
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from bed import is_running, until
from serving import add, close_tunnel, detach, ended, fake_jupyter, free_port, kill, said, server_pid, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from bed import Bed


def test_a_host_that_was_installed_anew(bed: Bed) -> None:
    add(bed)
    shutil.rmtree(bed.remote_home / ".local")
    status, words = ended(bed.ssh("box-nb"))
    assert status == 1
    assert "nbssh apply box" in words
    close_tunnel(bed)
    missing = "'box' is not installed on box\nnbssh: hint: nbssh apply box"
    for command in (("kill", "box"), ("status", "box"), ("open", "box")):
        refused = bed.run("nbssh", *command)
        assert refused.returncode == 1
        # the refusal may have taken open's connection along before it could ask
        assert missing in refused.stderr or (command[0] == "open" and "why: nbssh doctor box" in refused.stderr)
    bed.nbssh("apply", "box")
    session = start(bed)
    assert "if the connection is lost it keeps running, too: ssh box-nb" in said(session)
    kill(bed)


@pytest.mark.parametrize("offline", [[], ["--offline"]], ids=str)
def test_apply_mends_an_alias_file_that_ssh_refuses(bed: Bed, offline: list[str]) -> None:
    add(bed)
    conf = bed.local_home / ".ssh/nbssh.d/box.conf"
    text = conf.read_text()
    conf.write_text(text[: len(text) // 2] + "\n    LocalForw")
    assert bed.run("ssh", "box", "true").returncode == 255
    repair = bed.run("nbssh", "doctor").stdout
    assert "nbssh apply --offline box" in repair
    done = bed.nbssh("apply", "box", *offline)
    assert "ssh refuses ~/.ssh/nbssh.d/box.conf: it is written again" in done.stderr
    assert "as it was is kept in" in done.stderr
    assert conf.read_text() == text
    assert bed.run("ssh", "box", "true").returncode == 0


def test_remove_of_an_unreadable_profile_names_what_ends_it_there(bed: Bed) -> None:
    add(bed)
    detach(start(bed))
    close_tunnel(bed)
    pid = server_pid(bed)
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text(profile.read_text() + "\nbroken = [")
    removed = bed.nbssh("remove", "box").stderr
    line = next(line for line in removed.splitlines() if "to end it and take its files away, " in line)
    command = line.partition("for all laptops: ")[2].replace("ssh box", f"ssh -F {bed.ssh_config} box")
    assert bed.run("sh", "-c", command).returncode == 0
    until(lambda: not is_running(pid), "it has ended")
    assert not (bed.remote_home / ".local/share/nbssh/box").exists()


def test_a_port_there_that_is_taken_is_told_at_add(bed: Bed) -> None:
    port = free_port()
    options = ["--yes", "--token", "--jupyter", str(fake_jupyter(bed)), "--forward", "tcp"]
    with closing(socket.create_server(("127.0.0.1", port))):
        done = bed.nbssh("add", "box", *options, "--remote-port", str(port))
        assert f"port {port} on " in done.stderr
        assert "is taken by a program of yours" in done.stderr
        assert "nbssh edit box: remote_port" in done.stderr


def test_only_the_port_that_sshd_permits_is_tried(make_bed: Callable[..., Bed]) -> None:
    port = free_port()
    bed = make_bed(extra=[f"PermitOpen 127.0.0.1:{port}"])
    options = ["--yes", "--token", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    refused = bed.run("nbssh", "add", "box", *options)
    assert refused.returncode == 1
    assert "no PermitOpen but 'PermitOpen 127.0.0.1:" in refused.stderr
    done = bed.nbssh("add", "box", *options, "--forward", "tcp", "--remote-port", str(port))
    assert "done; now type: ssh box-nb" in done.stderr
    start(bed)
    kill(bed)


def test_an_option_that_is_ignored_in_one_block_alone(bed: Bed) -> None:
    config = bed.ssh_config.read_text()
    inside = config.replace("Host box\n", "Host box\n    IgnoreUnknown UseKeychain\n    UseKeychain yes\n", 1)
    bed.ssh_config.write_text(inside)
    assert bed.run("ssh", "box", "true").returncode == 0
    options = ["--yes", "--token", "--jupyter", str(fake_jupyter(bed)), "--port", str(free_port())]
    refused = bed.run("nbssh", "add", "box", *options)
    assert refused.returncode == 1
    line = inside.splitlines().index("    UseKeychain yes") + 1
    assert f"{bed.ssh_config}: line {line}: Bad configuration option: usekeychain" in refused.stderr
    assert "'IgnoreUnknown OPTION' belongs above the first Host" in refused.stderr
    bed.ssh_config.write_text("IgnoreUnknown UseKeychain\n" + inside)
    assert "done; now type" in bed.nbssh("add", "box", *options).stderr


def test_another_destination_is_looked_at_and_not_the_session_that_is_open(bed: Bed) -> None:
    block = bed.ssh_config.read_text()
    bed.ssh_config.write_text(block + "\n" + block.replace("Host box\n", "Host other\n"))
    add(bed)
    session = start(bed)
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text(profile.read_text().replace('destination = "box"', 'destination = "other"'))
    done = bed.nbssh("-v", "apply", "box", "--yes")
    looked = [
        line for line in done.stderr.splitlines() if line.startswith("nbssh: run: ") and "exec /bin/sh -s" in line
    ]
    assert looked
    assert all(" other exec /bin/sh -s" in line for line in looked)
    detach(session)
    close_tunnel(bed)
    kill(bed)


def test_no_command_answers_for_the_destination_that_there_was_before(bed: Bed) -> None:
    bed.ssh_config.write_text(bed.ssh_config.read_text() + "\nHost dead\n    ProxyCommand false\n")
    add(bed)
    session = start(bed)
    pid = server_pid(bed)
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    text = profile.read_text()
    profile.write_text(text.replace('destination = "box"', 'destination = "dead"'))
    for command in ("status", "logs", "kill", "passwd"):
        done = bed.run("nbssh", command, "box", *(["--token", "--yes"] if command == "passwd" else []))
        assert (command, done.returncode) == (command, 1)
        assert "dead" in done.stdout + done.stderr
    assert is_running(pid)
    profile.write_text(text)
    assert "running" in bed.nbssh("status", "box").stdout
    detach(session)
    close_tunnel(bed)
    kill(bed)


def test_a_profile_without_its_secret_costs_the_others_nothing(bed: Bed) -> None:
    add(bed)
    bed.nbssh("add", "two", "box", "--offline", "--token", "--yes", "--port", str(free_port()))
    (bed.local_home / ".local/state/nbssh/secrets/two.json").write_text('{"hash": ')
    conf = bed.local_home / ".ssh/nbssh.d/box.conf"
    text = conf.read_text()
    conf.unlink()
    done = bed.run("nbssh", "apply")
    assert done.returncode == 1
    assert "1 of 2 profiles done; failed: two" in done.stderr
    assert conf.read_text() == text


def test_a_key_below_a_table_is_told_where_it_belongs(bed: Bed) -> None:
    add(bed)
    profile = bed.local_home / ".config/nbssh/profiles/box.toml"
    profile.write_text(profile.read_text() + 'dir = "work"\n')
    done = bed.run("nbssh", "apply", "box")
    assert done.returncode == 1
    assert "'dir' is no key of this table" in done.stderr
    assert "put it above the line [server]" in done.stderr
