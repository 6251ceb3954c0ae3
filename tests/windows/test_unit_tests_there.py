"""The unit tests, under a real Python for Windows: whole, but for what is marked as not applicable, by name."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from bed import REPOSITORY
from build import PYTHONS
from laptop import laptop

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_APPLICABLE = "not on Windows: "
OPTIONS = ["-p", "no:cacheprovider", "-p", "no:xdist"]


@pytest.mark.parametrize("python", PYTHONS)
def test_they_pass(python: str, record_property: Callable[[str, object], None]) -> None:
    with laptop(python) as made:
        done = made.run(
            "python", "-m", "pytest", "-q", *OPTIONS, "--junitxml=C:\\unit.xml", "tests/unit",
            cwd=REPOSITORY, timeout=600,
            # each call of ssh goes over the bridge
            NBSSH_FUZZ_EXAMPLES="10", HYPOTHESIS_STORAGE_DIRECTORY="C:\\hypothesis",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-20000:] + done.stderr
        cases = ET.parse(made.folder / "unit.xml").getroot().findall(".//testcase")  # noqa: S314  our own
    skipped = [
        (case.get("name"), case.find("skipped").get("message", ""))
        for case in cases
        if case.find("skipped") is not None
    ]
    assert [pair for pair in skipped if not pair[1].startswith(NOT_APPLICABLE)] == []
    assert len(cases) > 700
    record_property("figure", (f"unit tests held on Windows, Python {python}", len(cases) - len(skipped)))
    record_property("figure", (f"not applicable on Windows, Python {python}", len(skipped)))
