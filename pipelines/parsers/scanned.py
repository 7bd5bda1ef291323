"""What formats of delimited messages have in common where compiled code reads most of their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.delimited import Frame, frames
from pipelines.parsers.result import Parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

#: Fewer bytes than this are read one record at a time sooner than the compiled code is loaded.
SCANNED_BYTES: Final = 1 << 18
_BATCH_BYTES: Final = 4 << 20
_BATCH_FRAMES: Final = 1 << 16
_PADDING: Final = 64


def padded(chunk: bytes) -> NDArray[np.uint8]:
    """The chunk with room behind it, which compiled code may look at."""
    return np.frombuffer(chunk + bytes(_PADDING), np.uint8)


def batches(chunk: bytes) -> Iterator[list[Frame]]:
    """The chunk's frames, some at a time, so that memory does not grow with the chunk."""
    batch: list[Frame] = []
    size = 0
    for frame in frames(chunk):
        batch.append(frame)
        size += frame.end - frame.start
        if size > _BATCH_BYTES or len(batch) == _BATCH_FRAMES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def with_problems(given: Sequence[Frame], refused: Sequence[Frame]) -> list[Frame]:
    """The frames that are no messages, and those that compiled code refused, in order."""
    return sorted([*(frame for frame in given if frame.problem), *refused], key=lambda frame: frame.offset)


def merged(tables: Sequence[pa.Table], rest: Parsed, others: int = 0) -> Parsed:
    """What compiled code read and what was read a record at a time, in the order of the input.

    `others` counts what compiled code saw that is no record.
    """
    accepted = pa.concat_tables(tables) if tables else rest.accepted
    if rest.accepted.num_rows:
        accepted = pa.concat_tables([accepted, rest.accepted]).combine_chunks()
        accepted = accepted.take(pc.sort_indices(accepted["source_offset"]))
    return Parsed(accepted, rest.rejected, accepted.num_rows + rest.rejected.num_rows, others + rest.others)
