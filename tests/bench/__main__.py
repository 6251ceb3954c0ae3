"""`make bench`: nbssh beside what a user would take instead, and beside ssh itself, which nothing can beat.

A table on stdout and everything measured in bench.json, both row by row. ROUNDS: how many rounds count; BENCH: which
experiments, `all` for everything, otherwise what a user feels. After everything the tables of README.md and
docs/speed.md are written.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the test bed
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "batch"))  # and the cluster
sys.path.insert(2, str(Path(__file__).resolve().parent.parent / "e2e"))  # and the browser

import batch
import commands
import far
import pages
import phases
import pytest
import sessions
import tables
from bed import REPOSITORY
from measure import HEAD, Experiment, Result, measure
from stage import Stage, stage, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

FAR = 0.050  # seconds to a server in another country and back
KEYS = ("phases", "cold", "cold-plain", "attach", "second", "kill", "download", "tab", "version", "list", "ssh-G",
        "apply", "hosts", "add", "page", "job", "submit")  # fmt: skip
FELT = ("cold", "attach", "second", "kill", "tab", "version", "list")
BATCH = ("job", "submit")  # on a cluster, far away


def tell(text: str) -> None:
    """Say on stderr what goes on; on a terminal in place."""
    sys.stderr.write(f"\r\033[Kbench: {text}" if sys.stderr.isatty() else f"bench: {text}\n")
    sys.stderr.flush()


WIDTHS = (42, 6, 9, 9, 32, 9, 11, 0)


class Report:
    """What was measured so far: each row is printed, and the file written again, as soon as it is there."""

    def __init__(self, rounds: int) -> None:
        self._path = REPOSITORY / "bench.json"
        self._about = {"date": datetime.now(UTC).date().isoformat(), "rounds": str(rounds), **versions()}
        self._results: list[Result] = []
        self._phases: dict[str, Any] = {}
        self.failed: list[str] = []
        self._print(HEAD)

    def add(self, results: list[Result]) -> None:
        """Take the rows of one experiment."""
        for result in results:
            self._results.append(result)
            self._print(result.shown())
        self._write()

    def add_phases(self, phases: dict[str, Any]) -> None:
        """Take where the time goes."""
        self._phases = phases
        self._write()

    def fail(self, what: str, error: Exception) -> None:
        """Take what could not be measured, and why."""
        self.failed.append(f"{what}: {error}")
        self._print((f"not measured: {self.failed[-1]}",))
        self._write()

    def _print(self, cells: Sequence[str]) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        sys.stdout.write(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=False)).rstrip() + "\n"
        )
        sys.stdout.flush()

    @property
    def document(self) -> dict[str, Any]:
        """All that bench.json holds."""
        return {
            "about": self._about,
            "failed": self.failed,
            "phases": self._phases,
            "results": [dataclasses.asdict(result) | {"met": result.met} for result in self._results],
        }

    def _write(self) -> None:
        self._path.write_text(json.dumps(self.document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def run_alone(wanted: list[str], rounds: int, report: Report) -> None:
    """Measure what is wanted of a lone server, near and far."""
    for round_trip in (0.0, *([FAR] if far.is_possible() else [])):
        with stage(round_trip) as made:
            if "phases" in wanted and not round_trip:
                tell("phases")
                report.add_phases(phases.phases(made))
            for experiment in (*sessions.experiments(), *commands.experiments(), *pages.experiments()):
                if experiment.key in wanted and (experiment.far or not round_trip):
                    try_one(experiment, made, rounds, round_trip, report)


def run_batch(wanted: list[str], rounds: int, report: Report) -> None:
    """Measure what is wanted of batch jobs; where no cluster can be made, the others stand."""
    try:
        with batch.stage(FAR) as made:
            for experiment in batch.experiments():
                if experiment.key in wanted:
                    try_one(experiment, made, rounds, FAR, report)
    except (AssertionError, pytest.fail.Exception, pytest.skip.Exception) as error:
        report.fail("batch jobs", error)


def try_one(experiment: Experiment, made: Stage | batch.Batch, rounds: int, round_trip: float, report: Report) -> None:
    """Measure one experiment; one that cannot be measured keeps no other from it."""
    try:
        if experiment.before:
            experiment.before(made)
        report.add(measure(experiment, made, rounds, round_trip, tell))
    except (RuntimeError, OSError) as error:
        report.fail(f"{experiment.key}, {round_trip * 1000:.0f} ms away", error)
    finally:
        made.nothing_runs()
        if experiment.after:
            experiment.after(made)


def main() -> int:
    """Measure, print, write; 1 if something could not be measured. A missed goal is a result, not a failure."""
    wanted = os.environ.get("BENCH", "").split() or list(FELT)
    if wanted == ["all"]:
        wanted = list(KEYS)
    unknown = sorted(set(wanted) - set(KEYS))
    if unknown:
        sys.stderr.write(f"bench: no such experiment: {' '.join(unknown)}; there are: {' '.join(KEYS)}, all\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was set up is cleared then too
    rounds = int(os.environ.get("ROUNDS", "5"))
    report = Report(rounds)
    if set(wanted) - set(BATCH):
        run_alone(wanted, rounds, report)
    if set(wanted) & set(BATCH):
        run_batch(wanted, rounds, report)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stderr.write(f"bench: {REPOSITORY / 'bench.json'}\n")
    if set(wanted) == set(KEYS) and not report.failed:
        tables.write(report.document)
        sys.stderr.write("bench: docs/speed.md and README.md\n")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
