"""Envoy's access log service: length-delimited `StreamAccessLogsMessage`, as a receiver writes the streams it gets.

A record is an HTTP or TCP entry; `source_offset` is where its own bytes begin. Only the first message of a stream names
the proxy (`identifier`), and files hold many streams: entries of later messages take their proxy from their addresses
when read. An entry of a request or connection that goes on, or of one attempt of several, is no record, since its end
is logged on its own: it is counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipelines.parsers.als_entries import http_record, is_final, tcp_record
from pipelines.parsers.als_values import decoded
from pipelines.parsers.delimited import Frame, frames
from pipelines.parsers.limits import MAX_REJECTS_PER_MESSAGE, MAX_SPAN_BYTES
from pipelines.parsers.log_layout import COLUMNS, Record
from pipelines.parsers.node_names import pod_of_node
from pipelines.parsers.otlp_wire import Field, WireError, fields
from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import ACCESS_LOG_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipelines.parsers.als_messages import Made
    from pipelines.parsers.context import Context

IDENTIFIER: Final = 1
#: The lists of a message by field number: how their entries are called and read.
LISTS: Final[dict[int, tuple[str, Callable[[Made], Record]]]] = {
    2: ("HTTPAccessLogEntry", http_record),
    3: ("TCPAccessLogEntry", tcp_record),
}
_ENTRY: Final = 1
_NAMESPACE, _POD = COLUMNS.index("reporter_namespace"), COLUMNS.index("reporter_pod")
#: Namespace and pod.
_Reporter = tuple[str | None, str | None]
#: Where what cannot be read starts and ends, and why.
_Problem = tuple[int, int, str]


class EntryRows:
    """Collects entries and rejects of one chunk. `read` counts both, `others` entries that are no records."""

    __slots__ = ("_rejects", "_rows", "others", "read")

    def __init__(self) -> None:
        self._rows = RowBatches(accepted_schema(ACCESS_LOG_FIELDS))
        self._rejects: list[Reject] = []
        self.read = 0
        self.others = 0

    def add(self, source_offset: int, record: Record, encoded_bytes: int) -> None:
        """Accept a record."""
        self._rows.append(record.row(source_offset), encoded_bytes)
        self.read += 1

    def reject(self, source_offset: int, reason: str, raw: bytes) -> None:
        """Record an entry, or a piece of the input that holds an unknown number of them, as one reject."""
        self._rejects.append(Reject(source_offset, reason, raw))
        self.read += 1

    def parsed(self) -> Parsed:
        """The outcome of the chunk."""
        return Parsed(self._rows.table(), reject_table(self._rejects), self.read, self.others)


def parse_als_delimited(chunk: bytes, base_offset: int, _context: Context | None = None) -> Parsed:
    """Read varint-length-delimited `StreamAccessLogsMessage`; `chunk` begins at a length prefix."""
    rows = EntryRows()
    for frame in frames(chunk):
        if frame.problem is None:
            read_message(chunk, frame, base_offset, rows)
        else:
            rows.reject(base_offset + frame.offset, frame.problem, chunk[frame.start : frame.end])
    return rows.parsed()


def read_message(chunk: bytes, frame: Frame, base_offset: int, rows: EntryRows) -> None:
    """Read one message."""
    problems: list[_Problem] = []
    found: list[tuple[int, Field]] = []
    identifiers: list[bytes] = []
    try:
        for field in fields(chunk, frame.start, frame.end):
            if field.number == IDENTIFIER:
                identifiers.append(chunk[field.start : field.end])
            elif field.number in LISTS:
                found += ((field.number, entry) for entry in _entries(chunk, field, problems))
    except WireError as error:
        problems.append((error.position, frame.end, f"not an access log message: {error}"))
    reporter: _Reporter = (None, None)
    try:
        # A repeated embedded message is merged by protobuf's rules, which is what decoding the joined bytes does.
        reporter = _reporter(decoded("Identifier", b"".join(identifiers)))
    except ValueError as error:
        problems.append((frame.start, frame.end, f"its identifier: {error}"))
    for kind, entry in found:
        try:
            _read_entry(chunk, base_offset, kind, entry, reporter, rows)
        except ValueError as error:
            problems.append((entry.start, entry.end, str(error)))
    for start, end, reason in problems[:MAX_REJECTS_PER_MESSAGE]:
        rows.reject(base_offset + start, reason, chunk[start:end])
    if len(problems) > MAX_REJECTS_PER_MESSAGE:
        given_up = f"more than {MAX_REJECTS_PER_MESSAGE} entries of this message cannot be read"
        rows.reject(base_offset + frame.offset, given_up, chunk[frame.start : frame.end])


def _entries(chunk: bytes, block: Field, problems: list[_Problem]) -> Iterator[Field]:
    try:
        for field in fields(chunk, block.start, block.end):
            if field.number == _ENTRY:
                yield field
    except WireError as error:
        problems.append((error.position, block.end, f"a damaged list of entries: {error}"))


def _read_entry(chunk: bytes, base_offset: int, kind: int, entry: Field, reporter: _Reporter, rows: EntryRows) -> None:
    name, read = LISTS[kind]
    size = entry.end - entry.start
    if size > MAX_SPAN_BYTES:
        raise ValueError(f"an entry of {size} bytes, over the limit of {MAX_SPAN_BYTES}")
    message = decoded(name, chunk[entry.start : entry.end])
    if not is_final(message.common_properties):
        rows.others += 1
        return
    record = read(message)
    for place, value in zip((_NAMESPACE, _POD), reporter, strict=True):
        record.values[place] = value or record.values[place]
    rows.add(base_offset + entry.start, record, size)


def _reporter(identifier: Made) -> _Reporter:
    """Namespace and pod of the proxy: Istio's node id says so, else its metadata."""
    named = pod_of_node(identifier.node.id)
    if named is not None:
        return named
    metadata = identifier.node.metadata.fields
    return metadata["NAMESPACE"].string_value or None, metadata["NAME"].string_value or None
