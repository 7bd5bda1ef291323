"""OTLP logs as protobuf: length-delimited `ExportLogsServiceRequest` messages, as exporters send them.

A record is a log record; what becomes of it is in `otlp_log_fields.py`. `source_offset` is where its own bytes begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogRecordMessage

from pipelines.parsers.context import DEFAULT
from pipelines.parsers.otlp_attributes import attribute_map, value_text
from pipelines.parsers.otlp_log_rows import LogRecord, LogRecordRows
from pipelines.parsers.otlp_requests import read_requests
from pipelines.parsers.otlp_spans import SPAN_ID_BYTES, TRACE_ID_BYTES
from pipelines.parsers.otlp_wire import LOGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed

#: Later than any time that a lake can hold.
_FIRST_TOO_LATE: Final = 2**63


class ProtobufLogRows(LogRecordRows):
    """Log records of protobuf requests."""

    __slots__ = ()

    def resource(self, attributes: Mapping[str, str | None], _encoded_bytes: int) -> Mapping[str, str | None]:
        """What log records have of their resource: who wrote them, no more."""
        return attributes

    def read_record(self, source_offset: int, raw: bytes, resource: Mapping[str, str | None]) -> None:
        """Decode a log record and add it. Raises ValueError where it is none, with nothing counted."""
        self.add(_record(source_offset, raw), resource)


def parse_otlp_logs_delimited(chunk: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read varint-length-delimited `ExportLogsServiceRequest` messages; `chunk` begins at a length prefix."""
    rows = ProtobufLogRows(context)
    read_requests(chunk, base_offset, LOGS, rows)
    return rows.parsed()


def _record(source_offset: int, raw: bytes) -> LogRecord:
    try:
        record = LogRecordMessage.FromString(raw)
    except DecodeError as error:
        raise ValueError(f"not a valid OTLP log record: {error}") from None
    if record.time_unix_nano >= _FIRST_TOO_LATE:
        raise ValueError(f"not a valid OTLP log record: time_unix_nano is {record.time_unix_nano}")
    return LogRecord(
        source_offset,
        record.time_unix_nano,
        _id(record.trace_id, "trace_id", TRACE_ID_BYTES),
        _id(record.span_id, "span_id", SPAN_ID_BYTES),
        value_text(record.body),
        attribute_map(record.attributes),
        raw,
    )


def _id(value: bytes, name: str, size: int) -> str | None:
    """An id in hex; null where there is none, which zeros say, too."""
    if value and len(value) != size:
        raise ValueError(f"not a valid OTLP log record: {name} has {len(value)} bytes, not {size}")
    return value.hex() if any(value) else None
