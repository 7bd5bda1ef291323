"""What a benchmark reports, and how it is measured: both sides in turn, several times, medians of processor time."""

from __future__ import annotations

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
    process, so that nothing gains by using more of them.
    """
    if runs < 5:
        raise ValueError("a median needs at least 5 runs")
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, run in sides.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}
