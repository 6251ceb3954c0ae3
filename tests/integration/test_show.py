"""`nbssh list` and `nbssh show`: what is declared, from the files alone, and never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ports import free_port
from serving import add, fake_jupyter

if TYPE_CHECKING:
    from bed import Bed


def test_without_profiles_list_says_how_to_make_one(bed: Bed) -> None:
    done = bed.nbssh("list")
    assert (done.stdout, done.stderr) == ("", "nbssh: there are no profiles; make one: nbssh add NAME\n")


def test_list_has_a_line_each_in_the_order_of_the_names(bed: Bed) -> None:
    port = add(bed)
    bed.nbssh("add", "another", "box", "--offline", "--yes", "--token", "--port", str(other := free_port()))
    heads, first, second = bed.nbssh("list").stdout.splitlines()
    assert heads.split() == ["NAME", "DESTINATION", "URL", "RUNS", "START"]
    assert first.split()[:3] == ["another", "box", f"http://127.0.0.1:{other}/"]
    assert second.split()[:3] == ["box", "box", f"http://127.0.0.1:{port}/"]
    assert second.endswith("ssh box-nb")


def test_neither_asks_the_server(bed: Bed) -> None:
    add(bed)
    bed.server.log.write_text("")
    bed.nbssh("list")
    bed.nbssh("show", "box")
    assert bed.server.log.read_text() == ""


def test_show_names_the_words_to_type_and_every_file(bed: Bed) -> None:
    port = add(bed)
    said = bed.nbssh("show", "box").stdout
    for line in ("ssh box-nb", "ssh box-nb-kill", f"http://127.0.0.1:{port}/", "~/.ssh/nbssh.d/box.conf"):
        assert line in said
    files = json.loads(bed.nbssh("show", "box", "--json").stdout)["files"]
    ours = {str(path) for path in (bed.local_home / ".ssh/nbssh.d").iterdir() if path.is_file()}
    assert ours <= set(files)


def test_no_secret_is_shown(bed: Bed) -> None:
    bed.nbssh("add", "box", "--yes", "--token", "--port", str(free_port()), "--jupyter", str(fake_jupyter(bed)))
    secret = json.loads((bed.local_home / ".local/state/nbssh/secrets/box.json").read_text())
    said = [
        bed.nbssh(*words).stdout for words in (["list"], ["list", "--json"], ["show", "box"], ["show", "box", "--json"])
    ]
    assert secret["token"]
    assert all(secret["token"] not in text for text in said)


def test_nbssh_alone_shows_the_commands_and_what_is_known_of_each_profile(bed: Bed) -> None:
    alone = bed.nbssh().stdout
    assert "ssh mybox-nb " in alone
    assert "your profiles" not in alone
    for name in ("one", "two"):
        bed.nbssh("add", name, "box", "--offline", "--yes", "--token", "--port", str(free_port()))
    (bed.local_home / ".config/nbssh/profiles/two.toml").write_text("broken = [")
    (bed.server.folder / "login").write_text("#!/bin/sh\nexit 1\n")
    done = bed.run("nbssh")
    assert done.stdout.startswith(alone)
    assert "\nyour profiles, as known here:\n  one  no tunnel  JupyterLab  ssh one-nb\n" in done.stdout
    assert (done.returncode, "two.toml" in done.stderr) == (1, True)
