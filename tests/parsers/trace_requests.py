"""OTLP trace requests for the tests of their parsers, encoded as exporters and collectors encode them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

if TYPE_CHECKING:
    from collections.abc import Callable

TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))
START = 1_700_000_000_000_000_500


def span_message(**fields: object) -> Span:
    given: dict[str, object] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "checkout",
        "kind": Span.SPAN_KIND_CLIENT,
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_500_000,
    }
    return Span(**(given | fields))  # type: ignore[arg-type]  # fields by name, as the test gives them


def attributes_of(**values: AnyValue | str) -> list[KeyValue]:
    return [
        KeyValue(key=key.replace("__", ".").replace("_x_", "-"), value=any_value(value))
        for key, value in values.items()
    ]


def any_value(value: AnyValue | str) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else value


def trace_request(*spans: Span, **resource: AnyValue | str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    block.resource.attributes.extend(attributes_of(**resource))
    block.scope_spans.add().spans.extend(spans)
    return request


def delimited(*messages: ExportTraceServiceRequest | bytes) -> bytes:
    parts = []
    for message in messages:
        body = message if isinstance(message, bytes) else message.SerializeToString()
        parts += [varint(len(body)), body]
    return b"".join(parts)


def varint(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def json_line(
    request: ExportTraceServiceRequest, edit: Callable[[dict[str, object]], object] = lambda span: span
) -> bytes:
    """The request as a collector writes it: lowerCamelCase, hex ids, enums as numbers, 64-bit integers as strings."""
    document = MessageToDict(request, use_integers_for_enums=True)
    for block in document.get("resourceSpans", []):
        for scope in block["scopeSpans"]:
            for span, original in zip(scope["spans"], request.resource_spans[0].scope_spans[0].spans, strict=True):
                for field, name in (("trace_id", "traceId"), ("span_id", "spanId"), ("parent_span_id", "parentSpanId")):
                    span[name] = getattr(original, field).hex()
                edit(span)
    return json.dumps(document).encode() + b"\n"
