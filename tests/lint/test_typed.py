"""No line that README.md and docs/ tell a reader to type is left out by the tests that type them."""

from __future__ import annotations

import re

import pytest
from typed import (
    ADDING,
    APPS,
    BLOCKS,
    CENTRES,
    EDITORS,
    ELSEWHERE,
    EVERYDAY,
    NAMED,
    NOT_HERE,
    PAPERS,
    REPOSITORY,
    SLURM,
    TYPED,
)  # fmt: skip

TABLES = [ADDING, EVERYDAY, EDITORS, APPS, SLURM, set(CENTRES.values()), set(ELSEWHERE), NAMED, set(NOT_HERE)]


def test_every_line_is_typed_by_a_test_or_stands_with_a_reason() -> None:
    known = set().union(*TABLES)
    assert sorted(set(TYPED) - known) == [], "new in the papers: have it typed, or say in tests/typed.py why not"
    assert sorted(known - set(TYPED)) == [], "no longer in the papers: take it out of tests/typed.py"


def test_each_line_is_in_one_table() -> None:
    assert sum(map(len, TABLES)) == len(set().union(*TABLES))


@pytest.mark.parametrize("line", ELSEWHERE)
def test_what_is_typed_elsewhere_stands_there(line: str) -> None:
    file, text = ELSEWHERE[line]
    assert text in " ".join((REPOSITORY / file).read_text(encoding="utf-8").split())


def test_every_other_block_is_read_by_a_test() -> None:
    found = {language for text in PAPERS.values() for language in re.findall(r"^```(\w+)$", text, re.MULTILINE)}
    assert found - {"console", "sh", "text"} == set(BLOCKS)
    for language, file in BLOCKS.items():
        assert not file or f"```{language}" in (REPOSITORY / file).read_text(encoding="utf-8")
