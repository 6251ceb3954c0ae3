"""Whoever knows no scheduler and no Windows can read the whole base: what it still names of them is listed here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbssh.core.ssh.destination import QUIET

REPOSITORY = Path(__file__).resolve().parents[2]
# BatchMode is a word of ssh
WORDS = {
    "batch": r"slurm|gridengine|\bpbs\b|\blsf\b|\bflux\b|\boar\b|\bpjm\b|scheduler|\bbatch\b|sbatch|qsub|bsub",
    "windows": r"windows|\bwsl|win32|powershell|pwsh|\.ps1|icacls",
}
# file -> (how many of its lines may, and why)
ALLOWED = {
    "batch": {
        "nbssh/core/profile/options.py": (6, "the options --scheduler and --job-option"),
        "nbssh/core/profile/scheduler.py": (4, "what they declare in the profile"),
        "nbssh/core/profile/profile.py": (
            8,
            "a field of the profile, which counts for its fingerprint and forbids others",
        ),
        "templates/profile.schema.json": (13, "made of the two above"),
        "templates/man/nbssh.1": (1, "the manual tells of NAME-node"),
        "templates/man/nbssh-profile.5": (2, "and shows that table"),
        "nbssh/wings.py": (3, "the registry"),
        "templates/server/profile.sh": (2, "the lines of a profile's file that are the wing's to understand"),
        "templates/server/serve": (1, "shellcheck is told where the wing's part is"),
        "templates/server/kill": (1, "the same"),
        "templates/server/status": (1, "the same"),
        "templates/server/launch": (1, "the same"),
    },
    "windows": {
        "nbssh/adapters/laptop/this_system.py": (6, "the registry"),
        "nbssh/__main__.py": (3, "the console is prepared before anything else is imported"),
        "nbssh/core/files/quoting.py": (6, "the quoting of all languages is proved in one place"),
        "nbssh/cli/completions.py": (1, "PowerShell is a shell of every system"),
        "nbssh/commands/completions.py": (3, "the same"),
        "templates/completions/nbssh.ps1": (6, "the same"),
        "templates/ssh/browser.sh": (7, "a browser beside a WSL is on the Windows side"),
    },
}


def named(wing: str) -> dict[str, list[str]]:
    """Return file -> its lines that name something of `wing`, outside of it."""
    found = {}
    for folder in ("nbssh", "templates"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            name = str(path.relative_to(REPOSITORY))
            if not path.is_file() or "__pycache__" in name or f"/{wing}/" in name:
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            if mine := [line for line in lines if re.search(WORDS[wing], line, re.IGNORECASE)]:
                found[name] = mine
    return found


@pytest.mark.parametrize("wing", ["batch", "windows"])
def test_the_base_names_nothing_of_a_wing(wing: str) -> None:
    strange = {
        name: lines for name, lines in named(wing).items() if len(lines) > ALLOWED[wing].get(name, (0, ""))[0]
    }  # fmt: skip
    assert strange == {}


@pytest.mark.parametrize("wing", ["batch", "windows"])
def test_nothing_is_allowed_that_is_not_needed(wing: str) -> None:
    assert ALLOWED[wing].keys() == named(wing).keys()


@pytest.mark.parametrize("opener", ["ssh/open", "windows/open.cmd"])
def test_an_opener_inherits_as_little_as_our_own_calls(opener: str) -> None:
    text = (REPOSITORY / "templates" / opener).read_text(encoding="utf-8")
    assert [option for option in QUIET if option.removeprefix("-o") not in text] == []
