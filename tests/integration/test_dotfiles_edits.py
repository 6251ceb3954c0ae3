"""What the user edits stays hers: hand edits of our files are told apart, and her own blocks are followed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from dotfiles import CONFIG, Laptop, run_here, tree
from ports import free_port
from serving import fake_jupyter

from nbssh.core.files.change import is_edited
from nbssh.core.ssh.include import include_added

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bed import Bed

PORT, OTHER_PORT = str(free_port()), str(free_port())
ADD = ("add", "box", "--offline", "--token", "--yes", "--port", PORT)
OTHER = ("add", "other", "gate", "--offline", "--token", "--yes", "--port", OTHER_PORT)


def ran(laptop: Laptop, *words: str, status: int = 0) -> str:
    found, said = run_here(laptop, *words)
    assert found == status, said
    return said


def planned(text: str) -> list[tuple[str, str]]:
    return [(change["action"], change["path"]) for change in json.loads(text)["changes"]]


EDITS = {
    "another port": (b"Port 2222", b"Port 2200", "gate", "port 2200"),
    "another machine": (b"10.0.0.5", b"10.9.9.9", "box", "hostname 10.9.9.9"),
    "another jump host": (b"ProxyJump gate", b"ProxyJump bastion", "box", "proxyjump bastion"),
    "no jump host": (b"  ProxyJump gate\n", b"", "box", "user alice"),
    "a new key": (b"  User alice\n", b"  User alice\n  IdentityFile ~/.ssh/new\n", "box", "identityfile ~/.ssh/new"),
    "no key": (b'  IdentityFile "~/.ssh/corp key"\n', b"", "x.corp", "user corp user"),
}


@pytest.mark.parametrize("case", EDITS)
def test_the_alias_follows_the_users_own_block(laptop: Laptop, case: str) -> None:
    old, new, host, expected = EDITS[case]
    ran(laptop, "add", "it", host, "--offline", "--token", "--yes")
    conf = laptop.conf_dir / "it.conf"
    before = conf.read_text()
    assert "out of date" not in ran(laptop, "status", status=1)
    data = laptop.config.read_bytes()
    assert old in data
    laptop.config.write_bytes(data.replace(old, new))
    files = tree(laptop.home)

    assert "the alias of 'it' is out of date: nbssh apply it" in ran(laptop, "status", status=1)
    assert ran(laptop, "diff", "--exit-code", "--offline", status=3).count("diff --git") == 1
    assert "nbssh.d/it.conf" in ran(laptop, "diff", "--local")
    assert ran(laptop, "apply", "--check", "--offline", status=3).startswith("change ~/.ssh/nbssh.d/it.conf (aliases")
    assert ran(laptop, "apply", "-n", "--offline").startswith("change ~/.ssh/nbssh.d/it.conf (aliases")
    plans = [
        planned(ran(laptop, *words, "--json", "--offline", status=status))
        for words, status in ((("diff",), 0), (("apply", "-n"), 0), (("apply", "--check"), 3), (("apply",), 0))
    ]
    assert plans == [[("change", str(conf))]] * 4
    assert {name for name, text in tree(laptop.home).items() if files[name] != text} <= {
        ".ssh/nbssh.d/it.conf",
        ".local/state/nbssh/lock",
        ".local/state/nbssh/.derived",
    }
    assert conf.read_text() != before
    wanted, found = (set(laptop.ssh_g(name).splitlines()) for name in (host, "it-nb"))
    assert expected in wanted
    assert expected in found
    ours = ("local", "remote", "request", "control", "exit", "permit", "dynamic", "host ", "server")
    assert {line for line in wanted ^ found if not line.startswith(ours)} == set()
    assert ran(laptop, "apply", "--offline") == "nbssh: already up to date\n"
    assert "out of date" not in ran(laptop, "status", status=1)


def test_what_no_alias_can_express_is_said_and_is_no_drift(laptop: Laptop) -> None:
    laptop.write(CONFIG + b"Host *-nb\n  IdentityFile ~/.ssh/extra\n  LocalForward 7000 x:7\n")
    for words in (ADD, ("apply", "--offline"), ("apply", "--offline", "--json"), ("apply", "--check", "--offline")):
        said = ran(laptop, *words)
        assert "identityfile" in said
        assert "~/.ssh/extra" in said
        assert "localforward: box-nb also has 7000" in said
    assert "out of date" not in ran(laptop, "status", status=1)


def test_the_users_own_spelling_of_the_include_is_enough(laptop: Laptop) -> None:
    """The installed file must not count while a new one is tried, whoever includes it."""
    for spelling in ("include=~/.ssh/nbssh.d/*.conf", "Include nested missing/*"):
        (laptop.home / ".ssh/nested").write_text("Compression no\nInclude nbssh.d/*.conf\n")
        (laptop.home / ".ssh/nested").chmod(0o600)
        own = f"{spelling}\n".encode() + CONFIG
        laptop.write(own)
        assert ran(laptop, "init") == "nbssh: ssh reads the files of nbssh already\n"
        ran(laptop, *ADD)
        laptop.write(own.replace(b"10.0.0.5", b"10.0.0.6"))
        for expected in ("1 files brought up to date", "already up to date", "already up to date"):
            assert expected in ran(laptop, "apply", "--offline")
            assert "hostname 10.0.0.6\n" in laptop.ssh_g("box-nb")
            assert "user alice\n" in laptop.ssh_g("box-nb")
        ran(laptop, "remove", "box", "--offline")
        ran(laptop, "uninstall", "--yes", "--offline")
        assert laptop.config.read_bytes() == own.replace(b"10.0.0.5", b"10.0.0.6")


def test_a_line_that_the_user_took_out_is_not_put_back_unasked(laptop: Laptop) -> None:
    ran(laptop, *ADD)
    assert laptop.config.read_bytes() == include_added(CONFIG)
    laptop.write(CONFIG)
    for words in (OTHER, ("apply", "--offline"), ("passwd", "box", "--token", "--offline"), ADD):
        said = ran(laptop, *words)
        assert laptop.config.read_bytes() == CONFIG
        assert ("put it back with: nbssh init" in said) == (words in {OTHER, ADD})
    ran(laptop, "init", "--yes")
    assert laptop.config.read_bytes() == include_added(CONFIG)


@pytest.mark.parametrize("seal", ["broken", "gone"])
def test_a_hand_edit_is_shown_and_kept(laptop: Laptop, seal: str) -> None:
    ran(laptop, *ADD)
    ran(laptop, *OTHER)
    conf = laptop.conf_dir / "box.conf"
    good = conf.read_text()
    lines = [line for line in good.splitlines() if seal == "broken" or "checksum" not in line]
    mine = "\n".join(lines) + "\n    Compression yes\n"
    conf.write_text(mine)
    # the other profile is merely out of date
    laptop.config.write_bytes(laptop.config.read_bytes().replace(b"Port 2222", b"Port 2200"))

    assert "edited by hand since nbssh wrote it" in ran(laptop, "diff", "--offline")
    said = ran(laptop, "apply", "--offline", status=1)
    assert "-    Compression yes" in said
    assert "edited by hand, left alone: ~/.ssh/nbssh.d/box.conf" in said
    assert "--yes overwrites it and keeps a backup" in said
    assert conf.read_text() == mine
    assert "port 2200\n" in laptop.ssh_g("other-nb"), "one failure must not stop the others"
    answer = json.loads(ran(laptop, "apply", "--offline", "--json", status=1).partition("\nnbssh: ")[0])
    assert [error["profile"] for error in answer["errors"]] == ["box"]
    assert [change["edited"] for change in answer["changes"]] == [True]

    said = ran(laptop, "apply", "--offline", "--yes")
    assert conf.read_text() == good
    assert [path.read_text() for path in laptop.backups.iterdir() if "box.conf" in path.name] == [mine]
    assert "backups" in said


def add_online(bed: Bed) -> Path:
    done = bed.run("nbssh", "add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)))
    assert done.returncode == 0, done.stderr
    return bed.remote_home / ".local/share/nbssh/box"


def test_hand_edits_on_the_server_are_kept(make_bed: Callable[..., Bed]) -> None:
    bed = make_bed(extra=["LogLevel VERBOSE"])
    remote = add_online(bed)
    settings, config = remote / "profile", remote / "config/jupyter_server_config.json"
    good = {path: path.read_text() for path in (settings, config)}
    mine = {settings: good[settings] + "# mine\n", config: good[config].replace("{", '{"Mine": {"x": 1},', 1)}
    for path, text in mine.items():
        path.write_text(text)
    assert bed.run("nbssh", "apply", "--check", "box").returncode == 3
    shown = bed.run("nbssh", "diff").stdout
    for path in mine:
        assert f"# box:{path}: edited by hand since nbssh wrote it" in shown
    assert '-{"Mine": {"x": 1},' in shown
    token = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())["token"]
    assert token not in shown
    logins = bed.server.log.read_text().count("Accepted publickey")
    assert bed.run("nbssh", "diff", "--local").stdout == ""
    assert bed.server.log.read_text().count("Accepted publickey") == logins

    for words in (("apply",), ("passwd", "box", "--token")):
        done = bed.run("nbssh", *words)
        assert done.returncode == 1, done.stderr
        assert f"edited by hand, left alone: box:{config}, box:{settings}" in done.stderr
        assert {path: path.read_text() for path in mine} == mine
    done = bed.run("nbssh", "apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert {path: path.read_text() for path in good} == good
    backups = [path.read_text() for path in (bed.local_home / ".local/state/nbssh/backups").iterdir()]
    assert set(mine.values()) <= set(backups)
    assert "as it was is kept in ~/.local/state/nbssh/backups/" in done.stderr
    assert bed.run("nbssh", "apply").stderr == "nbssh: already up to date\n"


def test_drift_on_the_server_is_no_hand_edit(bed: Bed) -> None:
    remote = add_online(bed)
    toml = bed.local_home / ".config/nbssh/profiles/box.toml"
    for folder in ("work", "play"):
        text = "".join(line for line in toml.read_text().splitlines(keepends=True) if not line.startswith("dir"))
        toml.write_text(f'dir = "{folder}"\n{text}')
        shown = bed.run("nbssh", "diff").stdout
        assert "jupyter_server_config.json" in shown
        assert "edited by hand" not in shown
        done = bed.run("nbssh", "apply")
        assert done.returncode == 0, done.stderr
        assert f"/{folder}" in (remote / "config/jupyter_server_config.json").read_text()
    assert is_edited((remote / "profile").read_bytes()) is False
    # nobody knows what was installed: then it is taken for the user's
    (remote / "profile").unlink()
    toml.write_text(toml.read_text().replace("play", "work"))
    assert "edited by hand" in bed.run("nbssh", "apply").stderr
    assert bed.run("nbssh", "apply", "--yes").returncode == 0
    assert bed.run("nbssh", "apply", "--check").returncode == 0
