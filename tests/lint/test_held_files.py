"""Files that a virus scanner or another program holds are waited for: commands remove none behind the system's back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent.parent / "nbssh"
PATIENT = "nbssh.adapters.files.tidy.remove"


@pytest.mark.parametrize(
    "path",
    sorted(each for room in ("commands", "steps") for each in (PACKAGE / room).rglob("*.py")),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_commands_remove_files_patiently(path: Path) -> None:
    found = re.findall(r"\.unlink\(|\brmtree\(|\bos\.remove\(", path.read_text(encoding="utf-8"))
    assert found == [], f"take {PATIENT}"
