"""The linters have nothing to say of any script that is rendered for a profile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bed import needs

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
SCRIPTS = [
    str(path.relative_to(GOLDEN))
    for path in sorted(GOLDEN.rglob("*"))
    if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")
]


def test_there_are_scripts() -> None:
    assert "open" in SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_and_shfmt_have_nothing_to_say(name: str) -> None:
    needs("shellcheck", "shfmt")
    for command in (["shellcheck", "-s", "sh"], ["shfmt", "-i", "4", "-ln", "posix", "-d"]):
        done = subprocess.run([*command, str(GOLDEN / name)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")
