"""Zipkin's and Jaeger's JSON: the same spans as their OTLP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsers.jaeger import parse_jaeger, parse_jaeger_lines
from pipelines.parsers.otlp_traces import parse_otlp_traces_json
from pipelines.parsers.zipkin import parse_zipkin, parse_zipkin_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.result import Parsed

TRACE, PARENT, SPAN = "ee74f6762111ae488721b000fcd57eef", "638db61848e4f8f4", "211e740b7db0c1a8"
START_US, DURATION_US = 1_795_385_106_086_609, 10_250
#: What Envoy's tracers say in tags, and Istio in custom ones.
TAGS = {
    "node_id": "sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local",
    "component": "proxy",
    "upstream_cluster": "outbound|9080||ratings.shop.svc.cluster.local",
    "upstream_cluster.name": "outbound|9080||ratings.shop.svc.cluster.local;",
    "peer.address": "10.1.0.5",
    "guid:x-request-id": "efcc30aa-f0a3-90cf-9402-f3e35e4a8ef5",
    "http.url": "http://ratings:9080/ratings/0",
    "http.method": "GET",
    "http.protocol": "HTTP/1.1",
    "http.status_code": "503",
    "response_flags": "UF",
    "istio.canonical_service": "reviews",
    "istio.canonical_revision": "v1",
    "istio.namespace": "shop",
    "error": "true",
}
NAME, SERVICE = "ratings.shop.svc.cluster.local:9080/*", "reviews.shop"


def zipkin(**changed: object) -> dict[str, object]:
    return {
        "traceId": TRACE,
        "id": SPAN,
        "parentId": PARENT,
        "name": NAME,
        "kind": "CLIENT",
        "timestamp": START_US,
        "duration": DURATION_US,
        "localEndpoint": {"serviceName": SERVICE, "ipv4": "10.1.0.5", "port": 0},
        "tags": TAGS,
    } | changed


def jaeger(**changed: object) -> dict[str, object]:
    return {
        "traceID": TRACE,
        "spanID": SPAN,
        "operationName": NAME,
        "references": [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": PARENT}],
        "startTime": START_US,
        "duration": DURATION_US,
        "tags": [{"key": "span.kind", "type": "string", "value": "client"}]
        + [{"key": key, "type": "string", "value": value} for key, value in TAGS.items()],
        "processID": "p1",
    } | changed


def answer(*spans: object) -> bytes:
    processes = {"p1": {"serviceName": SERVICE, "tags": [{"key": "ip", "type": "string", "value": "10.1.0.5"}]}}
    return json.dumps({"data": [{"traceID": TRACE, "spans": spans, "processes": processes}], "errors": None}).encode()


def otlp() -> dict[str, object]:
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": PARENT,
        "name": NAME,
        "kind": 3,
        "startTimeUnixNano": str(START_US * 1000),
        "endTimeUnixNano": str((START_US + DURATION_US) * 1000),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in TAGS.items()],
        "status": {"code": 2},
    }
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    line = json.dumps({"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}).encode()
    return one(parse_otlp_traces_json(line, 0))


def one(parsed: Parsed) -> dict[str, object]:
    assert (parsed.read, parsed.rejected.num_rows) == (1, 0), parsed.rejected.to_pylist()
    (row,) = parsed.accepted.to_pylist()
    return {name: value for name, value in row.items() if name not in {"source_offset", "resource_attributes"}}


def reason(parsed: Parsed) -> str:
    assert (parsed.read, parsed.accepted.num_rows) == (1, 0)
    return str(parsed.rejected["reason"][0])


def test_a_zipkin_span_is_the_same_as_its_otlp() -> None:
    row = one(parse_zipkin(json.dumps([zipkin()]).encode(), 0))
    assert row == otlp()


def test_a_jaeger_span_is_the_same_as_its_otlp() -> None:
    row = one(parse_jaeger(answer(jaeger()), 0))
    assert row | {"attributes": row["attributes"][1:]} == otlp()  # type: ignore[index]  # a list of pairs


@pytest.mark.parametrize("document", [[zipkin()], [[zipkin()]], zipkin()], ids=["spans", "traces", "span"])
def test_all_forms_of_zipkin(document: object) -> None:
    content = json.dumps(document, indent=1).encode()
    assert one(parse_zipkin(content, 0)) == one(parse_zipkin_lines(json.dumps(document).encode(), 0)) == otlp()


@pytest.mark.parametrize(
    "document",
    [
        {"data": [{"spans": [jaeger(process={"serviceName": SERVICE})]}]},
        [jaeger(process={"serviceName": SERVICE})],
        jaeger(process={"serviceName": SERVICE}),
        {"process": {"serviceName": SERVICE}, "spans": [jaeger()]},
        {"spans": [jaeger(references=None, parentSpanID=PARENT)], "processes": {"p1": {"serviceName": SERVICE}}},
    ],
    ids=["answer", "list", "span", "batch", "trace"],
)
def test_all_forms_of_jaeger(document: object) -> None:
    content = json.dumps(document).encode()
    row = one(parse_jaeger_lines(content + b"\n", 0))
    assert row == one(parse_jaeger(content, 0))
    assert {**row, "attributes": None} == {**otlp(), "attributes": None}


def test_tags_as_elasticsearch_holds_them() -> None:
    span = jaeger(tags=None, tag={"span@kind": "client", "http.status_code": 404, "error": False})
    row = one(parse_jaeger_lines(json.dumps(span).encode(), 0))
    assert (row["response_code"], row["status_code"], dict(row["attributes"])["error"]) == (404, "UNSET", "false")  # type: ignore[call-overload]  # pairs


def test_short_ids_are_those_of_otlp() -> None:
    row = one(parse_zipkin(json.dumps([zipkin(traceId="8721B000FCD57EEF", id="1A", parentId=None)]).encode(), 0))
    assert (row["trace_id"], row["span_id"]) == ("0" * 16 + "8721b000fcd57eef", "00000000000000" + "1a")
    assert row["parent_span_id"] is None


def test_the_servers_half_of_a_shared_span_is_a_span_of_its_own() -> None:
    spans = [zipkin(), zipkin(kind="SERVER", shared=True), zipkin(id="1", parentId=SPAN, kind="CLIENT")]
    client, server, child = parse_zipkin(json.dumps(spans).encode(), 0).accepted.to_pylist()
    assert (client["span_id"], client["parent_span_id"]) == (SPAN, PARENT)
    assert server["span_id"] not in {SPAN, PARENT}
    assert server["parent_span_id"] == SPAN
    assert child["parent_span_id"] == server["span_id"]


def test_no_duration_is_not_none() -> None:
    without = {key: value for key, value in zipkin().items() if key != "duration"}
    row = one(parse_zipkin(json.dumps([without]).encode(), 0))
    assert row["duration_ms"] is None
    assert one(parse_zipkin(json.dumps([zipkin(duration=0)]).encode(), 0))["duration_ms"] == 0


def test_where_a_server_is() -> None:
    tags = {key: value for key, value in TAGS.items() if key != "peer.address"}
    for endpoint, address in (
        ({"ipv4": "10.1.0.9", "port": 80}, "10.1.0.9:80"),
        ({"ipv6": "fd00::9", "port": 80}, "[fd00::9]:80"),
        ({"serviceName": "db"}, None),
    ):
        row = one(parse_zipkin(json.dumps([zipkin(tags=tags, remoteEndpoint=endpoint)]).encode(), 0))
        assert row["peer_address"] == address


@pytest.mark.parametrize(
    "changed",
    [{"traceId": "xyz"}, {"id": ""}, {"id": "0"}, {"timestamp": None}, {"duration": -1}, {"binaryAnnotations": []},
     {"tags": {"a": 1}}, {"traceId": "1" * 33}],
    ids=str,
)  # fmt: skip
def test_a_zipkin_span_that_cannot_be_is_a_reject_beside_the_others(changed: dict[str, object]) -> None:
    content = json.dumps([zipkin(), zipkin(**changed), zipkin()]).encode()
    parsed = parse_zipkin(content, 100)
    assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (3, 2, 1)
    (reject,) = parsed.rejected.to_pylist()
    assert content[reject["source_offset"] - 100 :].startswith(reject["raw"])


@pytest.mark.parametrize("changed", [{"traceID": ""}, {"spanID": "zz"}, {"startTime": 0}, {"duration": -1}], ids=str)
def test_a_jaeger_span_that_cannot_be_is_a_reject_beside_the_others(changed: dict[str, object]) -> None:
    content = answer(jaeger(), jaeger(**changed), jaeger())
    parsed = parse_jaeger(content, 100)
    assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (3, 2, 1)
    (reject,) = parsed.rejected.to_pylist()
    assert content[reject["source_offset"] - 100 :].startswith(reject["raw"])


@pytest.mark.parametrize("parse", [parse_zipkin, parse_zipkin_lines, parse_jaeger, parse_jaeger_lines])
@pytest.mark.parametrize("content", [b"{", b"[1", b"[[1]]", b'"a"', b"[" * 5000, b"\xff", b'{"data":1}'])
def test_what_is_none_is_a_reject(parse: Callable[[bytes, int], Parsed], content: bytes) -> None:
    assert reason(parse(content, 0))


@pytest.mark.parametrize("parse", [parse_zipkin, parse_zipkin_lines, parse_jaeger, parse_jaeger_lines])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_nothing_raises(parse: Callable[[bytes, int], Parsed], data: st.DataObject) -> None:
    whole = [
        json.dumps([zipkin(), zipkin(shared=True)]).encode(),
        answer(jaeger(), jaeger()),
        json.dumps(jaeger()).encode(),
    ]
    chunk = bytearray(b"\n".join(data.draw(st.lists(st.sampled_from(whole), max_size=3))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = parse(bytes(chunk), 0)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows
