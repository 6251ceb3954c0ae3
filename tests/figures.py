"""Prints at the end of a run what tests measured and counted.

Every number that a test gave to `record_property` is added up under its name; a pair under the name `figure`, such as
`("points tried", 90)`, too. Other properties (texts) are left to the JUnit file. `@pytest.mark.figure(NAME)` counts
tests: how many of those with this name held. Tests that were skipped as not applicable are counted for each reason, so
that nobody takes them for those of a missing tool. All travel with the reports, so that pytest-xdist loses none.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

_MARK = "figure"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{_MARK}(name): counted under this name at the end of the run")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers(_MARK):
        item.user_properties.append((_MARK, mark.args[0]))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    lines = dict(_sums(terminalreporter)) | dict(_held(terminalreporter)) | dict(_not_applicable(terminalreporter))
    if lines:
        terminalreporter.section("figures")
        width = max(map(len, lines))
        for name in sorted(lines):
            terminalreporter.write_line(f"{name:<{width}}  {lines[name]}")


def _sums(terminalreporter: TerminalReporter) -> Iterator[tuple[str, str]]:
    sums: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for key, value in report.user_properties:
                    name, number = value if isinstance(value, tuple | list) else (key, value)
                    if isinstance(number, int | float):
                        sums[name] += number
    for name, number in sums.items():
        yield name, f"{number:>10,.10g}"


def _held(terminalreporter: TerminalReporter) -> Iterator[tuple[str, str]]:
    held: dict[str, dict[str, bool]] = defaultdict(dict)
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            for key, value in getattr(report, "user_properties", ()):
                if key == _MARK and isinstance(value, str):
                    # one that passes and cannot be cleaned up has two reports: it did not hold
                    held[value][report.nodeid] = held[value].get(report.nodeid, True) and outcome == "passed"
    for name, tests in held.items():
        yield name, f"{sum(tests.values()):>10} of {len(tests)}"


def _not_applicable(terminalreporter: TerminalReporter) -> Iterator[tuple[str, str]]:
    reasons = (str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    counted = Counter(found[0] for reason in reasons if (found := re.search(r"not applicable: [^\n]*[^\n')]", reason)))
    for reason, number in counted.items():
        yield reason, f"{number:>10}"
