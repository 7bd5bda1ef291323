"""What a wrapper gives back: inner lines, which bytes of the chunk each came from, and who wrote it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.lines import as_mask, slices
from pipelines.parsers.result import reject_table
from pipelines.schemas import REJECT_FIELDS, REJECT_RAW_LIMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.wrappers.json_spans import Spans

#: What Kubernetes allows as the name of a namespace or pod. Anything else is nobody's name.
_NAME: Final = r"\A[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\z"


@dataclass(frozen=True, slots=True)
class Identity:
    """Namespace and pod of each line, arrays of strings; None where the wrapper never says."""

    namespace: pa.Array | None = None
    pod: pa.Array | None = None

    def take(self, indices: NDArray[np.int64]) -> Identity:
        """Those of other lines."""
        chosen = pa.array(indices)
        return Identity(
            None if self.namespace is None else self.namespace.take(chosen),
            None if self.pod is None else self.pod.take(chosen),
        )

    def or_else(self, other: Identity) -> Identity:
        """These names; where there is no pod, the other ones."""
        if self.pod is None or other.pod is None:
            return other if self.pod is None and other.pod is not None else self
        unknown = pc.is_null(self.pod)
        nothing = pa.nulls(len(self.pod), pa.string())
        return Identity(
            pc.if_else(unknown, other.namespace or nothing, self.namespace or nothing),
            pc.if_else(unknown, other.pod, self.pod),
        )


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The inner lines of a chunk.

    `text` holds them, each with its newline, the i-th from `starts[i]` on. It came from the bytes `part_begins[p]` to
    `part_ends[p]` of the chunk for p in `first_part[i]` to `first_part[i + 1]`. `rejected` are records that the wrapper
    itself damaged; `others` counts what the wrapper says of itself. `REJECT_FIELDS` offsets are those of the chunk.
    """

    text: bytes
    starts: NDArray[np.int64]
    part_begins: NDArray[np.int64]
    part_ends: NDArray[np.int64]
    identity: Identity = field(default_factory=Identity)
    first_part: NDArray[np.int64] | None = None
    rejected: pa.Table = field(default_factory=reject_table)
    others: int = 0

    def lines_at(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which inner line each offset in `text` belongs to."""
        found: NDArray[np.int64] = np.searchsorted(self.starts, offsets, side="right") - 1
        return found

    def first_parts(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first part of each line."""
        return lines if self.first_part is None else self.first_part[lines]

    def part_counts(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many parts each line has."""
        if self.first_part is None:
            return np.ones(len(lines), np.int64)
        return self.first_part[lines + 1] - self.first_part[lines]


def names(data: NDArray[np.uint8], spans: Spans) -> pa.Array:
    """The values that may be names in Kubernetes; null where a value is absent, no string or no name."""
    if not len(spans.begins):
        return pa.array([], pa.string())
    known = spans.is_text()
    begins = np.where(known, spans.begins, 0)
    if known.all():
        values = slices(pa.py_buffer(data), begins, spans.ends)
    else:
        chosen = np.flatnonzero(known)
        values = slices(pa.py_buffer(data), begins[chosen], spans.ends[chosen])
        place = np.cumsum(known) - 1
        values = values.take(pa.array(place, mask=~known))
    encoded = values.dictionary_encode()
    good = as_mask(pc.match_substring_regex(encoded.dictionary, pattern=_NAME))
    distinct = pc.if_else(pa.array(good), encoded.dictionary, pa.scalar(None, pa.binary())).cast(pa.string())
    return distinct.take(encoded.indices)


def reject_spans(data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], reason: str) -> pa.Table:
    """Rejects of `REJECT_FIELDS`, offsets in `data`, all for one reason."""
    cut = np.minimum(ends, begins + REJECT_RAW_LIMIT)
    return pa.table(
        [
            pa.array(begins, pa.int64()),
            pa.repeat(pa.scalar(reason, pa.string()), len(begins)),
            slices(pa.py_buffer(data), begins, cut),
            pa.array(ends - begins, pa.int64()),
        ],
        schema=REJECT_FIELDS,
    )


def line_bounds(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Where lines begin and end (before `\n` or `\r\n`), empty ones left out. The last may lack its newline."""
    ends = np.flatnonzero(data == 10)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        ends = np.append(ends, len(data))
    begins = np.empty_like(ends)
    begins[:1] = 0
    begins[1:] = ends[:-1] + 1
    if len(ends):
        ends = ends - ((ends > begins) & (data[np.maximum(ends, 1) - 1] == 13))
    kept = ends > begins
    return begins[kept], ends[kept]
