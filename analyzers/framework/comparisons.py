"""Many comparisons at once: which of them chance does not explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: The share of false ones among what is reported.
FALSE_DISCOVERY_RATE: Final = 0.01


def unlikely(probabilities: Sequence[float] | NDArray[np.float64], rate: float = FALSE_DISCOVERY_RATE) -> list[bool]:
    """Which of these probabilities under chance are too small, `rate` of the reported being false at most.

    Source: Benjamini and Hochberg (1995), "Controlling the false discovery rate", JRSS B 57.
    """
    if len(probabilities) == 0:
        return []
    # It takes a second to load, and most runs have nothing to compare.
    from scipy.stats import false_discovery_control

    given = np.asarray(probabilities, dtype=np.float64)
    adjusted: NDArray[np.float64] = np.asarray(false_discovery_control(given, method="bh"))
    return [bool(value <= rate) for value in adjusted]


def excess_probabilities(
    hits: Sequence[int], trials: Sequence[int], all_hits: Sequence[int], all_trials: Sequence[int]
) -> NDArray[np.float64]:
    """How likely chance gives one part of a whole as many hits or more: Fisher's exact test, one-sided.

    Each part has `hits` of `trials`, the whole it belongs to `all_hits` of `all_trials`.
    """
    if len(hits) == 0:
        return np.empty(0)
    from scipy.stats import hypergeom

    # P(X >= k) of a hypergeometric X.
    found: NDArray[np.float64] = np.asarray(
        hypergeom.sf(np.asarray(hits) - 1, np.asarray(all_trials), np.asarray(all_hits), np.asarray(trials))
    )
    return found


def spread_probability(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """How likely chance spreads counts at least as far from the expected ones: Pearson's chi-square test.

    Parts that are expected to have nothing are left out.
    """
    from scipy.stats import chi2

    asked = expected > 0
    statistic = float(((counts[asked] - expected[asked]) ** 2 / expected[asked]).sum())
    return float(chi2.sf(statistic, max(int(asked.sum()) - 1, 1)))
