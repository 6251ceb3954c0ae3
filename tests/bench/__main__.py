"""`make bench`: nbssh beside what a user would take instead, and beside ssh itself, which nothing can beat.

A table on stdout, everything measured in bench.json. ROUNDS: how many rounds count; BENCH: which experiments.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the test bed

import commands
import far
import phases
import sessions
from bed import REPOSITORY
from measure import HEAD, Result, measure
from stage import stage, versions

from nbssh.adapters.ui import columns

FAR = 0.050  # seconds to a server in another country and back
KEYS = ("cold", "cold-plain", "attach", "second", "kill", "download", "tab", "version", "list", "ssh-G", "apply",
        "hosts", "add")  # fmt: skip


def tell(text: str) -> None:
    """Say on stderr what goes on; on a terminal in place."""
    sys.stderr.write(f"\r\033[Kbench: {text}" if sys.stderr.isatty() else f"bench: {text}\n")
    sys.stderr.flush()


def run(wanted: list[str], rounds: int) -> tuple[list[Result], list[str]]:
    """Return what was measured and what could not be."""
    results: list[Result] = []
    failed: list[str] = []
    for round_trip in (0.0, *([FAR] if far.is_possible() else [])):
        with stage(round_trip) as made:
            for experiment in (*sessions.experiments(), *commands.experiments()):
                if experiment.key not in wanted or (round_trip and not experiment.far):
                    continue
                try:
                    if experiment.before:
                        experiment.before(made)
                    results += measure(experiment, made, rounds, round_trip, tell)
                except (RuntimeError, OSError) as error:
                    failed.append(f"{experiment.key}, {round_trip * 1000:.0f} ms away: {error}")
                    tell(f"{failed[-1]}\n")
                finally:
                    made.nothing_runs()
                    if experiment.after:
                        experiment.after(made)
    return results, failed


def main() -> int:
    """Measure, print, write; 1 if something could not be measured. A missed goal is a result, not a failure."""
    wanted = os.environ.get("BENCH", "").split() or list(KEYS)
    unknown = sorted(set(wanted) - {*KEYS, "phases"})
    if unknown:
        sys.stderr.write(f"bench: no such experiment: {' '.join(unknown)}; there are: {' '.join(KEYS)} phases\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was set up is cleared then too
    rounds = int(os.environ.get("ROUNDS", "7"))
    about = {"date": datetime.now(UTC).date().isoformat(), "rounds": str(rounds), **versions()}
    results, failed = run(wanted, rounds)
    found = {}
    if "phases" in wanted or not os.environ.get("BENCH"):
        tell("phases")
        with stage(0.0) as made:
            found = phases.phases(made)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    sys.stdout.write(columns([HEAD, *(result.shown() for result in results)]) + "\n")
    sys.stdout.write("".join(f"not measured: {text}\n" for text in failed))
    document = {
        "about": about,
        "failed": failed,
        "phases": found,
        "results": [dataclasses.asdict(result) | {"met": result.met} for result in results],
    }
    path = REPOSITORY / "bench.json"
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stderr.write(f"bench: {path}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
