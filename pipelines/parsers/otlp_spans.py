"""From one OTLP span, however it was encoded, to one row of `SPAN_FIELDS`.

Sources: OpenTelemetry's `trace.proto` for ids, kinds, status and times; Envoy's tracing tags (`upstream_cluster`,
`peer.address`, `guid:x-request-id`, `response_flags`, `node_id`) and Istio's `istio.*` tags; the OpenTelemetry HTTP
semantic conventions for spans that applications write (`http.request.method`, `url.full`, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.parsers.limits import repeat_budget
from pipelines.parsers.result import Parsed, Reject, accepted_schema, reject_table
from pipelines.parsers.row_batches import RowBatches
from pipelines.schemas import SPAN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Span.SpanKind by number.
KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
#: Status.StatusCode by number.
STATUS_CODES = ("UNSET", "OK", "ERROR")

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8

_NANOSECONDS_PER_MICROSECOND = 1_000
_NANOSECONDS_PER_MILLISECOND = 1_000_000
_MAX_INT32 = 2**31 - 1

#: Clocks that are set back while a span is open give it an end just before its start. Past this it is nonsense.
CLOCK_STEP_NANOSECONDS = 1_000_000_000


class InvalidSpanError(ValueError):
    """A span that cannot be a row; the message says why."""


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource of a run of spans: its attributes and its encoded size, which every span repeats."""

    attributes: Mapping[str, str | None]
    encoded_bytes: int


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """A decoded span: ids in lower-case hex (parent null at the root of a trace), times in Unix nanoseconds.

    `encoded_bytes` is the span's size in the input.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    start_nanoseconds: int
    end_nanoseconds: int
    status_code: str | None
    status_message: str
    attributes: Mapping[str, str | None]
    encoded_bytes: int


class SpanRows:
    """Collects spans and rejects of one chunk. `read` counts both."""

    __slots__ = ("_budget", "_rejects", "_rows", "read", "repeated_bytes")

    def __init__(self, chunk_bytes: int) -> None:
        self._rows = RowBatches(accepted_schema(SPAN_FIELDS))
        self._rejects: list[Reject] = []
        self._budget = repeat_budget(chunk_bytes)
        self.read = 0
        #: How many bytes of resources spans have repeated.
        self.repeated_bytes = 0

    def add(self, source_offset: int, span: SpanFacts, resource: Resource) -> None:
        """Accept a span. Raises InvalidSpanError where it is none, with nothing counted."""
        check_span(span)
        if self.repeated_bytes + resource.encoded_bytes > self._budget:
            raise InvalidSpanError(
                f"its resource's attributes ({resource.encoded_bytes} bytes) have been repeated for so many spans that "
                "this chunk would outgrow its memory; send smaller requests or fewer resource attributes"
            )
        self.repeated_bytes += resource.encoded_bytes
        self._rows.append(span_row(source_offset, span, resource), span.encoded_bytes + resource.encoded_bytes)
        self.read += 1

    def reject(self, source_offset: int, reason: str, raw: bytes) -> None:
        """Record a span, or a piece of the input that holds an unknown number of them, as one reject."""
        self._rejects.append(Reject(source_offset, reason, raw))
        self.read += 1

    def parsed(self) -> Parsed:
        """The outcome of the chunk."""
        return Parsed(self._rows.table(), reject_table(self._rejects), self.read)


def check_span(span: SpanFacts) -> None:
    """Raise InvalidSpanError for ids and times that OTLP calls invalid."""
    if not span.trace_id.strip("0"):
        raise InvalidSpanError("trace_id is all zeros, which OTLP defines as invalid")
    if not span.span_id.strip("0"):
        raise InvalidSpanError("span_id is all zeros, which OTLP defines as invalid")
    if not 0 < span.start_nanoseconds < 2**64:
        raise InvalidSpanError(f"start_time_unix_nano is {span.start_nanoseconds}: the span has no start time")
    if not 0 < span.end_nanoseconds < 2**64:
        raise InvalidSpanError(f"end_time_unix_nano is {span.end_nanoseconds}: the span has no end time")
    early = span.start_nanoseconds - span.end_nanoseconds
    if early > CLOCK_STEP_NANOSECONDS:
        raise InvalidSpanError(f"the span ends {early / _NANOSECONDS_PER_MILLISECOND:.3f} ms before it starts")


def span_row(source_offset: int, span: SpanFacts, resource: Resource) -> tuple[object, ...]:
    """The row of `source_offset` and `SPAN_FIELDS`.

    `duration_ms` is null where the clock was set back while the span was open. `upstream_cluster` is Envoy's cluster
    name; where only the observability name is there (`upstream_cluster.name`), that without its trailing `;`.
    """
    attributes, shared = span.attributes, resource.attributes
    elapsed = span.end_nanoseconds - span.start_nanoseconds
    return (
        source_offset,
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.name,
        span.kind,
        span.start_nanoseconds // _NANOSECONDS_PER_MICROSECOND,
        span.end_nanoseconds // _NANOSECONDS_PER_MICROSECOND,
        elapsed / _NANOSECONDS_PER_MILLISECOND if elapsed >= 0 else None,
        span.status_code,
        span.status_message or None,
        _stated(shared.get("service.name")),
        _stated(attributes.get("node_id") or shared.get("node_id")),
        _stated(attributes.get("istio.canonical_service") or shared.get("istio.canonical_service")),
        _stated(attributes.get("istio.canonical_revision") or shared.get("istio.canonical_revision")),
        _stated(attributes.get("istio.namespace") or shared.get("istio.namespace")),
        _cluster(attributes),
        _stated(attributes.get("upstream_address")) or _stated(attributes.get("peer.address")),
        _stated(attributes.get("guid:x-request-id")),
        _stated(attributes.get("http.method")) or _stated(attributes.get("http.request.method")),
        _stated(attributes.get("http.url")) or _stated(attributes.get("url.full")),
        _stated(attributes.get("http.protocol")),
        _code(attributes.get("http.status_code") or attributes.get("http.response.status_code")),
        _stated(attributes.get("response_flags")),
        attributes,
        shared,
    )


def _stated(value: str | None) -> str | None:
    """Null for what Envoy writes where it has nothing to say."""
    return None if value in ("", "-") else value


def _cluster(attributes: Mapping[str, str | None]) -> str | None:
    name = _stated(attributes.get("upstream_cluster")) or _stated(attributes.get("upstream_cluster.name"))
    return _stated(name.removesuffix(";")) if name else None


def _code(value: str | None) -> int | None:
    # Envoy writes the code as text, applications as an integer; anything else stays readable among the attributes.
    if value is None or not value.isascii() or not value.isdecimal() or len(value) > len(str(_MAX_INT32)):
        return None
    code = int(value)
    return code if code <= _MAX_INT32 else None
