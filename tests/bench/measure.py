"""Contenders run in turn, A B A B, and the medians of what they took compared. Starts nothing and prints nothing."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch import Batch
    from stage import Stage

Contender = Callable[[Any], dict[str, float]]
"""Takes the stage, a `stage.Stage` or a `batch.Batch`; prepares what it needs, runs the real thing once, and returns
the seconds of each metric."""


@dataclass(frozen=True)
class Comparison:
    """One line of the table: `ours` against `rival`, each (contender, metric).

    `goal` is for the ratio of the medians; with `per`, for the milliseconds that ours takes longer for each of so
    many things. `far_goal`: where the host is far, if that is another. `sums`: a second (contender, metric) that is
    added to the rival.
    """

    title: str
    ours: tuple[str, str]
    rival: tuple[str, str]
    goal: float
    per: int = 0
    sums: tuple[str, str] | None = None
    against: str = ""
    far_goal: float = 0


@dataclass(frozen=True)
class Experiment:
    """What is measured in one go: its contenders take turns, then its comparisons are made.

    `far`: a longer way to the server matters to it. `before` and `after` run once.
    """

    key: str
    contenders: dict[str, Contender]
    comparisons: tuple[Comparison, ...]
    far: bool = True
    before: Callable[[Any], object] | None = None
    after: Callable[[Any], object] | None = None


@dataclass
class Result:
    """One line of the table, measured."""

    title: str
    against: str
    round_trip: float
    ours: float
    rival: float
    value: float
    goal: float
    per: int
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Tell whether the goal is reached."""
        return self.value <= self.goal

    def shown(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        unit = " ms" if self.per else ""
        value, goal = f"{self.value:.1f}{unit}" if self.per else f"{self.value:.3f}", f"{self.goal:.4g}{unit}"
        missed = (
            f"missed by {self.value - self.goal:.1f} ms" if self.per else f"missed by {self.value / self.goal - 1:.0%}"
        )
        return (
            self.title,
            f"{self.round_trip * 1000:.0f} ms",
            seconds(self.ours),
            seconds(self.rival),
            self.against,
            value,
            f"<= {goal}",
            "met" if self.met else missed,
        )


HEAD = ("what", "away", "ours", "theirs", "against", "ratio", "goal", "")


def seconds(value: float) -> str:
    """Return a time as people read it."""
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def measure(
    experiment: Experiment, stage: Stage | Batch, rounds: int, round_trip: float, tell: Callable[[str], None]
) -> list[Result]:
    """Run the experiment: one round that does not count, for the caches, then `rounds` that do."""
    samples: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds + 1):
        tell(f"{experiment.key}: round {number} of {rounds}")
        for name, contender in experiment.contenders.items():
            for metric, value in contender(stage).items():
                if number:
                    samples.setdefault((name, metric), []).append(value)
    return [_compared(comparison, samples, round_trip) for comparison in experiment.comparisons]


def _compared(comparison: Comparison, samples: dict[tuple[str, str], list[float]], round_trip: float) -> Result:
    ours, rival = (statistics.median(samples[key]) for key in (comparison.ours, comparison.rival))
    if comparison.sums:
        rival += statistics.median(samples[comparison.sums])
    value = (ours - rival) * 1000 / comparison.per if comparison.per else ours / rival
    used = [comparison.ours, comparison.rival, *([comparison.sums] if comparison.sums else [])]
    return Result(
        title=comparison.title,
        against=comparison.against or comparison.rival[0],
        round_trip=round_trip,
        ours=ours,
        rival=rival,
        value=value,
        goal=(round_trip and comparison.far_goal) or comparison.goal,
        per=comparison.per,
        samples={f"{name}: {metric}": samples[name, metric] for name, metric in used},
    )
