"""Confidence bounds for shares."""

from __future__ import annotations

from math import sqrt
from typing import Final

#: The two-sided 95 % quantile of the normal distribution.
Z_95: Final = 1.959963984540054


def wilson_bounds(hits: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Lower and upper bound of the share `hits / trials` (Wilson score interval, E. B. Wilson, JASA 22, 1927).

    No trials say nothing: the bounds are 0 and 1.
    """
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    centre = share + z * z / (2 * trials)
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
