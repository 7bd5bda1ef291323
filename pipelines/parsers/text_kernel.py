"""The compiled cut of text lines into values at the literals of their format string."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.parsers.scan.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: A line that is cut in the only way there is; one that could be cut in several; one with a byte no line may hold.
#: Any other verdict is the number of the literal that is missing, beginning with 0.
UNIQUE, SEVERAL, CONTROL = -1, -2, -3


@compiled
def _find(data: NDArray[np.uint8], begin: int, end: int, packed: NDArray[np.uint8], first: int, last: int) -> int:
    """Where a literal first stands between `begin` and `end`; -1 where it does not."""
    size = last - first
    for at in range(begin, end - size + 1):
        same = True
        for index in range(size):
            if data[at + index] != packed[first + index]:
                same = False
                break
        if same:
            return at
    return -1


@compiled
def _find_last(data: NDArray[np.uint8], begin: int, end: int, packed: NDArray[np.uint8], first: int, last: int) -> int:
    """Where a literal last stands between `begin` and `end`; -1 where it does not."""
    size = last - first
    for at in range(end - size, begin - 1, -1):
        same = True
        for index in range(size):
            if data[at + index] != packed[first + index]:
                same = False
                break
        if same:
            return at
    return -1


@compiled
def _holds_only(data: NDArray[np.uint8], begin: int, end: int, allowed: NDArray[np.uint8]) -> bool:
    good = True
    for at in range(begin, end):
        good &= allowed[data[at]] != 0
    return good


@compiled
def _cut_early(
    data: NDArray[np.uint8],
    bounds: tuple[int, int],
    packed: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> int:
    """Cut a line where each value ends as early as it can; returns the literal that is missing, or `UNIQUE`."""
    begin, end = bounds
    fields = len(offsets) - 2
    last = end - (offsets[fields + 1] - offsets[fields])
    position = begin + offsets[1]
    if position > end or _find(data, begin, position, packed, offsets[0], offsets[1]) != begin:
        return 0
    if last < position or _find(data, last, end, packed, offsets[fields], offsets[fields + 1]) != last:
        return fields
    for field in range(fields - 1):
        starts[field] = position
        found = _find(data, position, last, packed, offsets[field + 1], offsets[field + 2])
        if found < 0:
            return field + 1
        ends[field] = found
        position = found + offsets[field + 2] - offsets[field + 1]
    starts[fields - 1], ends[fields - 1] = position, last
    return -1


@compiled
def _is_only_cut(
    data: NDArray[np.uint8],
    packed: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> bool:
    """Whether each value, cut from the right, ends as late as it ends early."""
    fields = len(starts)
    position = ends[fields - 1]
    for field in range(fields - 1, 0, -1):
        position = _find_last(data, starts[0], position, packed, offsets[field], offsets[field + 1])
        if position != ends[field - 1]:
            return False
    return True


@compiled
def cut_lines(
    data: NDArray[np.uint8],
    line_starts: NDArray[np.int64],
    line_ends: NDArray[np.int64],
    packed: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    allowed: NDArray[np.uint8],
    value_starts: NDArray[np.int64],
    value_ends: NDArray[np.int64],
    verdicts: NDArray[np.int64],
) -> None:
    """Cut each line at the literals `packed[offsets[i]:offsets[i + 1]]`, and say how that went.

    From the left each value ends as early as it can, from the right as late: where both agree there is no other way.
    `value_starts` and `value_ends` are of shape (values, lines).
    """
    for line in range(len(line_starts)):
        bounds = (line_starts[line], line_ends[line])
        starts, ends = value_starts[:, line], value_ends[:, line]
        if not _holds_only(data, bounds[0], bounds[1], allowed):
            verdicts[line] = CONTROL
            continue
        verdicts[line] = _cut_early(data, bounds, packed, offsets, starts, ends)
        if verdicts[line] == UNIQUE and not _is_only_cut(data, packed, offsets, starts, ends):
            verdicts[line] = SEVERAL
