"""Two nbssh at the same time, again and again: no profile is lost, no file torn, no port given twice.

Run as a program, this file is their parent: it forks both from one warm process, so that they really meet.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dotfiles import CONFIG, HOSTS, Laptop, run_here, scratch, strays, tree
from ports import free_port

from nbssh.core.files.change import is_edited
from nbssh.core.ssh.include import include_added

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the two are forked")

PORT, OTHER_PORT = str(free_port()), str(free_port())
ROUNDS = 50
ADD = ("--offline", "--token", "--yes")
PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "two adds": (("add", "one", "box", *ADD), ("add", "two", "gate", *ADD)),
    "the same add twice": (("add", "one", "box", *ADD), ("add", "one", "box", *ADD)),
    "the same port twice": (("add", "one", "box", "--port", PORT, *ADD), ("add", "two", "--port", PORT, *ADD)),
    "add and remove": (("add", "one", "box", *ADD), ("remove", "zero", "--offline")),
    "add and apply": (("add", "one", "box", *ADD), ("apply", "--offline", "--yes")),
}


def together(laptop: Laptop, pair: Sequence[tuple[str, ...]]) -> list[tuple[int, str]]:
    """Run both at once, each in a process of its own that waits for the start; return status and talk of each."""
    start, go = os.pipe()
    pids, talks = [], []
    for number, words in enumerate(pair):
        talk = laptop.home.parent / f"talk{number}"
        talks.append(talk)
        pid = os.fork()
        if pid == 0:
            status = 99
            try:
                os.close(go)
                os.read(start, 1)  # until the other end closes
                status, said = run_here(laptop, *words)
                talk.write_text(said)
            finally:
                os._exit(status)
        pids.append(pid)
    os.close(start)
    os.close(go)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    return [(status, talk.read_text()) for status, talk in zip(statuses, talks, strict=True)]


def look(laptop: Laptop, name: str, ended: list[tuple[int, str]]) -> None:
    """Assert what must hold after each round, whoever came first."""
    statuses = sorted(status for status, _ in ended)
    profiles = {path.stem: path.read_text() for path in laptop.profiles.glob("*.toml")}
    ports = [int(re.findall(r"^port = (\d+)$", text, re.MULTILINE)[0]) for text in profiles.values()]
    expected = {
        "two adds": {"zero", "one", "two"},
        "the same add twice": {"zero", "one"},
        "add and remove": {"one"},
        "add and apply": {"zero", "one"},
    }
    if name == "the same port twice":
        assert statuses == [0, 1], ended
        assert any(f"port {PORT}" in said for _, said in ended), ended
        assert len(profiles) == 2
    else:
        assert profiles.keys() == expected[name], ended
        allowed = [[0, 0], [0, 1]] if name == "the same add twice" else [[0, 0]]
        assert statuses in allowed, ended
    assert len(set(ports)) == len(ports), profiles
    confs = {path.stem: path.read_bytes() for path in laptop.conf_dir.glob("*.conf")}
    assert confs.keys() == profiles.keys(), ended
    assert not any(is_edited(data) for data in confs.values())
    for profile, port in zip(profiles, ports, strict=True):
        assert f"localforward [127.0.0.1]:{port} " in laptop.ssh_g(f"{profile}-nb")
    assert laptop.config.read_bytes() == include_added(CONFIG)
    assert strays(laptop.home) == []


def drive(name: str, top: Path, rounds: int) -> int:
    laptop, kept = Laptop(top / "h"), top / "kept"
    laptop.home.mkdir(mode=0o700)
    (top / "tmp").mkdir()
    os.environ.update(laptop.environ | {"TMPDIR": str(top / "tmp")})  # what a fork cannot clear away goes with `top`
    tempfile.tempdir = None
    laptop.write()
    answers = laptop.answers(HOSTS)
    # The first profile is there without the Include line, so that both have to put it in.
    _, said = run_here(laptop, "add", "zero", "gate", "--offline", "--token", "--yes", "--port", OTHER_PORT)
    assert "error" not in said, said
    laptop.write()
    (laptop.home / ".local/state/nbssh/included").unlink()
    if name in {"add and remove", "add and apply"}:
        laptop.write(include_added(CONFIG))
    shutil.copytree(laptop.home, kept, symlinks=True)
    for number in range(rounds):
        pair = PAIRS[name] if number % 2 else PAIRS[name][::-1]
        ended = together(laptop, pair)
        look(laptop, name, ended)
        if number % 10 == 0:
            assert laptop.answers(HOSTS) == answers
        shutil.rmtree(laptop.home)
        shutil.copytree(kept, laptop.home, symlinks=True)
    assert tree(kept) == tree(laptop.home)
    return rounds


@pytest.mark.parametrize("name", PAIRS)
def test_two_at_once(name: str, record_property: Callable[[str, object], None]) -> None:
    rounds = ROUNDS if name == "two adds" or "NBSSH_FUZZ_EXAMPLES" in os.environ else 8
    with scratch() as folder:
        done = subprocess.run(
            [sys.executable, __file__, name, folder, str(rounds)],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == rounds
    record_property("figure", ("rounds of two nbssh at once", rounds))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(drive(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
