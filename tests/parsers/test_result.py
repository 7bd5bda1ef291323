"""The invariant that every parser's outcome must satisfy."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.schemas import ACCESS_LOG_FIELDS, METRIC_SAMPLE_FIELDS, REJECT_FIELDS, REJECT_RAW_LIMIT


def test_empty_has_the_schema_and_no_rows() -> None:
    parsed = Parsed.empty(ACCESS_LOG_FIELDS)
    assert parsed.accepted.schema.names == ["source_offset", *ACCESS_LOG_FIELDS.names]
    assert parsed.rejected.schema == REJECT_FIELDS
    assert parsed.read == 0


def test_reject_raw_is_cut_and_its_length_kept() -> None:
    rejected = reject_table([Reject(7, "too long", b"x" * (REJECT_RAW_LIMIT + 1)), Reject(9, "bad", b"")])
    assert rejected["source_offset"].to_pylist() == [7, 9]
    assert [len(raw) for raw in rejected["raw"].to_pylist()] == [REJECT_RAW_LIMIT, 0]
    assert rejected["raw_length"].to_pylist() == [REJECT_RAW_LIMIT + 1, 0]


def test_a_lost_record_is_refused() -> None:
    empty = Parsed.empty(ACCESS_LOG_FIELDS)
    with pytest.raises(ValueError, match="read 2 records but accepted 0 and rejected 1"):
        Parsed(empty.accepted, reject_table([Reject(0, "bad", b"x")]), 2)


def test_a_null_in_a_required_column_is_refused() -> None:
    schema = accepted_schema(METRIC_SAMPLE_FIELDS)
    table = pa.table([pa.nulls(1, field.type) for field in schema], schema=schema)
    with pytest.raises(ValueError, match="required column source_offset"):
        Parsed(table, reject_table(), 1)
