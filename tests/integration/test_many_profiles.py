"""Many profiles: ssh is not asked for each of them to read the files of all, and says the same.

ssh runs through a script that writes down what it was asked; nobody is contacted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "c")
SPY = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$HOME/asked"
exec ssh "$@"
"""
AROUND = "Host a-nb\n    ControlPath /elsewhere\n    LogLevel DEBUG\n"


@dataclass(frozen=True)
class Laptop:
    """A home with three profiles of one destination."""

    home: Path

    @property
    def config(self) -> Path:
        """The user's ssh_config."""
        return self.home / ".ssh/config"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        ssh = f"sh {self.home}/spy -F {self.config}"
        env = {"HOME": str(self.home), "PATH": os.environ["PATH"], "NBSSH_SSH_COMMAND": ssh}
        return subprocess.run(
            [sys.executable, "-m", "nbssh", *words], env=env, capture_output=True, text=True, check=False
        )

    def asked_of_all(self) -> list[str]:
        """Return the aliases for which ssh read the user's own config, since the last call."""
        file = self.home / "asked"
        calls = [line.split() for line in file.read_text().splitlines()]
        file.unlink()
        return sorted(call[-1] for call in calls if call[:3] == ["-F", str(self.config), "-G"] and call[-1] != "box")

    def examined(self, *names: str) -> list[dict[str, Any]]:
        """Return what doctor finds out about the aliases of the profiles."""
        found: list[dict[str, Any]] = json.loads(self.run("doctor", "--offline", "--json", *names).stdout)["checks"]
        return [check for check in found if check["check"] in {"alias", "files here"}]


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path)
    laptop.config.parent.mkdir(mode=0o700)
    laptop.config.write_text("Host box\n    HostName 127.0.0.1\n    Compression yes\n")
    (tmp_path / "spy").write_text(SPY)
    for number, name in enumerate(NAMES):
        done = laptop.run("add", name, "box", "--offline", "--token", "--yes", "--port", str(21000 + number))
        assert done.returncode == 0, done.stderr
    (tmp_path / "asked").unlink()
    return laptop


def test_one_question_is_enough_for_all_files(laptop: Laptop) -> None:
    together = laptop.examined()
    assert laptop.asked_of_all() == ["localhost"]
    apart = [check for name in NAMES for check in laptop.examined(name)]
    assert laptop.asked_of_all() == ["a-nb", "b-nb", "c-nb"]
    assert together == apart
    assert {check["level"] for check in together} == {"ok"}


def edited(laptop: Laptop) -> None:
    file = laptop.home / ".ssh/nbssh.d/b.conf"
    file.write_text(file.read_text() + "Host *-nb\n    LogLevel DEBUG\n")


def included_below(laptop: Laptop) -> None:
    laptop.config.write_text(f"Host x\n    User x\n{laptop.config.read_text()}")


def said_above(laptop: Laptop) -> None:
    laptop.config.write_text(f"Match originalhost a-nb\n    LogLevel DEBUG\nMatch all\n{laptop.config.read_text()}")


@pytest.mark.parametrize("change", [edited, included_below, said_above])
def test_where_the_files_could_matter_ssh_reads_them(laptop: Laptop, change: Any) -> None:  # noqa: ANN401
    change(laptop)
    together = laptop.examined()
    assert set(laptop.asked_of_all()) - {"localhost"} == {"a-nb", "b-nb", "c-nb"}
    assert together == [check for name in NAMES for check in laptop.examined(name)]


def test_her_own_block_is_found_among_many(laptop: Laptop) -> None:
    laptop.config.write_text(laptop.config.read_text() + AROUND)
    together = laptop.examined()
    assert together == [check for name in NAMES for check in laptop.examined(name)]
    assert any("a-nb" in check["message"] and check["level"] != "ok" for check in together)
