"""How often a dependency was called, and so how likely one like it was missed altogether.

The window is cut into 64 equal slices. A dependency that was called in n of them and comes at random times (a Poisson
process) is missed by a whole window of that length with probability e^-n. Those called in one slice only also say how
many were never seen: Chao's lower bound f1 (f1 - 1) / (2 (f2 + 1)), with f1 and f2 the numbers of dependencies called
in one and in two slices (Chao, A. (1984), "Nonparametric estimation of the number of classes in a population").
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from analyzers.scoping.coverage import duration
from analyzers.scoping.model import HostDecision, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SLICES: Final = 64
#: A dependency seen in this many slices or fewer is rare.
RARE_SLICES: Final = 2
#: Below this length of a window nothing is said about rareness: a minute's log has no month's end.
JUDGED_WINDOW: Final = timedelta(hours=24)
#: Gaps that differ by no more than this share of their mean are a schedule.
_REGULAR: Final = 0.2
_PERIODS: Final = 3

Pattern = Literal["steady", "periodic", "rare", "new", "vanishing", "irregular"]


@dataclass(frozen=True, slots=True)
class Frequency:
    """What the slices of one dependency say; lengths in seconds.

    `missed_probability`: that a window as long as this one would show none of its calls. `longest_gap_s` lies between
    two calls or, where there is one slice only, before or after it. `keep_for_s`: how long it should stay imported
    after its last call: twice its longest gap, and at least a window.
    """

    slices: int
    pattern: Pattern
    missed_probability: float
    longest_gap_s: float
    silent_s: float
    keep_for_s: float


def frequency(slices: Iterable[int], window_s: float) -> Frequency | None:
    """The frequency of a dependency called in these slices of a window; null where the slices are not known."""
    called = sorted(set(slices))
    if not called or window_s <= 0:
        return None
    width = window_s / SLICES
    gaps = [later - earlier for earlier, later in pairwise(called)]
    silent = SLICES - 1 - called[-1]
    longest = max(gaps, default=max(called[0], silent)) * width
    return Frequency(
        slices=len(called),
        pattern=_pattern(called, gaps, silent),
        missed_probability=math.exp(-len(called)),
        longest_gap_s=longest,
        silent_s=silent * width,
        keep_for_s=max(2 * longest, window_s),
    )


def unseen(decisions: Iterable[HostDecision]) -> float:
    """How many dependencies the window is likely to have missed, at least."""
    seen = Counter(len(set(decision.slices)) for decision in decisions if decision.slices)
    return seen[1] * (seen[1] - 1) / (2 * (seen[2] + 1))


def judge(decisions: Iterable[HostDecision], window: timedelta | None) -> Iterator[Reason]:
    """A reason for each dependency that was called rarely, and for those that were probably never seen."""
    if window is None or window < JUDGED_WINDOW:
        return
    called = [decision for decision in decisions if decision.calls and decision.role not in {"inferred", "base"}]
    for decision in called:
        found = frequency(decision.slices, window.total_seconds())
        if found is None:
            continue
        if found.slices <= RARE_SLICES and found.pattern != "new":
            missed = f"a window like this one misses such a dependency with {found.missed_probability:.0%}"
            keep = f"keep it for {duration(timedelta(seconds=found.keep_for_s))} after its last call"
            yield Reason("EMIT_REVIEW", f"{decision.host} was called rarely: {missed}; {keep}", "RARE_DEP")
    likely = unseen(called)
    if likely >= 1:
        message = f"so many dependencies were called once only that about {likely:.0f} more were probably never seen"
        yield Reason("EMIT_REVIEW", message, "RARE_DEP")


def _pattern(called: list[int], gaps: list[int], silent: int) -> Pattern:
    if called[0] >= SLICES * 3 // 4:
        return "new"
    longest = max(gaps, default=0)
    if len(called) > RARE_SLICES and silent > max(3 * longest, SLICES // 4):
        return "vanishing"
    if len(called) <= RARE_SLICES:
        return "rare"
    if len(called) >= SLICES // 2:
        return "steady"
    mean = sum(gaps) / len(gaps)
    if len(gaps) >= _PERIODS and all(abs(gap - mean) <= max(1, _REGULAR * mean) for gap in gaps):
        return "periodic"
    return "irregular"
