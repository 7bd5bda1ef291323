"""Expositions read whole, with every record accounted for."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from pipelines.parsers.context import Context
from pipelines.parsers.prometheus_text import parse_prometheus_text
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import METRIC_SAMPLE_FIELDS

OBSERVED_US = 1_700_000_000_000_000
OBSERVED = datetime.fromtimestamp(1_700_000_000, UTC)


def read(
    document: bytes, observed_us: int | None = OBSERVED_US
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    parsed = list(parse_prometheus_text(document, 1000, Context(observed_us=observed_us)))
    accepted = pa.concat_tables([piece.accepted for piece in parsed])
    assert accepted.schema == accepted_schema(METRIC_SAMPLE_FIELDS)
    accepted.validate(full=True)
    rejected = pa.concat_tables([piece.rejected for piece in parsed])
    assert sum(piece.read for piece in parsed) == accepted.num_rows + rejected.num_rows
    rows: list[dict[str, object]] = accepted.to_pylist()
    rejects: list[dict[str, object]] = rejected.to_pylist()
    return rows, rejects


def only(document: bytes) -> dict[str, object]:
    rows, rejects = read(document)
    assert not rejects, rejects
    [row] = rows
    return row
