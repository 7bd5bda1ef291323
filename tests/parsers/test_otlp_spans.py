from __future__ import annotations

from datetime import UTC, datetime

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited, parse_otlp_traces_json
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import SPAN_FIELDS
from tests.parsers.trace_requests import (
    SPAN_ID,
    START,
    TRACE_ID,
    any_value,
    attributes_of,
    delimited,
    json_line,
    span_message,
    trace_request,
)


def test_envoy_span_becomes_a_row_with_every_column() -> None:
    attributes = attributes_of(
        node_id="sidecar~10.0.0.1~shop-1.web~web.svc.cluster.local",
        upstream_cluster="outbound|80||cart.web.svc.cluster.local",
        upstream_cluster__name="outbound|80||cart.web.svc.cluster.local;",
        upstream_address="10.0.0.7:80",
        peer__address="10.0.0.8:80",
        http__method="GET",
        http__url="http://cart/items",
        http__protocol="HTTP/1.1",
        http__status_code="503",
        response_flags="UF,URX",
        istio__canonical_service="shop",
        istio__canonical_revision="v2",
        istio__namespace="web",
    )
    attributes.append(KeyValue(key="guid:x-request-id", value=AnyValue(string_value="r-1")))
    span = span_message(
        parent_span_id=b"\x09" * 8,
        attributes=attributes,
        status=Status(code=Status.STATUS_CODE_ERROR, message="upstream reset"),
    )
    chunk = delimited(trace_request(span, service__name="shop.web"))
    parsed = parse_otlp_traces_delimited(chunk, 100)
    assert parsed.accepted.schema == accepted_schema(SPAN_FIELDS)
    row = parsed.accepted.to_pylist()[0]
    assert dict(row.pop("attributes"))["upstream_cluster.name"].endswith(";")
    assert row.pop("resource_attributes") == [("service.name", "shop.web")]
    assert row == {
        "source_offset": 100,
        "trace_id": TRACE_ID.hex(),
        "span_id": SPAN_ID.hex(),
        "parent_span_id": "09" * 8,
        "name": "checkout",
        "kind": "CLIENT",
        "start_time": datetime.fromtimestamp(START // 10**9, UTC),
        "end_time": datetime.fromtimestamp(START // 10**9, UTC).replace(microsecond=1500),
        "duration_ms": 1.5,
        "status_code": "ERROR",
        "status_message": "upstream reset",
        "service_name": "shop.web",
        "node_id": "sidecar~10.0.0.1~shop-1.web~web.svc.cluster.local",
        "istio_canonical_service": "shop",
        "istio_canonical_revision": "v2",
        "istio_namespace": "web",
        "upstream_cluster": "outbound|80||cart.web.svc.cluster.local",
        "peer_address": "10.0.0.7:80",
        "request_id": "r-1",
        "method": "GET",
        "url": "http://cart/items",
        "protocol": "HTTP/1.1",
        "response_code": 503,
        "response_flags": "UF,URX",
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_attribute_values_of_every_type_become_text(as_json: bool) -> None:
    nested = AnyValue(kvlist_value=KeyValueList(values=attributes_of(a="b", n=AnyValue(int_value=1))))
    span = span_message(
        attributes=attributes_of(
            text="plain",
            empty="",
            number=AnyValue(int_value=-(2**63)),
            half=AnyValue(double_value=0.5),
            nan=AnyValue(double_value=float("nan")),
            yes=AnyValue(bool_value=True),
            raw=AnyValue(bytes_value=b"\x00\xff"),
            several=AnyValue(array_value=ArrayValue(values=[any_value("x"), AnyValue(double_value=1), nested])),
            unset=AnyValue(),
        )
    )
    request = trace_request(span)
    parsed = (
        parse_otlp_traces_json(json_line(request), 0) if as_json else parse_otlp_traces_delimited(delimited(request), 0)
    )
    assert dict(parsed.accepted["attributes"][0].as_py()) == {
        "text": "plain",
        "empty": "",
        "number": "-9223372036854775808",
        "half": "0.5",
        "nan": "NaN",
        "yes": "true",
        "raw": "00ff",
        "several": '["x",1.0,{"a":"b","n":1}]',
        "unset": None,
    }


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, "UNSPECIFIED"),
        (1, "INTERNAL"),
        (2, "SERVER"),
        (3, "CLIENT"),
        (4, "PRODUCER"),
        (5, "CONSUMER"),
        (9, "UNSPECIFIED"),
    ],
)
def test_kinds(number: int, kind: str) -> None:
    request = trace_request(span_message(kind=number))
    assert parse_otlp_traces_delimited(delimited(request), 0).accepted["kind"].to_pylist() == [kind]
    assert parse_otlp_traces_json(json_line(request), 0).accepted["kind"].to_pylist() == [kind]


def test_what_envoy_leaves_unsaid_is_null() -> None:
    span = span_message(
        attributes=attributes_of(response_flags="-", http__status_code="-", peer__address="", upstream_cluster="-")
    )
    row = parse_otlp_traces_delimited(delimited(trace_request(span)), 0).accepted.to_pylist()[0]
    names = ("response_flags", "response_code", "peer_address", "upstream_cluster", "parent_span_id", "status_message")
    assert [row[name] for name in names] == [None] * len(names)
    assert row["status_code"] == "UNSET"


def test_columns_fall_back_to_what_applications_and_resources_say() -> None:
    span = span_message(
        attributes=attributes_of(
            http__request__method="PUT",
            url__full="http://x/",
            http__response__status_code=AnyValue(int_value=201),
            upstream_cluster__name="inbound|80||;",
            peer__address="10.1.1.1",
        )
    )
    row = parse_otlp_traces_delimited(
        delimited(trace_request(span, node_id="n", istio__namespace="web")), 0
    ).accepted.to_pylist()[0]
    assert (row["method"], row["url"], row["response_code"]) == ("PUT", "http://x/", 201)
    assert (row["upstream_cluster"], row["peer_address"]) == ("inbound|80||", "10.1.1.1")
    assert (row["node_id"], row["istio_namespace"]) == ("n", "web")


def test_an_all_zero_parent_is_no_parent() -> None:
    request = trace_request(span_message(parent_span_id=bytes(8)))
    assert parse_otlp_traces_delimited(delimited(request), 0).accepted["parent_span_id"].to_pylist() == [None]
    assert parse_otlp_traces_json(json_line(request), 0).accepted["parent_span_id"].to_pylist() == [None]


def test_a_clock_set_back_leaves_the_duration_unknown() -> None:
    request = trace_request(span_message(end_time_unix_nano=START - 1_000_000))
    assert parse_otlp_traces_delimited(delimited(request), 0).accepted["duration_ms"].to_pylist() == [None]
