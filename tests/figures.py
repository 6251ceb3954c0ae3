"""Figures at the end of a test run: how much was tried, and how much of it held.

`@pytest.mark.figure("accidents survived")` counts a test, or each of its parameters, as one more tried and, if it
passes, as one that held. A test that tries many things at once says so: `record_property("figure", ("points tried", 90))`
adds to a plain sum. Both travel with the reports, so that they add up over the workers of pytest-xdist.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "figure(name): counted under this name at the end of the run")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("figure"):
        item.user_properties.append(("figure", mark.args[0]))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    tried: Counter[str] = Counter()
    held: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            # an error in teardown is the test's second report: it was counted as tried, and as held
            for key, value in getattr(report, "user_properties", ()):
                if key != "figure":
                    continue
                if not isinstance(value, str):
                    if report.when == "call":
                        sums[value[0]] += value[1]
                elif report.when == "teardown":
                    held[value] -= 1
                else:
                    tried[value] += 1
                    held[value] += outcome == "passed"
    if tried or sums:
        terminalreporter.section("figures")
    for name in sorted(tried):
        terminalreporter.write_line(f"{name}: {held[name]} of {tried[name]}")
    for name in sorted(sums):
        terminalreporter.write_line(f"{name}: {sums[name]}")
