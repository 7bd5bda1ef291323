"""Which quotes of a text line are the format's own, for lines whose values hold quotes too.

Envoy escapes nothing, so a user agent may hold quotes. The format has 14 of its own (16 before Istio 1.9). A line of
exactly 14 can be read in one way only. In a longer one two places are unmistakable: the status between the request
and the transport failure (` 200 - via_upstream - `) and the four numbers after it (` 0 202 7 6 `). Each must occur
exactly once between two neighbouring quotes, or the line is not read: two records run together have two of each. The
rest follows from both ends: an authority and an upstream host hold no quote. Where user agent and request id could
be split in several ways the user agent gets the most, since it is the client's free text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers import access_log_patterns as fields
from pipelines.parsers.lines import Lines, as_mask, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: How many quotes Istio's default format itself has.
QUOTES = 14

STATUS = rf" {fields.RESPONSE_CODE} {fields.RESPONSE_FLAGS}(?: {fields.WORD}){{0,2}} "
NUMBERS = rf" {fields.COUNT} {fields.COUNT} {fields.COUNT_OR_DASH} {fields.COUNT_OR_DASH} "

# A status of code and flags only is the format before Istio 1.9, which goes on with a quoted Mixer status.
_SPACES_BEFORE_1_9 = 3
_SPACES_OF_NUMBERS = 5

_QUOTE = 34
_SPACE = 32


@dataclass(frozen=True, slots=True)
class Marks:
    """Where quotes and spaces are in a block of lines.

    `positions` are those of all quotes and spaces, ascending; `quotes` says which of `positions` are quotes; the
    quotes of line i are `quotes[first[i]:last[i]]`.
    """

    positions: NDArray[np.int64]
    quotes: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """Quotes per line."""
        return self.last - self.first

    def leading(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first 14 quotes of each chosen line, as indices into `positions`: shape (14, lines)."""
        leading: NDArray[np.int64] = self.quotes[self.first[chosen] + np.arange(QUOTES)[:, np.newaxis]]
        return leading


def find_marks(lines: Lines) -> Marks:
    """Finds every quote and space of the block."""
    values = lines.bytes_array()
    positions = np.flatnonzero((values == _QUOTE) | (values == _SPACE))
    quotes = np.flatnonzero(values[positions] == _QUOTE)
    at = positions[quotes]
    return Marks(positions, quotes, np.searchsorted(at, lines.starts), np.searchsorted(at, lines.ends))


@dataclass(frozen=True, slots=True)
class Resolved:
    """The outcome for lines of more than 14 quotes.

    `quotes` (shape (14, lines), indices into `Marks.positions`) are the format's own where `found`; `repeated` marks
    lines where the status or the numbers occur more than once.
    """

    found: NDArray[np.bool_]
    repeated: NDArray[np.bool_]
    quotes: NDArray[np.int64]


def resolve_quotes(lines: Lines, marks: Marks, chosen: NDArray[np.int64]) -> Resolved:
    """Finds the format's own quotes in the chosen lines (ascending indices, each of more than 14 quotes)."""
    pairs, line_of = _neighbours(marks, chosen)
    at = marks.positions[marks.quotes]
    spaces = marks.quotes[pairs + 1] - marks.quotes[pairs] - 1
    width = at[pairs + 1] - at[pairs] - 1
    separators = pairs[(spaces == 1) & (width == 1)]

    status = (spaces >= _SPACES_BEFORE_1_9) & (spaces <= _SPACES_BEFORE_1_9 + 2)
    status[status] = _matches(lines, at, pairs[status], STATUS)
    numbers = spaces == _SPACES_OF_NUMBERS
    numbers[numbers] = _matches(lines, at, pairs[numbers], NUMBERS)
    status_at, status_count = _only(pairs, line_of, status, len(chosen))
    numbers_at, numbers_count = _only(pairs, line_of, numbers, len(chosen))

    is_separator = np.zeros(len(marks.quotes) + QUOTES, np.bool_)
    is_separator[separators] = True
    old = marks.quotes[status_at + 1] - marks.quotes[status_at] - 1 == _SPACES_BEFORE_1_9
    failure_open = np.where(old, status_at + 3, status_at + 1)
    last = marks.last[chosen] - 1
    forwarded_end = _next(separators, numbers_at + 2)
    agent_end = _previous(separators, last - 6)
    found = (
        (status_count == 1)
        & (numbers_count == 1)
        & (status_at > marks.first[chosen])
        & (numbers_at > failure_open)
        & (~old | is_separator[status_at + 2])
        & is_separator[np.maximum(last - 2, 0)]
        & is_separator[np.maximum(last - 4, 0)]
        & (forwarded_end + 2 <= agent_end)
    )
    own = np.stack(
        [
            marks.first[chosen],
            status_at,
            failure_open,
            numbers_at,
            numbers_at + 1,
            forwarded_end,
            forwarded_end + 1,
            agent_end,
            agent_end + 1,
            last - 4,
            last - 3,
            last - 2,
            last - 1,
            last,
        ]
    )
    own[:, ~found] = 0
    return Resolved(found, (status_count > 1) | (numbers_count > 1), marks.quotes[own])


def _neighbours(marks: Marks, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every quote of the chosen lines that has a next one in its line, and which of `chosen` it belongs to."""
    counts = marks.counts()[chosen] - 1
    line_of = np.repeat(np.arange(len(chosen)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(line_of)) - before[line_of] + marks.first[chosen][line_of], line_of


def _matches(lines: Lines, at: NDArray[np.int64], pairs: NDArray[np.int64], pattern: str) -> NDArray[np.bool_]:
    between = slices(pa.py_buffer(lines.data), at[pairs] + 1, at[pairs + 1])
    return as_mask(pc.match_substring_regex(between, pattern=rf"\A{pattern}\z"))


def _only(
    pairs: NDArray[np.int64], line_of: NDArray[np.int64], matched: NDArray[np.bool_], lines: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per line the matching pair, 0 where there is none, and how many there are."""
    place = np.zeros(lines, np.int64)
    place[line_of[matched]] = pairs[matched]
    return place, np.bincount(line_of[matched], minlength=lines)


def _next(ascending: NDArray[np.int64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first of `ascending` that is at least `bound`; a value beyond all others where there is none."""
    padded = np.append(ascending, np.iinfo(np.int64).max // 2)
    return padded[np.searchsorted(ascending, bound)]


def _previous(ascending: NDArray[np.int64], bound: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last of `ascending` that is at most `bound`; -1 where there is none."""
    padded = np.concatenate([np.array([-1]), ascending])
    return padded[np.searchsorted(ascending, bound, side="right")]
