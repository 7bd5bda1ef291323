from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pipelines.parsers import limits, otlp_spans, otlp_traces
from pipelines.parsers.delimited import complete_length
from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited, parse_otlp_traces_json
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import SPAN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

CORPORA = Path(os.environ.get("ENVOY_CORPUS_DIR", Path(__file__).parents[3] / "shared" / "envoy-corpus"))
RECORDINGS = sorted(CORPORA.glob("*/input/otlp-traces/*.gz"))

TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))
START = 1_700_000_000_000_000_500


def _span(**fields: object) -> Span:
    given: dict[str, object] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "checkout",
        "kind": Span.SPAN_KIND_CLIENT,
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_500_000,
    }
    return Span(**(given | fields))  # type: ignore[arg-type]  # fields by name, as the test gives them


def _attributes(**values: AnyValue | str) -> list[KeyValue]:
    return [
        KeyValue(key=key.replace("__", ".").replace("_x_", "-"), value=_any(value)) for key, value in values.items()
    ]


def _any(value: AnyValue | str) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else value


def _request(*spans: Span, **resource: AnyValue | str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    block = request.resource_spans.add()
    block.resource.attributes.extend(_attributes(**resource))
    block.scope_spans.add().spans.extend(spans)
    return request


def _delimited(*messages: ExportTraceServiceRequest | bytes) -> bytes:
    parts = []
    for message in messages:
        body = message if isinstance(message, bytes) else message.SerializeToString()
        parts += [_varint(len(body)), body]
    return b"".join(parts)


def _varint(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def _json_line(
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


def test_envoy_span_becomes_a_row_with_every_column() -> None:
    attributes = _attributes(
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
    span = _span(
        parent_span_id=b"\x09" * 8,
        attributes=attributes,
        status=Status(code=Status.STATUS_CODE_ERROR, message="upstream reset"),
    )
    chunk = _delimited(_request(span, service__name="shop.web"))
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
    nested = AnyValue(kvlist_value=KeyValueList(values=_attributes(a="b", n=AnyValue(int_value=1))))
    span = _span(
        attributes=_attributes(
            text="plain",
            empty="",
            number=AnyValue(int_value=-(2**63)),
            half=AnyValue(double_value=0.5),
            nan=AnyValue(double_value=float("nan")),
            yes=AnyValue(bool_value=True),
            raw=AnyValue(bytes_value=b"\x00\xff"),
            several=AnyValue(array_value=ArrayValue(values=[_any("x"), AnyValue(double_value=1), nested])),
            unset=AnyValue(),
        )
    )
    request = _request(span)
    parsed = (
        parse_otlp_traces_json(_json_line(request), 0)
        if as_json
        else parse_otlp_traces_delimited(_delimited(request), 0)
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
    request = _request(_span(kind=number))
    assert parse_otlp_traces_delimited(_delimited(request), 0).accepted["kind"].to_pylist() == [kind]
    assert parse_otlp_traces_json(_json_line(request), 0).accepted["kind"].to_pylist() == [kind]


def test_what_envoy_leaves_unsaid_is_null() -> None:
    span = _span(
        attributes=_attributes(response_flags="-", http__status_code="-", peer__address="", upstream_cluster="-")
    )
    row = parse_otlp_traces_delimited(_delimited(_request(span)), 0).accepted.to_pylist()[0]
    names = ("response_flags", "response_code", "peer_address", "upstream_cluster", "parent_span_id", "status_message")
    assert [row[name] for name in names] == [None] * len(names)
    assert row["status_code"] == "UNSET"


def test_columns_fall_back_to_what_applications_and_resources_say() -> None:
    span = _span(
        attributes=_attributes(
            http__request__method="PUT",
            url__full="http://x/",
            http__response__status_code=AnyValue(int_value=201),
            upstream_cluster__name="inbound|80||;",
            peer__address="10.1.1.1",
        )
    )
    row = parse_otlp_traces_delimited(
        _delimited(_request(span, node_id="n", istio__namespace="web")), 0
    ).accepted.to_pylist()[0]
    assert (row["method"], row["url"], row["response_code"]) == ("PUT", "http://x/", 201)
    assert (row["upstream_cluster"], row["peer_address"]) == ("inbound|80||", "10.1.1.1")
    assert (row["node_id"], row["istio_namespace"]) == ("n", "web")


def test_an_all_zero_parent_is_no_parent() -> None:
    request = _request(_span(parent_span_id=bytes(8)))
    assert parse_otlp_traces_delimited(_delimited(request), 0).accepted["parent_span_id"].to_pylist() == [None]
    assert parse_otlp_traces_json(_json_line(request), 0).accepted["parent_span_id"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": bytes(16)}, "trace_id is all zeros"),
        ({"span_id": bytes(8)}, "span_id is all zeros"),
        ({"trace_id": b"\x01" * 8}, "trace_id has 8 bytes, not 16"),
        ({"span_id": b""}, "span_id has 0 bytes, not 8"),
        ({"parent_span_id": b"\x01"}, "parent_span_id has 1 bytes, not 8"),
        ({"start_time_unix_nano": 0}, "no start time"),
        ({"end_time_unix_nano": 0}, "no end time"),
        ({"end_time_unix_nano": START - 2_000_000_000}, "ends 2000.000 ms before it starts"),
    ],
)
def test_invalid_span_is_rejected_alone_with_its_own_bytes(fields: dict[str, object], reason: str) -> None:
    bad = _span(**fields)
    chunk = _delimited(_request(_span(name="before"), bad, _span(name="after")))
    parsed = parse_otlp_traces_delimited(chunk, 7)
    assert parsed.accepted["name"].to_pylist() == ["before", "after"]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert (reject["source_offset"], reject["raw"]) == (7, bad.SerializeToString())


def test_a_clock_set_back_leaves_the_duration_unknown() -> None:
    request = _request(_span(end_time_unix_nano=START - 1_000_000))
    assert parse_otlp_traces_delimited(_delimited(request), 0).accepted["duration_ms"].to_pylist() == [None]


def test_a_span_that_is_no_utf8_costs_no_other_span() -> None:
    good, bad = _span(name="good"), _span(name="bad!!").SerializeToString().replace(b"bad!!", b"bad\xff\xfe")
    scope = b"".join(b"\x12" + _varint(len(raw)) + raw for raw in (good.SerializeToString(), bad))
    block = b"\x12" + _varint(len(scope)) + scope
    parsed = parse_otlp_traces_delimited(_delimited(b"\x0a" + _varint(len(block)) + block), 0)
    assert parsed.accepted["name"].to_pylist() == ["good"]
    assert parsed.rejected["raw"].to_pylist() == [bad]


def test_an_undecodable_message_is_one_reject_and_the_next_is_read() -> None:
    broken = b"\x0a\x50 not a message"
    first = _delimited(_request(_span(name="one")))
    chunk = first + _delimited(broken, _request(_span(name="two")))
    parsed = parse_otlp_traces_delimited(chunk, 0)
    assert parsed.accepted["name"].to_pylist() == ["one", "two"]
    [reject] = parsed.rejected.to_pylist()
    assert (reject["source_offset"], reject["raw"]) == (len(first), broken)


def test_truncated_tail_and_bad_length_are_one_reject_of_the_rest() -> None:
    whole = _delimited(_request(_span()))
    for tail in (whole[:-3], b"\xff" * 10 + whole, b"\xff\xff\xff\xff\x7f" + whole, b"\x80"):
        parsed = parse_otlp_traces_delimited(whole + tail, 50)
        assert parsed.accepted.num_rows == 1
        [reject] = parsed.rejected.to_pylist()
        assert (reject["source_offset"], reject["raw"]) == (50 + len(whole), tail)


def test_how_far_a_growing_file_can_be_read() -> None:
    whole = _delimited(_request(_span()))
    assert complete_length(whole + whole[:-1]) == len(whole)
    assert complete_length(whole + b"\x80") == len(whole)
    damaged = whole + b"\xff" * 11
    assert complete_length(damaged) == len(damaged)
    assert complete_length(whole) == len(whole)


def test_spans_of_one_message_share_its_offset() -> None:
    first, second = _request(_span(), _span()), _request(_span())
    parsed = parse_otlp_traces_delimited(_delimited(first, second), 1000)
    following = 1000 + len(_delimited(first))
    assert parsed.accepted["source_offset"].to_pylist() == [1000, 1000, following]


def test_a_resource_after_its_spans_still_names_them() -> None:
    resource = _request(service__name="late").resource_spans[0].resource.SerializeToString()
    span = _span().SerializeToString()
    scope = b"\x12" + _varint(len(span)) + span
    block = b"\x12" + _varint(len(scope)) + scope + b"\x0a" + _varint(len(resource)) + resource
    parsed = parse_otlp_traces_delimited(_delimited(b"\x0a" + _varint(len(block)) + block), 0)
    assert parsed.accepted["service_name"].to_pylist() == ["late"]


def test_spans_of_a_message_full_of_bad_ones_are_given_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_traces, "MAX_REJECTS_PER_MESSAGE", 3)
    chunk = _delimited(_request(*[_span(trace_id=bytes(16)) for _ in range(10)]), _request(_span()))
    parsed = parse_otlp_traces_delimited(chunk, 0)
    assert parsed.accepted.num_rows == 1
    assert parsed.rejected.num_rows == 4
    assert "given up" in parsed.rejected["reason"].to_pylist()[-1]


def test_a_huge_resource_is_not_repeated_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_spans, "repeat_budget", lambda _size: 5_000)
    parsed = parse_otlp_traces_delimited(_delimited(_request(*[_span()] * 10, service__name="s" * 1_000)), 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (4, 6)
    assert limits.repeat_budget(1_000_000) > 5_000


def test_json_lines_are_read_like_protobuf() -> None:
    request = _request(
        _span(attributes=_attributes(node_id="n", http__status_code="200"), status=Status(code=Status.STATUS_CODE_OK)),
        _span(name="second", parent_span_id=SPAN_ID),
        service__name="shop",
    )
    from_json = parse_otlp_traces_json(_json_line(request), 0)
    from_protobuf = parse_otlp_traces_delimited(_delimited(request), 0)
    assert from_json.rejected.num_rows == 0
    assert from_json.accepted.to_pylist() == from_protobuf.accepted.to_pylist()


def test_json_takes_enum_names_numbers_for_strings_and_upper_case_ids() -> None:
    def edit(span: dict[str, object]) -> None:
        span["kind"] = "SPAN_KIND_PRODUCER"
        span["status"] = {"code": "STATUS_CODE_ERROR"}
        span["startTimeUnixNano"] = START
        span["traceId"] = TRACE_ID.hex().upper()

    row = parse_otlp_traces_json(_json_line(_request(_span()), edit), 0).accepted.to_pylist()[0]
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
    good = _json_line(_request(_span(name="good")))
    bad = _json_line(_request(_span()), lambda span: span.update(changes))
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
    good = _json_line(_request(_span()))
    parsed = parse_otlp_traces_json(b"\n" + line + b"\r\n\n" + good, 0)
    assert parsed.accepted["source_offset"].to_pylist() == [len(line) + 4]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert (reject["source_offset"], reject["raw"]) == (1, line)


def test_nothing_is_read_from_nothing() -> None:
    for parsed in (parse_otlp_traces_delimited(b"", 0), parse_otlp_traces_json(b" \n", 0)):
        assert (parsed.read, parsed.accepted.schema) == (0, accepted_schema(SPAN_FIELDS))


@pytest.mark.corpus
@pytest.mark.skipif(not RECORDINGS, reason="no corpus")
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.parts[-4])
def test_every_recorded_span_is_accepted(recording: Path) -> None:
    chunk = gzip.decompress(recording.read_bytes())
    parsed = parse_otlp_traces_delimited(chunk, 0)
    assert parsed.rejected.num_rows == 0
    assert parsed.read == _count_spans(chunk) > 0
    assert parsed.accepted["istio_canonical_service"].null_count == 0
    assert not [name for name in parsed.accepted["upstream_cluster"].to_pylist() if name and name.endswith(";")]


def _count_spans(chunk: bytes) -> int:
    """Counted by the generated code alone."""
    position, spans = 0, 0
    while position < len(chunk):
        length, shift = 0, 0
        while True:
            byte = chunk[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        request = ExportTraceServiceRequest.FromString(chunk[position : position + length])
        position += length
        spans += sum(len(scope.spans) for block in request.resource_spans for scope in block.scope_spans)
    return spans
