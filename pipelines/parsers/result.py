"""What every parser returns: the rows it read and the records it could not read, which together are all there were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.schemas import REJECT_FIELDS, REJECT_RAW_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

_SOURCE_OFFSET = pa.field("source_offset", pa.int64(), nullable=False)


def accepted_schema(fields: pa.Schema) -> pa.Schema:
    """`source_offset` followed by `fields`: the schema of `Parsed.accepted` of a parser whose records have `fields`."""
    return pa.schema([_SOURCE_OFFSET, *fields])


def completed(accepted: pa.Table, fields: pa.Schema) -> pa.Table:
    """`accepted` with all columns of `accepted_schema(fields)`; those it lacks are null."""
    schema = accepted_schema(fields)
    columns = [
        accepted[field.name] if field.name in accepted.column_names else pa.nulls(accepted.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that could not be read: its byte offset in the decompressed source, why, and its whole bytes."""

    source_offset: int
    reason: str
    raw: bytes


def reject_table(rejects: Iterable[Reject] = ()) -> pa.Table:
    """A table of `REJECT_FIELDS`, in the order given; `raw` is cut to `REJECT_RAW_LIMIT`, `raw_length` is not."""
    rows = list(rejects)
    return pa.table(
        [
            pa.array([row.source_offset for row in rows], pa.int64()),
            pa.array([row.reason for row in rows], pa.string()),
            pa.array([row.raw[:REJECT_RAW_LIMIT] for row in rows], pa.binary()),
            pa.array([len(row.raw) for row in rows], pa.int64()),
        ],
        schema=REJECT_FIELDS,
    )


@dataclass(frozen=True, slots=True)
class Parsed:
    """The outcome of one chunk.

    `accepted` has `source_offset` and the record's fields, `rejected` has `REJECT_FIELDS`, `read` counts the records
    met. `others` counts lines that are no records at all (a proxy's own log among its access log); `read` leaves them
    out. Raises ValueError where they do not add up, or where a required column holds a null: a parser that loses or
    doubles a record is wrong and must not get as far as the lake.
    """

    accepted: pa.Table
    rejected: pa.Table
    read: int
    others: int = 0

    def __post_init__(self) -> None:
        if self.read != self.accepted.num_rows + self.rejected.num_rows:
            raise ValueError(
                f"parser read {self.read} records but accepted {self.accepted.num_rows} "
                f"and rejected {self.rejected.num_rows}"
            )
        if self.rejected.schema != REJECT_FIELDS:
            raise ValueError("parser returned rejects of another schema than REJECT_FIELDS")
        for field in self.accepted.schema:
            if not field.nullable and self.accepted[field.name].null_count:
                raise ValueError(f"parser accepted a null in the required column {field.name}")

    @staticmethod
    def empty(fields: pa.Schema) -> Parsed:
        """Nothing read. `fields` is the record's schema without `source_offset`, e.g. `ACCESS_LOG_FIELDS`."""
        return Parsed(accepted_schema(fields).empty_table(), reject_table(), 0)
