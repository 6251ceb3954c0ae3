"""nbssh's own files on a host elsewhere than below the home (`server_dir`), through all that looks for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from bed import until
from ports import free_port
from serving import add, api, detach, ended, fake_jupyter, kill, start
from test_render import carry, render

if TYPE_CHECKING:
    from pathlib import Path

    from bed import Bed


def lies_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("named", ["wide", "wide/.nbssh"])
def test_everything_is_there_and_nothing_at_home(bed: Bed, named: str) -> None:
    work = bed.folder / "wide"
    ours = work / (".nbssh" if named.endswith("nbssh") else "nbssh")
    (work / "box").mkdir(parents=True)  # a folder of hers that is called like the profile
    (work / "box/data").write_text("hers")
    work.chmod(0o755)
    port = add(bed, "--server-dir", str(bed.folder / named), "--forward", "socket")
    assert f'server_dir = "{bed.folder / named}"' in (bed.local_home / ".config/nbssh/profiles/box.toml").read_text()
    assert bed.nbssh("apply", "--check", "box").returncode == 0
    session = start(bed)
    assert (ours / ".state/box/sock").is_socket()
    assert api(port)["version"]
    assert json.loads(bed.nbssh("status", "box", "--json").stdout)["profiles"][0]["state"] == "running"
    assert bed.nbssh("logs", "box").returncode == 0
    checked = bed.run("nbssh", "doctor", "box").stdout
    assert "nothing is left over" in checked or "leftovers" in checked
    assert f"{ours}/box/" in bed.nbssh("show", "box").stdout
    until(lambda: bed.opened, "the browser is opened")
    detach(session)
    assert "stopped" in kill(bed)
    assert work.stat().st_mode & 0o777 == 0o755
    session = start(bed)
    bed.nbssh("uninstall", "--yes")
    ended(session)
    assert lies_in(work) == ["box", "box/data"]
    assert not (bed.remote_home / ".local").exists()


def test_a_port_there_is_opened_after_its_word(bed: Bed) -> None:
    """The opener asks the host's program, which it has to find there."""
    where = ["--server-dir", str(bed.folder / "wide"), "--forward", "tcp", "--remote-port", str(free_port())]
    port = add(bed, *where)
    session = start(bed)
    until(lambda: bed.opened, "the browser is opened")
    assert api(port)["version"]
    detach(session)
    kill(bed)
    path = bed.local_home / ".config/nbssh/profiles/box.toml"
    path.write_text("no = TOML\n")
    told = bed.run("nbssh", "remove", "box").stderr
    assert f"rm -rf {bed.folder}/wide/nbssh/box {bed.folder}/wide/nbssh/.state/box" in told


def test_what_is_no_folder_is_refused(bed: Bed) -> None:
    fake_jupyter(bed)
    for said in ("work", "~/work", "/a b", "/"):
        done = bed.run("nbssh", "add", "box", "--token", "--yes", "--server-dir", said)
        assert done.returncode in {1, 2}
        assert "is no absolute path of plain characters" in done.stderr
        assert "hint: a folder on the host, as /scratch/you/.nbssh" in done.stderr
    closed = bed.folder / "closed"
    closed.write_text("no folder")
    done = bed.run(
        "nbssh", "add", "box", "--token", "--yes", "--jupyter", str(fake_jupyter(bed)), "--server-dir", str(closed)
    )
    assert done.returncode == 1
    assert f"{closed} on " in done.stderr
    assert "is no folder" in done.stderr


def test_it_is_carried_there_by_hand(bed: Bed) -> None:
    fake_jupyter(bed)
    (bed.remote_home / ".profile").write_text("PATH=$HOME/bin:$PATH\n")
    work = bed.folder / "wide"
    work.mkdir()
    port, far = free_port(), free_port()
    words = ("--port", str(port), "--remote-port", str(far), "--server-dir", str(work))
    carry(bed, render(bed, *words))
    session = start(bed)
    assert api(port)["version"]
    detach(session)
    kill(bed)
    assert (work / "nbssh/.state/box").is_dir()
    assert not (bed.remote_home / ".local").exists()
