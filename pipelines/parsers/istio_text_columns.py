"""Cuts the fields of text lines whose structure is known into Arrow columns, a column at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.parsers.lines import slices
from pipelines.parsers.result import accepted_schema
from pipelines.parsers.text_fields import ISTIO_FIELDS, is_ascii, strip_cluster_delimiter, to_text, to_timestamps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.parsers.istio_text_structure import Marks
    from pipelines.parsers.lines import Lines

_SCHEMA = accepted_schema(ISTIO_FIELDS)
_DASH = ord("-")

# Words of the status: code, flags, details and termination details; the older formats lack the last or the last two.
_WORDS_WITH_TERMINATION_DETAILS = 4
_WORDS_WITH_DETAILS = 3
_WORDS_BEFORE_1_9 = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines (ascending indices) and their format's own quotes (shape (14, lines), indices into `Marks.positions`)."""

    chosen: NDArray[np.int64]
    quotes: NDArray[np.int64]

    def merge(self, other: Cut) -> Cut:
        """Both, in the order of the lines."""
        chosen = np.concatenate([self.chosen, other.chosen])
        order = np.argsort(chosen, kind="stable")
        return Cut(chosen[order], np.concatenate([self.quotes, other.quotes], axis=1)[:, order])

    def select(self, kept: NDArray[np.bool_]) -> Cut:
        """Only the lines that the mask keeps."""
        return Cut(self.chosen[kept], self.quotes[:, kept])


@dataclass(frozen=True, slots=True)
class Span:
    """One field of every line: from `start` up to `end`; null where `absent`."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    absent: NDArray[np.bool_] | None = None


def cut_columns(lines: Lines, marks: Marks, cut: Cut) -> pa.Table:
    """`source_offset` and `ISTIO_FIELDS` of the lines in `cut`, which must be valid records."""
    if len(cut.chosen) == 0:
        return _SCHEMA.empty_table()
    values = lines.bytes_array()
    kind = pa.string() if is_ascii(values) else pa.binary()
    spans = _spans(lines, marks, cut)
    columns = [pa.array(lines.offset + lines.starts[cut.chosen], pa.int64())]
    columns.extend(_column(lines, values, kind, spans[field.name], field) for field in ISTIO_FIELDS)
    return pa.table(columns, schema=_SCHEMA)


def _column(lines: Lines, values: NDArray[np.uint8], kind: pa.DataType, span: Span, field: pa.Field) -> pa.Array:
    null = (span.end - span.start == 1) & (values[span.start] == _DASH)
    if span.absent is not None:
        null |= span.absent
    if field.type == pa.string():
        texts = slices(pa.py_buffer(lines.data), span.start, span.end, kind, null)
        texts = texts if kind == pa.string() else to_text(texts)
        return strip_cluster_delimiter(texts) if field.name == "upstream_cluster" else texts
    texts = slices(pa.py_buffer(lines.data), span.start, span.end, pa.string(), null)
    return to_timestamps(texts) if pa.types.is_timestamp(field.type) else texts.cast(field.type)


def _spans(lines: Lines, marks: Marks, cut: Cut) -> dict[str, Span]:
    """Where each field begins and ends. A mark's neighbours in `positions` are the spaces around unquoted words."""
    quote = cut.quotes

    def at(index: int, step: int = 0) -> NDArray[np.int64]:
        positions: NDArray[np.int64] = marks.positions[quote[index] + step]
        return positions

    def word(index: int, step: int) -> Span:
        return Span(at(index, step) + 1, at(index, step + 1))

    def quoted(index: int) -> Span:
        return Span(at(index) + 1, at(index + 1))

    starts, ends = lines.starts[cut.chosen], lines.ends[cut.chosen]
    words = quote[2] - quote[1] - 2
    words = np.where(words > _WORDS_WITH_TERMINATION_DETAILS, _WORDS_BEFORE_1_9, words)
    details, termination = word(1, 3), word(1, 4)
    return {
        "start_time": Span(starts + 1, at(0) - 2),
        "method": word(0, 0),
        "path": Span(at(0, 1) + 1, at(1, -1)),
        "protocol": word(1, -1),
        "response_code": word(1, 1),
        "response_flags": word(1, 2),
        "response_code_details": Span(details.start, details.end, words < _WORDS_WITH_DETAILS),
        "connection_termination_details": Span(
            termination.start, termination.end, words < _WORDS_WITH_TERMINATION_DETAILS
        ),
        "upstream_transport_failure_reason": quoted(2),
        "bytes_received": word(3, 1),
        "bytes_sent": word(3, 2),
        "duration_ms": word(3, 3),
        "upstream_service_time_ms": word(3, 4),
        "x_forwarded_for": quoted(4),
        "user_agent": quoted(6),
        "request_id": quoted(8),
        "authority": quoted(10),
        "upstream_host": quoted(12),
        "upstream_cluster": word(13, 1),
        "upstream_local_address": word(13, 2),
        "downstream_local_address": word(13, 3),
        "downstream_remote_address": word(13, 4),
        "requested_server_name": word(13, 5),
        "route_name": Span(at(13, 6) + 1, ends),
    }
