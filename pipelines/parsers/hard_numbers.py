"""Numbers whose double takes more than one exact operation: many digits, or large exponents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.lines import slices

if TYPE_CHECKING:
    from numpy.typing import NDArray


def doubles(text: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The correctly rounded double of each number `text[start:end]`, places ascending; past the largest, infinity."""
    if not len(starts):
        return np.empty(0)
    try:
        # Arrow reads as exactly as Python, and a whole column at once; but no sign in front and nothing past a double.
        found: NDArray[np.float64] = pc.cast(
            slices(pa.py_buffer(text), starts, ends, pa.string()), pa.float64()
        ).to_numpy()
    except pa.ArrowInvalid:
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return np.array([float(text[start:end]) for start, end in pairs])
    return found
