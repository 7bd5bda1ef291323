from __future__ import annotations

import json

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited, parse_otlp_traces_json
from tests.parsers.trace_requests import (
    SPAN_ID,
    START,
    TRACE_ID,
    attributes_of,
    delimited,
    json_line,
    span_message,
    trace_request,
)


def test_json_lines_are_read_like_protobuf() -> None:
    request = trace_request(
        span_message(
            attributes=attributes_of(node_id="n", http__status_code="200"), status=Status(code=Status.STATUS_CODE_OK)
        ),
        span_message(name="second", parent_span_id=SPAN_ID),
        service__name="shop",
    )
    from_json = parse_otlp_traces_json(json_line(request), 0)
    from_protobuf = parse_otlp_traces_delimited(delimited(request), 0)
    assert from_json.rejected.num_rows == 0
    assert from_json.accepted.to_pylist() == from_protobuf.accepted.to_pylist()


def test_json_takes_enum_names_numbers_for_strings_and_upper_case_ids() -> None:
    def edit(span: dict[str, object]) -> None:
        span["kind"] = "SPAN_KIND_PRODUCER"
        span["status"] = {"code": "STATUS_CODE_ERROR"}
        span["startTimeUnixNano"] = START
        span["traceId"] = TRACE_ID.hex().upper()

    row = parse_otlp_traces_json(json_line(trace_request(span_message()), edit), 0).accepted.to_pylist()[0]
    assert (row["kind"], row["status_code"], row["trace_id"]) == ("PRODUCER", "ERROR", TRACE_ID.hex())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"traceId": "AQIDBAUGBwgJCgsMDQ4PEA=="}, "not 32 hex digits"),
        ({"spanId": "xyzt" * 4}, "not 16 hex digits"),
        ({"attributes": {"a": 1}}, "attributes"),
        ({"endTimeUnixNano": "soon"}, "endTimeUnixNano"),
        ({"startTimeUnixNano": "-5"}, "no start time"),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "%"}}]}, "base64"),
    ],
)
def test_a_bad_json_span_is_rejected_alone(changes: dict[str, object], reason: str) -> None:
    good = json_line(trace_request(span_message(name="good")))
    bad = json_line(trace_request(span_message()), lambda span: span.update(changes))
    parsed = parse_otlp_traces_json(bad + good, 3)
    assert parsed.accepted["name"].to_pylist() == ["good"]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert reject["source_offset"] == 3
    assert json.loads(reject["raw"])["name"] == "checkout"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"resourceLogs":[]}', "OTLP logs, not traces"),
        (b'{"resourceMetrics":[]}', "OTLP metrics, not traces"),
        (b'{"kind":"List"}', "no resourceSpans"),
        (b'{"resourceSpans":', "truncated"),
        (b'{"resourceSpans":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "resourceSpans"),
        (b"\xff\xfe", "not an OTLP/JSON trace request"),
    ],
)
def test_a_line_that_is_no_trace_request_is_one_reject(line: bytes, reason: str) -> None:
    good = json_line(trace_request(span_message()))
    parsed = parse_otlp_traces_json(b"\n" + line + b"\r\n\n" + good, 0)
    assert parsed.accepted["source_offset"].to_pylist() == [len(line) + 4]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert (reject["source_offset"], reject["raw"]) == (1, line)
