"""Formats told from first bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.inputs.recognise import recognise
from pipelines.inputs.recognition import SNIFF_BYTES
from pipelines.parsers.delimited import frames
from tests.parsers.als_streams import NODE, http_entry, message, stream, tcp_entry
from tests.support.log_lines import json_line, text_line, text_log

if TYPE_CHECKING:
    from google.protobuf.message import Message

WATCH = {"type": "ADDED", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
ANSWER = {"status": "success", "data": {"resultType": "matrix", "result": []}}
TRACES: object = {"resourceSpans": [{"resource": {}, "scopeSpans": []}]}


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def delimited(message: Message) -> bytes:
    data = message.SerializeToString()
    prefix = bytearray()
    length = len(data)
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    framed = bytes(prefix) + data
    assert [frame.problem for frame in frames(framed)] == [None]
    return framed


def traces() -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "cart"
    span = resource.scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"\1" * 16, b"\2" * 8, "call"
    return delimited(request)


def logs() -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1_700_000_000_000_000_000)
    record.body.string_value = text_line(0).decode()
    return delimited(request)


def metrics() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests_of_cart")
    metric.sum.data_points.add(as_int=1)
    return delimited(request)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text_log(3), "istio_text"),
        (b"not a log line\n\x80\xff\n" + text_log(3), "istio_text"),
        (b"\xef\xbb\xbf" + text_log(1), "istio_text"),
        (text_log(1).replace(b"curl/8.5.0", b'nul \0 and "quotes"'), "istio_text"),
        (json_line(0) + json_line(1), "istio_json"),
        (b"{broken\n" + json_line(0) + json_line(1), "istio_json"),
        (lines(WATCH, WATCH), "kubernetes_watch"),
        (lines(WATCH), "kubernetes_watch"),
        (lines(POD), "kubernetes_json"),
        (json.dumps({"apiVersion": "v1", "kind": "List", "items": [POD]}, indent=2).encode(), "kubernetes_json"),
        (b"---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "kubernetes_yaml"),
        (b"# a comment\nkind: Pod\napiVersion: v1\n", "kubernetes_yaml"),
        (lines(ANSWER), "prometheus_range"),
        (json.dumps(ANSWER, indent=1).encode(), "prometheus_range"),
        (b'{"status":"error","errorType":"bad_data","error":"no"}', "prometheus_range"),
        (lines(TRACES, TRACES), "otlp_traces_json"),
        (traces(), "otlp_traces"),
        (logs(), "otlp_logs"),
        (metrics(), "otlp_metrics"),
        (stream(message(http_entry(), node=NODE)), "als"),
        (stream(message(node=NODE), message(tcp_entry())), "als"),
        (delimited(ExportTraceServiceRequest()) + traces(), "otlp_traces"),
    ],
)
def test_recognised(content: bytes, expected: str) -> None:
    assert recognise(content, "/logs/file", is_whole=True).format == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "white space"),
        (b"[2026-11-22 22:04:58.808][6875][warning][main] [source/server/server.cc:1059] hot\n", "Envoy's own log"),
        (b"2026-01-01T00:00:00.000000001Z stdout F hello\n", "wrapped by cri, and within: no format"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "binary"),
        (lines({"a": 1}, {"a": 2}), "JSON lines of no known kind"),
        (b"hello world\n", "'hello world'"),
    ],
)
def test_not_read_and_why(content: bytes, reason: str) -> None:
    recognised = recognise(content, "/logs/file", is_whole=True)
    assert recognised.format is None
    assert reason in recognised.reason


def test_queries_file_is_told_by_name_and_content() -> None:
    content = json.dumps({"a.json": "up"}).encode()
    assert "queries" in recognise(content, "/answers/queries.json", is_whole=True).reason


@pytest.mark.parametrize("content", [traces(), logs(), metrics(), lines(ANSWER)])
def test_a_cut_sample_is_recognised_like_the_whole(content: bytes) -> None:
    whole = recognise(content, "/f", is_whole=True)
    assert recognise(content[: len(content) * 9 // 10], "/f", is_whole=False) == whole


def test_a_document_larger_than_the_sample() -> None:
    series = [{"metric": {"__name__": "up"}, "values": [[0, "1"]]}] * 10_000
    content = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}).encode()
    assert len(content) > SNIFF_BYTES
    assert recognise(content[:SNIFF_BYTES], "/a.json", is_whole=False).format == "prometheus_range"


@example(b"\xef\xbb\xbf", True)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_give_a_format_or_a_reason(content: bytes, is_whole: bool) -> None:
    recognised = recognise(content, "/f", is_whole=is_whole)
    assert (recognised.format is None) == bool(recognised.reason)
