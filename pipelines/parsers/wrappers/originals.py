"""From outcomes of inner lines back to the bytes that the wrapper put around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.parsers.result import Parsed
from pipelines.schemas import REJECT_FIELDS, REJECT_RAW_LIMIT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipelines.parsers.wrappers.unwrapped import Unwrapped


def original_rejects(unwrapped: Unwrapped, rejected: pa.Table, data: NDArray[np.uint8]) -> pa.Table:
    """Rejects of inner lines with the offsets and bytes of the wrapped records; several parts in a row."""
    if not rejected.num_rows:
        return rejected
    lines = unwrapped.lines_at(rejected["source_offset"].to_numpy())
    firsts = unwrapped.first_parts(lines)
    counts = unwrapped.part_counts(lines)
    raws: list[bytes] = []
    lengths: list[int] = []
    for first, count in zip(firsts.tolist(), counts.tolist(), strict=True):
        raw, length = _bytes_of(unwrapped, data, range(first, first + count))
        raws.append(raw)
        lengths.append(length)
    return pa.table(
        [
            pa.array(unwrapped.part_begins[firsts], pa.int64()),
            rejected["reason"],
            pa.array(raws, pa.binary()),
            pa.array(lengths, pa.int64()),
        ],
        schema=REJECT_FIELDS,
    )


def original(unwrapped: Unwrapped, parsed: Parsed, data: NDArray[np.uint8], base_offset: int) -> Parsed:
    """What a parser made of inner lines, with the offsets of the wrapped records and the names that they tell."""
    accepted = parsed.accepted
    if accepted.num_rows:
        lines = unwrapped.lines_at(accepted["source_offset"].to_numpy())
        offsets = unwrapped.part_begins[unwrapped.first_parts(lines)] + base_offset
        accepted = accepted.set_column(0, accepted.schema.field(0), pa.array(offsets, pa.int64()))
        if "reporter_pod" in accepted.column_names:
            accepted = _with_names(accepted, unwrapped, lines)
    rejected = shifted(original_rejects(unwrapped, parsed.rejected, data), base_offset)
    return Parsed(accepted, rejected, parsed.read, parsed.others)


def shifted(rejected: pa.Table, base_offset: int) -> pa.Table:
    """Rejects whose offsets count from elsewhere."""
    return rejected.set_column(
        0, REJECT_FIELDS.field(0), pc.add(rejected["source_offset"], pa.scalar(base_offset, pa.int64()))
    )


def _bytes_of(unwrapped: Unwrapped, data: NDArray[np.uint8], parts: range) -> tuple[bytes, int]:
    """The first bytes of a record, as many as a reject keeps, and its whole length."""
    pieces: list[bytes] = []
    size = 0
    for part in parts:
        begin, end = int(unwrapped.part_begins[part]), int(unwrapped.part_ends[part])
        if size < REJECT_RAW_LIMIT:
            pieces.append(data[begin : min(end, begin + REJECT_RAW_LIMIT)].tobytes())
        size += end - begin + (1 if part != parts[-1] else 0)
    return b"\n".join(pieces)[:REJECT_RAW_LIMIT], size


def _with_names(accepted: pa.Table, unwrapped: Unwrapped, lines: NDArray[np.int64]) -> pa.Table:
    """A record that names its pod itself is believed before what was around it."""
    identity = unwrapped.identity.take(lines)
    if identity.pod is None:
        return accepted
    unknown = pc.is_null(accepted["reporter_pod"])
    namespace = identity.namespace if identity.namespace is not None else pa.nulls(len(lines), pa.string())
    for name, value in (("reporter_namespace", namespace), ("reporter_pod", identity.pod)):
        position = accepted.schema.get_field_index(name)
        field = accepted.schema.field(position)
        accepted = accepted.set_column(position, field, pc.if_else(unknown, value.cast(field.type), accepted[name]))
    return accepted
