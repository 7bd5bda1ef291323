"""What a benchmark reports, and how it is measured: both sides in turn, several times, medians of processor time."""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison.

    `compared` reads "X against Y"; `ratio` is how many times faster X is; `goal` the least it has to be; `medians` the
    raw medians behind it, their units in their names.
    """

    name: str
    compared: str
    ratio: float
    goal: float
    medians: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether the goal is met."""
        return self.ratio >= self.goal


def median_seconds(sides: Mapping[str, Callable[[], object]], runs: int = 5) -> dict[str, float]:
    """The median processor time of each side in seconds, over `runs` (at least 5) rounds in which each runs once.

    Taking turns spreads what else the machine does evenly over the sides. Processor time counts every thread of the
    process and every process that it started and waited for, so that nothing gains by using more of them.
    """
    return _medians(sides, runs, _processor_seconds)


def median_wall_seconds(sides: Mapping[str, Callable[[], object]], runs: int = 5) -> dict[str, float]:
    """As `median_seconds`, but the time that passes: for what is about waiting less, not about working less."""
    return _medians(sides, runs, time.perf_counter)


def _medians(sides: Mapping[str, Callable[[], object]], runs: int, clock: Callable[[], float]) -> dict[str, float]:
    if runs < 5:
        raise ValueError("a median needs at least 5 runs")
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, run in sides.items():
            begin = clock()
            run()
            seconds[name].append(clock() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _processor_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
