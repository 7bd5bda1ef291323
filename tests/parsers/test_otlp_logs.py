from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from pipelines.parsers.delimited import frames
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.otlp_logs import parse_otlp_logs_delimited
from tests.parsers.access_logs import Request
from tests.parsers.trace_requests import SPAN_ID, START, TRACE_ID, any_value, attributes_of, delimited, varint
from tests.support.corpora import ROOT, Corpus, each_corpus


def record(body: str | None = None, **fields: object) -> LogRecord:
    given_fields: dict[str, object] = {"time_unix_nano": START, "trace_id": TRACE_ID, "span_id": SPAN_ID}
    found = LogRecord(**(given_fields | fields))  # type: ignore[arg-type]  # fields by name, as the test gives them
    if body is not None:
        found.body.string_value = body
    return found


def request(*records: LogRecord, **resource: str) -> ExportLogsServiceRequest:
    found = ExportLogsServiceRequest()
    block = found.resource_logs.add()
    block.resource.attributes.extend(attributes_of(**resource))
    block.scope_logs.add().log_records.extend(records)
    return found


def stream(*requests: ExportLogsServiceRequest) -> bytes:
    return delimited(*(given_request.SerializeToString() for given_request in requests))


def rows(chunk: bytes) -> list[dict[str, object]]:
    parsed = parse_otlp_logs_delimited(chunk, 0)
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    found: list[dict[str, object]] = parsed.accepted.to_pylist()
    return found


def test_a_body_in_istios_text_format_is_read_as_text_is() -> None:
    chunk = stream(request(record(Request().text().decode(), attributes=attributes_of(response_code="200"))))
    (row,) = rows(chunk)
    (text,) = parse_istio_text(Request().text(), 0).accepted.to_pylist()
    own = {"source_offset": row["source_offset"], "trace_id": TRACE_ID.hex(), "span_id": SPAN_ID.hex()}
    assert row == text | own | {"attributes": None}


def test_every_record_has_an_offset_of_its_own() -> None:
    first, second = record(Request().text().decode()), record("started")
    chunk = stream(request(first, second))
    parsed = parse_otlp_logs_delimited(chunk, 100)
    (row,), (reject,) = parsed.accepted.to_pylist(), parsed.rejected.to_pylist()
    assert chunk[row["source_offset"] - 100 :].startswith(first.SerializeToString())
    assert chunk[reject["source_offset"] - 100 :] == reject["raw"] == second.SerializeToString()


@pytest.mark.parametrize(
    ("resource", "attributes"),
    [
        ({"node_name": "sidecar~10.1.0.5~reviews-v1-abc.shop~shop.svc.cluster.local"}, {}),
        ({"k8s__pod__name": "reviews-v1-abc", "k8s__namespace__name": "shop"}, {}),
        # A collector may say of the resource where it runs itself.
        (
            {"k8s__pod__name": "collector-0", "k8s__namespace__name": "tools"},
            {"log__file__path": f"/var/log/pods/shop_reviews-v1-abc_{'0' * 32}/istio-proxy/0.log"},
        ),
    ],
)
def test_who_wrote_it(resource: dict[str, str], attributes: dict[str, str]) -> None:
    body = Request().text().decode()
    (row,) = rows(stream(request(record(body, attributes=attributes_of(**attributes)), **resource)))
    assert (row["reporter_namespace"], row["reporter_pod"]) == ("shop", "reviews-v1-abc")


def test_attributes_alone_make_a_record() -> None:
    said = attributes_of(response_flags="UF", duration="12", upstream_cluster="outbound|80||b", my_header="x")
    said[0].value.CopyFrom(any_value("UF"))
    (row,) = rows(stream(request(record(attributes=said))))
    assert (row["response_flags"], row["duration_ms"], row["upstream_cluster"]) == ("UF", 12, "outbound|80||b")
    assert row["attributes"] == [("my_header", "x")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b"\x01"}, "trace_id has 1 bytes, not 16"),
        ({"span_id": b"\x01" * 9}, "span_id has 9 bytes, not 8"),
        ({"time_unix_nano": 2**63}, "time_unix_nano is 9223372036854775808"),
    ],
)
def test_what_cannot_be_is_rejected(fields: dict[str, object], reason: str) -> None:
    parsed = parse_otlp_logs_delimited(stream(request(record(Request().text().decode(), **fields))), 0)
    (reject,) = parsed.rejected.to_pylist()
    assert reason in reject["reason"]


def test_a_record_that_is_no_utf8_costs_no_other() -> None:
    raw = stream(request(record(Request().text().decode()), record("bad!!"))).replace(b"bad!!", b"bad\xff\xfe")
    parsed = parse_otlp_logs_delimited(raw, 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1)


def test_lists_of_the_old_protocol_are_rejected_and_say_so() -> None:
    old = b"\xc2\x3e" + varint(4) + b"abcd"
    parsed = parse_otlp_logs_delimited(delimited(b"\x0a" + varint(len(old)) + old), 0)
    assert "instrumentation_library_logs of OTLP before 0.19" in parsed.rejected["reason"][0].as_py()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_every_record_is_accounted_for(data: st.DataObject) -> None:
    chunk = bytearray(stream(request(record(Request().text().decode()), record("x")), request(record("y"), a="b")))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = parse_otlp_logs_delimited(bytes(chunk), 0)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows


@pytest.mark.corpus
@each_corpus()
def test_a_corpus_says_in_its_records_what_its_bodies_say(corpus: Corpus) -> None:
    chunk = gzip.decompress((corpus.path / "input" / "otlp-logs" / "otlp_logs.binpb.gz").read_bytes())
    bodies = [
        entry.body.string_value.rstrip("\n")
        for frame in frames(chunk)
        for block in ExportLogsServiceRequest.FromString(chunk[frame.start : frame.end]).resource_logs
        for scope in block.scope_logs
        for entry in scope.log_records
    ]
    text = parse_istio_text("\n".join(bodies).encode(), 0).accepted.to_pylist()
    found = rows(chunk)
    assert len(found) == len(bodies)
    own = ("source_offset", "trace_id", "span_id", "attributes", "grpc_status")
    for mine, said in zip(found, text, strict=True):
        assert {key: value for key, value in mine.items() if key not in own} == {
            key: value for key, value in said.items() if key not in own
        }


@pytest.mark.corpus
@pytest.mark.skipif(not (ROOT / "otelcol-filelog").is_dir(), reason="the development data is absent")
def test_files_that_a_collector_read() -> None:
    recorded = gzip.decompress((ROOT / "otelcol-filelog" / "otlp_logs.binpb.gz").read_bytes())
    # The recording's folder names were shortened afterwards, and the lengths around them no longer hold.
    parsed = parse_otlp_logs_delimited(recorded, 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (0, 1)
    found = rows(recorded.replace(b"./corpus/smoke/", b"./corpus/smoke/1234567"))
    assert len(found) == recorded.count(b"log.file.path")
    assert all(row["method"] or row["upstream_cluster"] for row in found)
