"""OTLP logs as JSON: what Envoy's OpenTelemetry access logger and a collector's file reader write."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from pipelines.parsers.context import Context
from pipelines.parsers.delimited import frames
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.otlp_logs_json import parse_otlp_logs_json
from tests.parsers.access_logs import PLAIN, Request
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from pathlib import Path

TRACE, SPAN = "7fa4bb0e6f402e5d1d2ae032eb71a718", "0e4b4933d1b4abfa"
START_NS = 1_795_385_105_849_879_000


def attributes(values: dict[str, object]) -> list[object]:
    kinds = {str: "stringValue", bool: "boolValue", float: "doubleValue"}
    return [{"key": key, "value": {kinds.get(type(value), "intValue"): value}} for key, value in values.items()]


def record(body: object = None, **given: object) -> dict[str, object]:
    made: dict[str, object] = {"timeUnixNano": str(START_NS), "traceId": TRACE, "spanId": SPAN}
    if body is not None:
        made["body"] = body if isinstance(body, dict) else {"stringValue": body}
    return made | given


def line(*records: object, resource: dict[str, object] | None = None) -> bytes:
    block = {"resource": {"attributes": attributes(resource or {})}, "scopeLogs": [{"logRecords": list(records)}]}
    return json.dumps({"resourceLogs": [block]}).encode() + b"\n"


def rows(chunk: bytes, context: Context | None = None) -> list[dict[str, object]]:
    parsed = parse_otlp_logs_json(chunk, 0, context or Context())
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    found: list[dict[str, object]] = parsed.accepted.to_pylist()
    return found


def reasons(chunk: bytes) -> list[str]:
    parsed = parse_otlp_logs_json(chunk, 0)
    assert parsed.accepted.num_rows == 0
    return [str(reason) for reason in parsed.rejected["reason"].to_pylist()]


def test_a_body_in_istios_text_format_is_read_as_text_is() -> None:
    (row,) = rows(line(record(Request().text().decode() + "\n", attributes=attributes({"response_code": "200"}))))
    (text,) = parse_istio_text(Request().text(), 0).accepted.to_pylist()
    own = {"source_offset": row["source_offset"], "trace_id": TRACE, "span_id": SPAN, "attributes": None}
    assert row == text | own


def test_attributes_alone_make_a_record() -> None:
    said = {"response_code": 503, "response_flags": "UF,URX", "duration": "12", "my_header": "x", "grpc_status": "-"}
    (row,) = rows(line(record(attributes=attributes(said))))
    assert row["start_time"] == datetime(2026, 11, 22, 22, 5, 5, 849879, tzinfo=UTC)
    assert (row["response_code"], row["response_flags"], row["duration_ms"]) == (503, "UF,URX", 12)
    assert (row["grpc_status"], row["attributes"]) == (None, [("my_header", "x")])


def test_a_body_that_is_an_object_or_its_text_says_the_same() -> None:
    named = json.loads(Request().json())
    body = {"kvlistValue": {"values": attributes({key: value for key, value in named.items() if value is not None})}}
    (listed,) = rows(line(record(body)))
    (text,) = rows(line(record(Request().json().decode())))
    assert listed | {"source_offset": 0} == text | {"source_offset": 0}
    assert {name: text[name] for name in PLAIN if name != "start_time"} == {
        name: value for name, value in PLAIN.items() if name != "start_time"
    }


def test_a_value_that_contradicts_the_body_is_kept_among_the_attributes() -> None:
    (row,) = rows(line(record(Request().text().decode(), attributes=attributes({"response_code": "404"}))))
    assert (row["response_code"], row["attributes"]) == (200, [("response_code", "404")])


@pytest.mark.parametrize(
    "resource",
    [
        {"node_name": "sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local"},
        {"k8s.pod.name": "reviews-v1-abc", "k8s.namespace.name": "shop"},
    ],
    ids=["envoy", "collector"],
)
def test_the_resource_names_the_proxy(resource: dict[str, object]) -> None:
    (row,) = rows(line(record(Request().text().decode()), resource=resource))
    assert (row["reporter_namespace"], row["reporter_pod"]) == ("shop", "reviews-v1-abc")


def test_what_is_no_record_is_a_reject_with_its_bytes() -> None:
    chunk = line(record("started"), record(Request().text().decode()), record(timeUnixNano="x"), resource={})
    parsed = parse_otlp_logs_json(chunk, 7)
    assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (3, 1, 2)
    (offset,) = parsed.accepted["source_offset"].to_pylist()
    assert json.JSONDecoder().raw_decode(chunk[offset - 7 :].decode())[0] == record(Request().text().decode())
    for reject in parsed.rejected.to_pylist():
        assert chunk[reject["source_offset"] - 7 :].startswith(reject["raw"])
    assert any(b"started" in raw for raw in parsed.rejected["raw"].to_pylist())


@pytest.mark.parametrize(
    "chunk", [b"{", b"[]", b'{"resourceSpans":[]}', b'{"resourceLogs":{}}', b"\xff", b'{"resourceLogs":null}']
)
def test_a_line_that_is_no_request_is_one_reject(chunk: bytes) -> None:
    (reason,) = reasons(chunk)
    assert "OTLP" in reason


def test_keys_that_never_repeat_cost_no_more_than_their_records() -> None:
    many = [record(Request().text().decode(), attributes=attributes({f"key{n}": "v"})) for n in range(3000)]
    found = rows(line(*many))
    assert [row["attributes"] for row in found] == [[(f"key{n}", "v")] for n in range(3000)]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_every_record_is_accounted_for(data: st.DataObject) -> None:
    chunk = bytearray(line(record(Request().text().decode()), record(attributes=attributes({"response_code": 200}))))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = parse_otlp_logs_json(bytes(chunk), 0)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows


@pytest.mark.corpus
@each_corpus()
def test_a_corpus_says_the_same_in_otlp_as_in_text(corpus: Corpus) -> None:
    if not corpus.inputs("otlp-logs"):
        pytest.skip("no OTLP logs in this corpus")
    found = rows(as_json(corpus.path / "input" / "otlp-logs" / "otlp_logs.binpb.gz"))
    text = [
        row
        for path in sorted((corpus.path / "input" / "logs-text").glob("*/access.log*"))
        for row in parse_istio_text(_bytes(path), 0).accepted.to_pylist()
    ]
    keys = (
        "request_id",
        "start_time",
        "duration_ms",
        "upstream_cluster",
        "response_flags",
        "downstream_remote_address",
    )
    said = {tuple(row[key] for key in keys) for row in found}
    assert all(row["trace_id"] is None or len(str(row["trace_id"])) == 32 for row in found)
    assert {tuple(row[key] for key in keys) for row in text} <= said


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def as_json(path: Path) -> bytes:
    """Delimited requests as the collector's file exporter would write them."""
    chunk = _bytes(path)
    lines = []
    for frame in frames(chunk):
        value = MessageToDict(ExportLogsServiceRequest.FromString(chunk[frame.start : frame.end]))
        for block in value["resourceLogs"]:
            for scope in block["scopeLogs"]:
                for entry in scope["logRecords"]:
                    for name in ("traceId", "spanId"):
                        if name in entry:
                            entry[name] = base64.b64decode(entry[name]).hex()
        lines.append(json.dumps(value).encode())
    return b"\n".join(lines)
