"""What runs under a real Python for Windows is run by `make test-windows` alone, and says so everywhere else."""

from __future__ import annotations

import os

import pytest

ELSEWHERE = "not applicable: under Windows' own Python, by make test-windows"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("NBSSH_WINDOWS"):
        return
    for item in items:
        if item.path.name.endswith("_there.py"):
            item.add_marker(pytest.mark.skip(reason=ELSEWHERE))
