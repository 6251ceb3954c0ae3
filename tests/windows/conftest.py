"""What runs under a real Python for Windows is run by `make test-windows` alone, and says so everywhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ELSEWHERE = "not applicable: under Windows' own Python, by make test-windows"

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("NBSSH_WINDOWS"):
        return
    for item in items:
        if item.path.parent == HERE and item.path.name.endswith("_there.py"):
            item.add_marker(pytest.mark.skip(reason=ELSEWHERE))
