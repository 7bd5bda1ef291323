"""OTLP log records collected one at a time, turned into access-log columns in batches of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.parsers.limits import BATCH_BYTES
from pipelines.parsers.otlp_log_fields import SCHEMA, LogRecords, access_log_columns, object_body
from pipelines.parsers.result import Parsed, Reject, reject_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.context import Context

#: A batch has one array a key: keys times records is bounded, whatever keys a hostile input has.
_MOST_CELLS: Final = 4 << 20
_MOST_RECORDS: Final = 1 << 16


class LogRecord(NamedTuple):
    """One log record: ids in lower-case hex or null, time in Unix nanoseconds or 0, and its bytes in the input."""

    source_offset: int
    time_nanoseconds: int
    trace_id: str | None
    span_id: str | None
    body: str | None
    attributes: Mapping[str, str | None]
    raw: bytes


class LogRecordRows:
    """Collects log records and rejects of one chunk. `read` counts both."""

    __slots__ = ("_attributes", "_context", "_pending_bytes", "_records", "_rejects", "_resource", "_resources",
                 "_tables", "read")  # fmt: skip

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tables: list[pa.Table] = []
        self._rejects: list[Reject] = []
        self.read = 0
        self._start()

    def add(self, record: LogRecord, resource: Mapping[str, str | None]) -> None:
        """Add a record. The same resource is told by its identity."""
        if self._is_full(record):
            self._flush()
        attributes: Mapping[str, str | None] = record.attributes
        members = object_body(record.body) if record.body else None
        if members is not None:
            attributes = {**attributes, **members}
            record = record._replace(body=None)
        place = len(self._records)
        for key, value in attributes.items():
            if value is not None:
                self._attributes.setdefault(key, {})[place] = value
        if not self._resources or self._resources[-1] is not resource:
            self._resources.append(resource)
        self._resource.append(len(self._resources) - 1)
        self._records.append(record)
        self._pending_bytes += len(record.raw)
        self.read += 1

    def reject(self, source_offset: int, reason: str, raw: bytes) -> None:
        """Record something that holds no record that can be read, or an unknown number of them, as one reject."""
        self._rejects.append(Reject(source_offset, reason, raw))
        self.read += 1

    def parsed(self) -> Parsed:
        """The outcome of the chunk."""
        self._flush()
        accepted = pa.concat_tables(self._tables) if self._tables else SCHEMA.empty_table()
        return Parsed(accepted, reject_table(sorted(self._rejects, key=lambda reject: reject.source_offset)), self.read)

    def _start(self) -> None:
        self._records: list[LogRecord] = []
        self._attributes: dict[str, dict[int, str]] = {}
        self._resources: list[Mapping[str, str | None]] = []
        self._resource: list[int] = []
        self._pending_bytes = 0

    def _is_full(self, record: LogRecord) -> bool:
        count = len(self._records) + 1
        cells = (len(self._attributes) + len(record.attributes)) * count
        return count > _MOST_RECORDS or (count > 1 and cells > _MOST_CELLS) or self._pending_bytes > BATCH_BYTES

    def _flush(self) -> None:
        records = self._records
        if records:
            count = len(records)
            batch = LogRecords(
                np.array([record.source_offset for record in records], np.int64),
                np.array([record.time_nanoseconds for record in records], np.uint64),
                pa.array([record.body for record in records], pa.string()),
                pa.array([record.trace_id for record in records], pa.string()),
                pa.array([record.span_id for record in records], pa.string()),
                {key: _column(values, count) for key, values in self._attributes.items()},
                self._resources,
                np.array(self._resource, np.int64),
            )
            table, reasons = access_log_columns(batch, self._context)
            self._tables.append(table)
            for place in np.flatnonzero(reasons != "").tolist():
                record = records[place]
                self._rejects.append(Reject(record.source_offset, str(reasons[place]), record.raw))
        self._start()


def _column(values: Mapping[int, str], count: int) -> pa.Array:
    return pa.array([values.get(place) for place in range(count)], pa.string())
