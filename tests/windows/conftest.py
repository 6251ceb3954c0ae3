"""What runs under a real Python for Windows is run by `make test-windows` alone; a few of it in CI, too.

NBSSH_WINDOWS says what of it: `all`, or `few`, which is what is marked so: every kind once, at the least cost, most of
which is what nbssh imports.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ELSEWHERE = "not applicable: under Windows' own Python, by make test-windows"

HERE = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "few: runs in CI under Windows' own Python, too")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = os.environ.get("NBSSH_WINDOWS")
    for item in items:
        if item.path.parent != HERE or not item.path.name.endswith("_there.py") or wanted == "all":
            continue
        if wanted != "few" or not item.get_closest_marker("few"):
            item.add_marker(pytest.mark.skip(reason=ELSEWHERE))
