"""Istio's default text access log (`EnvoyTextLogFormat`), bytes to Arrow.

    [START_TIME] "METHOD PATH PROTOCOL" RESPONSE_CODE RESPONSE_FLAGS RESPONSE_CODE_DETAILS
    CONNECTION_TERMINATION_DETAILS "UPSTREAM_TRANSPORT_FAILURE_REASON" BYTES_RECEIVED BYTES_SENT DURATION
    UPSTREAM_SERVICE_TIME "X_FORWARDED_FOR" "USER_AGENT" "REQUEST_ID" "AUTHORITY" "UPSTREAM_HOST" UPSTREAM_CLUSTER
    UPSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_REMOTE_ADDRESS REQUESTED_SERVER_NAME ROUTE_NAME

Also read: the same without CONNECTION_TERMINATION_DETAILS, and the format before Istio 1.9, which has a quoted Mixer
policy status (not kept) where the details are. A CSV reader would merge lines on an unbalanced quote; here a line is
a record or a reject, never part of another.

Lines that are plainly of the format are read by a compiled scan; the rest (quotes or tabs within values, bytes that are
no UTF-8, damage) by `pipelines/parsers/istio_text_exact.py`, to the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.parsers.blocks import line_blocks
from pipelines.parsers.context import DEFAULT
from pipelines.parsers.istio_text_exact import parse_exactly
from pipelines.parsers.istio_text_scan import PLANS
from pipelines.parsers.merged_rows import in_order
from pipelines.parsers.result import Parsed, accepted_schema
from pipelines.parsers.text_layout import parse_text_layout
from pipelines.parsers.text_reader import Finder, TextReader
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.context import Context
    from pipelines.parsers.istio_text_scan import ScanPlan
    from pipelines.parsers.lines import Lines

#: Fewer bytes than this are read without the scan, whose compiled code takes a moment to load.
_FEW_BYTES: Final = 64 << 10
_END: Final = b"\r\n"
_SAMPLE_LINES: Final = 64


def parse_istio_text(chunk: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Reads a chunk that begins at the start of a line; the last line may lack its newline.

    `base_offset` is the chunk's place in the decompressed source. Accepted rows and rejects are each in the order of
    their lines; columns of text may have a dictionary. Blank lines are not records. Never raises on any bytes; takes
    time linear in the chunk. A log with a format string of its own (`context.layout`) is read by `text_layout.py`.
    """
    if context.layout is not None:
        return parse_text_layout(chunk, base_offset, context)
    return parse_exactly(chunk, base_offset) if len(chunk) < _FEW_BYTES else scan(chunk, base_offset)


def scan(chunk: bytes, base_offset: int) -> Parsed:
    """As `parse_istio_text`, whatever the size of the chunk."""
    reader: TextReader | None = None
    read = 0
    pieces: list[bytes] = []
    offsets: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for lines in line_blocks(chunk, base_offset):
        read += len(lines)
        if reader is None:
            reader = TextReader(_plan_for(lines))
        others = np.flatnonzero(~reader.read(lines))
        offsets.append(lines.offset + lines.starts[others])
        for start, end in zip(lines.starts[others].tolist(), lines.ends[others].tolist(), strict=True):
            pieces += (bytes(lines.data[start:end]), _END)
    if reader is None:
        return Parsed.empty(ACCESS_LOG_FIELDS)
    rest = _at(parse_exactly(b"".join(pieces), 0), pieces, np.concatenate(offsets))
    return Parsed(in_order(_completed(reader.table()), rest.accepted), rest.rejected, read)


def _plan_for(lines: Lines) -> ScanPlan:
    """The plan that fits most of some lines."""
    sample = lines.select(np.arange(len(lines))[:: max(1, len(lines) // _SAMPLE_LINES)])
    return max(PLANS, key=lambda plan: int(Finder(plan, len(sample)).find(sample)[1].sum()))


def _at(parsed: Parsed, pieces: list[bytes], offsets: NDArray[np.int64]) -> Parsed:
    """Records that were parsed out of their places, with the offsets that their lines really have."""
    places = np.cumsum([0, *map(len, pieces)])[:-1:2]

    def moved(table: pa.Table) -> pa.Table:
        at = np.searchsorted(places, table["source_offset"].to_numpy())
        return table.set_column(0, table.schema.field(0), pa.array(offsets[at], pa.int64()))

    return Parsed(moved(parsed.accepted), moved(parsed.rejected), parsed.read)


def _completed(rows: pa.Table) -> pa.Table:
    """Rows with all columns of an access log; those that the format lacks are null."""
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in accepted_schema(ACCESS_LOG_FIELDS)
    ]
    return pa.table(columns, schema=_schema_with(columns))


def _schema_with(columns: list[pa.ChunkedArray]) -> pa.Schema:
    fields = accepted_schema(ACCESS_LOG_FIELDS)
    return pa.schema([field.with_type(column.type) for field, column in zip(fields, columns, strict=True)])
