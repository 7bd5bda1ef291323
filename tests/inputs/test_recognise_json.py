"""JSON of all kinds told apart: access logs of any keys, OTLP, Zipkin, Jaeger."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from pipelines.inputs.formats import FORMATS, parse
from pipelines.inputs.recognise import recognise
from pipelines.inputs.recognition import SNIFF_BYTES
from pipelines.parsers.context import Context
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from pipelines.inputs.recognition import Recognition

START = "2026-11-22T22:05:06.086Z"
CLUSTER = "outbound|80||cart.shop.svc.cluster.local"
ZIPKIN = {"traceId": "5af7183fb1d4cf5f", "id": "352bff9a74ca9ad2", "timestamp": 1795385106086609, "duration": 5}
JAEGER = {
    "traceID": "5af7183fb1d4cf5f",
    "spanID": "352bff9a74ca9ad2",
    "operationName": "get",
    "startTime": 1795385106086609,
    "duration": 5,
}
TRACE = {"traceID": "5af7183fb1d4cf5f", "spans": [JAEGER], "processes": {"p1": {"serviceName": "cart"}}}
OTLP_LOGS: object = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": []}]}]}


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def seen(content: bytes) -> Recognition:
    return recognise(content[:SNIFF_BYTES], "/data/file.json", is_whole=len(content) <= SNIFF_BYTES)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lines(OTLP_LOGS, OTLP_LOGS), "otlp_logs_json"),
        (lines(ZIPKIN, ZIPKIN), "zipkin_json_lines"),
        (lines([ZIPKIN, ZIPKIN]), "zipkin_json"),
        (lines([ZIPKIN], [ZIPKIN]), "zipkin_json"),
        (lines([[ZIPKIN], [ZIPKIN]]), "zipkin_json"),
        (json.dumps([[ZIPKIN]], indent=2).encode(), "zipkin_json"),
        (lines([[ZIPKIN] * 3000]), "zipkin_json"),
        (lines(JAEGER, JAEGER), "jaeger_json_lines"),
        (lines({"data": [TRACE], "total": 0, "errors": None}), "jaeger_json"),
        (json.dumps({"data": [TRACE] * 2}, indent=1).encode(), "jaeger_json"),
        (lines({"data": [TRACE] * 3000}), "jaeger_json"),
        (lines([TRACE]), "jaeger_json"),
        (lines(TRACE), "jaeger_json"),
        (lines({"process": {"serviceName": "cart"}, "spans": [JAEGER]}), "jaeger_json_lines"),
    ],
    ids=str,
)
def test_traces_and_otlp(content: bytes, expected: str) -> None:
    assert seen(content).format == expected
    assert expected in FORMATS
    assert sum(parsed.rejected.num_rows for parsed in parse(expected, content, 0, Context())) == 0


@pytest.mark.parametrize(
    "record",
    [
        {"start_time": START, "response_code": 200, "response_flags": "-", "method": "GET", "path": "/"},
        {"timestamp": START, "responseCode": "200", "responseFlags": None, "method": "GET", "upstreamHost": "a:1"},
        {
            "time": START,
            "http": {"status_code": 200, "method": "GET", "path": "/"},
            "envoy": {"upstream_cluster": CLUSTER},
        },
    ],
    ids=["istio", "camel", "nested"],
)
def test_access_logs_by_their_keys(record: dict[str, object]) -> None:
    recognised = seen(lines(record, record))
    assert (recognised.format, recognised.layout) == ("istio_json", None)


@pytest.mark.parametrize(
    "record",
    [
        {"time": START, "level": "info", "msg": "ready", "status": 200, "method": "GET", "path": "/", "route": "/"},
        {"ts": 1795385106.086, "level": "info", "logger": "a", "msg": "started", "path": "/", "host": "b", "code": 1},
        {"a": START, "b": "GET", "c": 200},
    ],
    ids=["application", "zap", "nobody"],
)
def test_what_might_be_anybodys_is_not_an_access_log(record: dict[str, object]) -> None:
    assert seen(lines(record, record)).format is None


def test_keys_that_say_nothing_are_told_by_their_values() -> None:
    records = [
        {"a": START, "b": "GET", "c": code, "d": {"e": CLUSTER}, "f": 200 + code, "g": None, "h": "HTTP/2"}
        for code in (200, 503, 404, 499)
    ]
    recognised = seen(lines(*records))
    assert recognised.format == "istio_json"
    # Both c and f might be a code (f is no more than 599 in some lines only).
    layout = json.loads(recognised.layout or "")
    assert layout == {
        "a": "%START_TIME%",
        "b": "%REQ(:METHOD)%",
        "c": "%RESPONSE_CODE%",
        "d.e": "%UPSTREAM_CLUSTER%",
        "h": "%PROTOCOL%",
    }
    (parsed,) = parse("istio_json", lines(*records), 0, Context(layout=recognised.layout))
    assert parsed.accepted["response_code"].to_pylist() == [200, 503, 404, 499]
    assert parsed.accepted["upstream_cluster"].to_pylist() == [CLUSTER] * 4


@pytest.mark.corpus
@each_corpus()
def test_the_json_logs_of_a_corpus(corpus: Corpus) -> None:
    paths = sorted((corpus.path / "input" / "logs-json").glob("*/*.gz"))
    assert paths
    for path in paths:
        content = gzip.decompress(path.read_bytes())
        assert not content or seen(content).format == "istio_json"
