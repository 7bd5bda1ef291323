"""A mergeable log histogram of durations, relative error at most 1 %.

After DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): bucket `i >= 1` holds the values in `(GAMMA**(i-2), GAMMA**(i-1)]` and answers with the
bucket's relative midpoint, so that any quantile is within `RELATIVE_ACCURACY` of the exact one. Bucket 0 holds 0 ms
exactly. Histograms of the same `GAMMA` merge by adding counts, in any order. `sql/macros/histogram_*.sql` is the same
mathematics for DuckDB.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

RELATIVE_ACCURACY: Final = 0.01
GAMMA: Final = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
_LOG_GAMMA: Final = float(np.log(GAMMA))


def bucket_index(duration_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """The bucket of each duration in whole milliseconds; zero and (never printed by Envoy) negative go to bucket 0."""
    positive = np.maximum(duration_ms, 1).astype(np.float64)
    index = np.ceil(np.log(positive) / _LOG_GAMMA).astype(np.int32) + 1
    return np.where(duration_ms > 0, index, 0).astype(np.int32)


def bucket_value(index: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """The duration in milliseconds that stands for each bucket: within 1 % of everything the bucket holds."""
    midpoint = 2 * np.power(GAMMA, index.astype(np.float64) - 1) / (GAMMA + 1)
    return np.where(index > 0, midpoint, 0.0)
