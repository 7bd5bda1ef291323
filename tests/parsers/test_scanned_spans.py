"""What compiled code reads of trace requests is what the parser of single spans reads, rejects and all."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pipelines.parsers import otlp_traces
from pipelines.parsers.otlp_traces import parse_scanned, parse_singly
from tests.parsers.trace_requests import START, attributes_of, delimited, span_message, trace_request, varint
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from pipelines.parsers.result import Parsed


def same(chunk: bytes) -> Parsed:
    """What both read."""
    fast, single = parse_scanned(chunk, 7), parse_singly(chunk, 7)
    assert fast is not None
    assert fast.read == single.read
    assert fast.rejected.to_pylist() == single.rejected.to_pylist()
    assert fast.accepted.to_pylist() == single.accepted.to_pylist()
    for column in fast.accepted.columns:
        for piece in column.chunks:
            piece.validate(full=True)
    return fast


ENVOY = {
    "node_id": "sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local",
    "guid:x-request-id": "r-1",
    "http.url": "http://ratings:9080/ratings/5?q=" + "x" * 120,
    "http.method": "GET",
    "http.status_code": "200",
    "upstream_cluster": "outbound|9080||ratings.shop.svc.cluster.local;",
    "upstream_cluster.name": "outbound|9080||ratings;",
    "response_flags": "-",
    "peer.address": "10.1.0.7",
    "istio.namespace": "",
}


def envoy_span(**changed: str) -> Span:
    pairs = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in (ENVOY | changed).items()]
    return span_message(attributes=pairs, parent_span_id=b"\x09" * 8, flags=257, trace_state="a=b")


def span_of_an_application() -> Span:
    span = span_message(
        kind=77,
        attributes=[
            KeyValue(key="http.response.status_code", value=AnyValue(int_value=404)),
            KeyValue(key="url.full", value=AnyValue(string_value="ü\n\0")),
            KeyValue(key="ok", value=AnyValue(bool_value=True)),
            KeyValue(key="no", value=AnyValue(bool_value=False)),
            KeyValue(key="least", value=AnyValue(int_value=-(2**63) + 1)),
            KeyValue(key="most", value=AnyValue(int_value=2**63 - 1)),
            KeyValue(key="zero", value=AnyValue(int_value=0)),
        ],
        status=Status(code=Status.STATUS_CODE_ERROR, message="no such thing"),
        dropped_events_count=3,
    )
    span.events.add(name="retry", time_unix_nano=START, attributes=attributes_of(a="b"))
    listed = AnyValue(kvlist_value=KeyValueList(values=attributes_of(c="d")))
    span.links.add(trace_id=b"\1" * 16, trace_state="x", attributes=[KeyValue(key="k", value=listed)])
    return span


def odd_spans() -> list[Span]:
    """Spans that are left to the parser of single ones, good and bad."""
    twice = [KeyValue(key="a", value=AnyValue(string_value=value)) for value in "xy"]
    return [
        span_message(attributes=[KeyValue(key="d", value=AnyValue(double_value=0.1))]),
        span_message(attributes=[KeyValue(key="b", value=AnyValue(bytes_value=b"\xff"))]),
        span_message(attributes=[KeyValue(key="nothing"), KeyValue(value=AnyValue())]),
        span_message(attributes=[*twice, KeyValue(key="i", value=AnyValue(int_value=-(2**63)))]),
        span_message(trace_id=bytes(16)),
        span_message(span_id=b"\1"),
        span_message(parent_span_id=bytes(8)),
        span_message(end_time_unix_nano=0),
        span_message(end_time_unix_nano=START - 10),
        span_message(end_time_unix_nano=START - 2_000_000_000),
        span_message(start_time_unix_nano=2**63, end_time_unix_nano=2**64 - 1),
        span_message(start_time_unix_nano=1),
        span_message(name=""),
    ]


def requests() -> list[ExportTraceServiceRequest]:
    named = {"service__name": "reviews.shop", "node_id": "of the resource", "istio__namespace": "shop"}
    found = [
        trace_request(envoy_span(), envoy_span(), span_of_an_application(), **named),
        trace_request(envoy_span(**{"http.status_code": "0x", "upstream_cluster": "-"})),
        trace_request(
            envoy_span(**{"http.status_code": "99999999999", "upstream_cluster": "", "node_id": "-"}), **named
        ),
        trace_request(**named),
    ]
    return found + [trace_request(span) for span in odd_spans()]


def test_all_kinds_of_spans() -> None:
    found = same(delimited(*requests()))
    assert found.accepted.num_rows > 10
    assert found.rejected.num_rows > 3


def test_most_of_them_are_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = delimited(*requests()[:4])
    monkeypatch.setattr(otlp_traces, "_span", None)
    found = parse_scanned(chunk, 0)
    assert found is not None
    assert found.accepted.num_rows == 5


def test_messages_within_messages_are_joined_as_protobuf_joins_them() -> None:
    span = envoy_span().SerializeToString()
    status = b"\x7a\x04\x12\x02ab" + b"\x7a\x02\x18\x02" + b"\x7a\x03\x12\x01c"
    scope = b"\x12" + varint(len(span) + len(status)) + span + status
    block = b"\x12" + varint(len(scope)) + scope
    resource = b"\x0a\x05\x0a\x03\x0a\x01a"
    for body in (
        block,
        resource + block,
        block + resource,
        resource + resource + block,
        b"\x18\x05" + block,
        b"\x1b" + block,
    ):
        same(delimited(b"\x0a" + varint(len(body)) + body + b"\x0a\x00"))


def test_a_chunk_of_nothing_and_damage_between() -> None:
    good = delimited(trace_request(envoy_span()))
    same(b"")
    same(good + bytes(20) + good + b"\x80")
    same(good + delimited(b"\x0a\x50 not a message") + good)


def test_more_keys_than_are_remembered() -> None:
    spans = [span_message(attributes=attributes_of(**{f"key{n}_{m}": "v" for m in range(50)})) for n in range(100)]
    same(delimited(*(trace_request(span) for span in spans)))


def test_resources_are_not_repeated_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_traces, "repeat_budget", lambda _size: 5_000)
    chunk = delimited(trace_request(*[span_message()] * 10, service__name="s" * 1_000))
    assert parse_scanned(chunk, 0) is None


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_is_changed(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(requests()), min_size=1, max_size=4))
    parts = []
    for request in chosen:
        raw = bytearray(request.SerializeToString())
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
            raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        parts.append(bytes(raw))
    same(delimited(*parts))


@pytest.mark.corpus
@each_corpus()
def test_a_corpus(corpus: Corpus) -> None:
    found = same(gzip.decompress((corpus.path / "input" / "otlp-traces" / "otlp_traces.binpb.gz").read_bytes()))
    assert found.rejected.num_rows == 0
