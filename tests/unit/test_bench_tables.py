"""The tables that `make bench` writes into the documentation."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from bed import REPOSITORY

sys.path.append(str(REPOSITORY / "tests/bench"))
import measure
import tables


def row(title: str, against: str, far: float, value: float, **more: Any) -> tables.Row:  # noqa: ANN401
    plain = {"title": title, "against": against, "round_trip": far, "value": value, "goal": 1.0, "per": 0}
    return {**plain, "met": value <= 1, **more}


ABOUT = {
    "date": "2026-11-26",
    "rounds": "5",
    "cpu": "A  CPU",
    "cores": "2",
    "ssh": "OpenSSH_9.2",
    "key exchange": "x25519",
}
RESULTS = [row(title, against, far, 1.25 + far) for title, against in tables.SHORT for far in (0.0, 0.05)]
RESULTS += [row("apply, each", "1", 0.0, 14.2, per=90, goal=15, met=True)]
DOCUMENT = {"about": ABOUT, "failed": [], "results": RESULTS}


def test_the_whole_table_names_rival_limit_miss_and_machine() -> None:
    lines = tables.whole(DOCUMENT).splitlines()
    assert "| cold start, page | the recipe by hand | 1.25 (missed) | 1.30 (missed) | 1.00 |" in lines
    assert "| apply, each | 1 | 14.2 ms |  | 15 ms |" in lines
    assert lines[-1] == (
        "2026-11-26: far away is 50 ms there and back; the medians of 5 rounds. "
        "A CPU, OpenSSH_9.2, 2 cores, which are both sides at once, key exchange x25519."
    )


def test_the_short_table_has_five_rows_and_no_miss() -> None:
    lines = tables.short(DOCUMENT).splitlines()
    assert len(lines) == 2 + 5
    assert lines[2] == "| the recipe typed by hand | a cold start, until the page answers | 1.25 | 1.30 |"
    assert "missed" not in "".join(lines)


@pytest.mark.parametrize("page", ["README.md", "docs/speed.md"])
def test_only_what_stands_between_the_marks_is_written_again(page: str) -> None:
    text = (REPOSITORY / page).read_text()
    once = tables.rewritten(text, "| new |\n")
    old = text.partition(tables.BEGIN)[2].partition(tables.END)[0]
    assert once.replace("| new |\n", "") == text.replace(old, "")
    assert tables.rewritten(once, "| new |\n") == once


@pytest.mark.parametrize("text", ["", tables.BEGIN, tables.END, 2 * (tables.BEGIN + tables.END)])
def test_a_page_without_the_marks_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not one"):
        tables.rewritten(text, "")


@pytest.mark.not_on_windows("the bench drives terminals")
def test_its_rows_are_those_that_bench_measures() -> None:
    import commands  # noqa: PLC0415  after the path was set
    import sessions  # noqa: PLC0415

    measured = {
        (comparison.title, comparison.against or comparison.rival[0])
        for experiment in (*sessions.experiments(), *commands.experiments())
        for comparison in experiment.comparisons
    }
    assert set(tables.SHORT) <= measured
    assert set(row("", "", 0, 0)) - {"met"} <= set(measure.Result.__dataclass_fields__)
