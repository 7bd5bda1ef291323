"""OTLP logs as JSON: one `ExportLogsServiceRequest` a line, as the collector's file exporter writes them.

A record is a log record; a line that is no request is one reject. Keys are in lowerCamelCase (or as the protobuf
fields are called), ids in hex, 64-bit integers as decimal strings or numbers. `source_offset` is
where the record's own object begins, of a line that is no request where the line does.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

import msgspec

from pipelines.parsers.context import DEFAULT
from pipelines.parsers.limits import MAX_MESSAGE_BYTES, MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES
from pipelines.parsers.otlp_json import KeyValue, Value, attribute_map, plain_value
from pipelines.parsers.otlp_log_rows import LogRecord, LogRecordRows
from pipelines.parsers.otlp_spans import SPAN_ID_BYTES, TRACE_ID_BYTES
from pipelines.parsers.otlp_values import compact_json

if TYPE_CHECKING:
    from pipelines.parsers.context import Context
    from pipelines.parsers.result import Parsed

_HEX_DIGITS: Final = frozenset(string.hexdigits)
_GIVEN_UP: Final = f"more than {MAX_REJECTS_PER_MESSAGE} records of this line cannot be read; the rest was given up"
_NOTHING: Final = msgspec.Raw(b"null")
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class _LogRecord(msgspec.Struct, rename="camel"):
    time_unix_nano: int = 0
    trace_id: str = ""
    span_id: str = ""
    body: Value | None = None
    attributes: list[KeyValue] | None = None


class _Resource(msgspec.Struct):
    attributes: list[KeyValue] | None = None


class _ScopeLogs(msgspec.Struct, rename="camel"):
    log_records: list[msgspec.Raw] | None = None


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw = _NOTHING
    scope_logs: list[_ScopeLogs] | None = None
    instrumentation_library_logs: list[_ScopeLogs] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


# Not strict: 64-bit integers come as strings.
_REQUESTS: Final = msgspec.json.Decoder(_Request, strict=False)
_RESOURCES: Final = msgspec.json.Decoder(_Resource | None, strict=False)
_RECORDS: Final = msgspec.json.Decoder(_LogRecord, strict=False)


def parse_otlp_logs_json(chunk: bytes, base_offset: int, context: Context = DEFAULT) -> Parsed:
    """Read OTLP/JSON log requests, one a line; empty lines are no records. `base_offset` is the chunk's own."""
    rows = LogRecordRows(context)
    offset = 0
    while offset < len(chunk):
        newline = chunk.find(b"\n", offset)
        end = len(chunk) if newline < 0 else newline
        line = chunk[offset:end].lstrip(b" \t\r")
        if line:
            _read_line(line.rstrip(b" \t\r"), base_offset + end - len(line), rows)
        offset = end + 1
    return rows.parsed()


def _read_line(line: bytes, source_offset: int, rows: LogRecordRows) -> None:
    if len(line) > MAX_MESSAGE_BYTES:
        rows.reject(source_offset, f"a line of {len(line)} bytes, over the limit of {MAX_MESSAGE_BYTES}", line)
        return
    try:
        request = _REQUESTS.decode(line)
        blocks = [(_resource(bytes(block.resource)), _records(block)) for block in request.resource_logs or ()]
    except _ERRORS as error:
        rows.reject(source_offset, f"not an OTLP/JSON logs request: {_said(error)}", line)
        return
    if request.resource_logs is None:
        rows.reject(source_offset, "not an OTLP/JSON logs request: it has no resourceLogs", line)
        return
    rejected = position = 0
    for resource, records in blocks:
        for record in records:
            raw = bytes(record)
            found = line.find(raw, position)
            # Records come in order, unless a line has lists of two versions of the protocol.
            position = line.find(raw) if found < 0 else found
            offset = source_offset + position
            position += len(raw)
            try:
                rows.add(_record(offset, raw), resource)
            except _ERRORS as error:
                rejected += 1
                if rejected > MAX_REJECTS_PER_MESSAGE:
                    rows.reject(source_offset, _GIVEN_UP, line)
                    return
                rows.reject(offset, f"not a valid OTLP/JSON log record: {_said(error)}", raw)


def _resource(raw: bytes) -> dict[str, str | None]:
    message = _RESOURCES.decode(raw)
    return attribute_map(message.attributes if message else None)


def _records(block: _ResourceLogs) -> list[msgspec.Raw]:
    scopes = [*(block.scope_logs or ()), *(block.instrumentation_library_logs or ())]
    return [record for scope in scopes for record in scope.log_records or ()]


def _record(source_offset: int, raw: bytes) -> LogRecord:
    if len(raw) > MAX_SPAN_BYTES:
        raise ValueError(f"{len(raw)} bytes, over the limit of {MAX_SPAN_BYTES}")
    record = _RECORDS.decode(raw)
    if not 0 <= record.time_unix_nano < 2**63:
        raise ValueError(f"timeUnixNano is {record.time_unix_nano}")
    body = plain_value(record.body)
    return LogRecord(
        source_offset,
        record.time_unix_nano,
        _hex_id(record.trace_id, "traceId", TRACE_ID_BYTES),
        _hex_id(record.span_id, "spanId", SPAN_ID_BYTES),
        body if body is None or isinstance(body, str) else compact_json(body),
        attribute_map(record.attributes),
        raw,
    )


def _hex_id(text: str, name: str, size: int) -> str | None:
    """An id in lower case; null where there is none, which zeros say, too."""
    if text and (len(text) != 2 * size or not _HEX_DIGITS.issuperset(text)):
        raise ValueError(f"{name} {text[:64]!r} is not {2 * size} hex digits, as OTLP/JSON writes ids")
    return text.lower() if text.strip("0") else None


def _said(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
