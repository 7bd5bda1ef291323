"""Whatever the recordings hold is read without a reject: spans, samples, objects and watch events."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import msgspec
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.parsers.context import Context
from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_watch, parse_kubernetes_yaml
from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited
from pipelines.parsers.prometheus_range import parse_prometheus_range
from pipelines.parsers.promql import metric_of_query
from tests.parsers.mesh_objects import names, objects

SHARED = Path(__file__).parents[3] / "shared"
CORPORA = Path(os.environ.get("ENVOY_CORPUS_DIR", SHARED / "envoy-corpus"))
RECORDINGS = sorted(CORPORA.glob("*/input/otlp-traces/*.gz"))
ANSWERS = sorted(path for path in CORPORA.glob("*/input/prometheus/*.json") if path.name != "queries.json")
DUMPS = sorted(CORPORA.glob("*/input/kubernetes/*.yaml"))
WATCHES = sorted(CORPORA.glob("*/input/kubernetes/*.jsonl"))
ANALYSIS_INPUTS = sorted((SHARED / "istio-analysis" / "testdata").rglob("*.yaml"))


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


@pytest.mark.corpus
@pytest.mark.skipif(not ANSWERS, reason="no corpus")
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_every_recorded_sample_is_accepted(answer: Path) -> None:
    queries = json.loads((answer.parent / "queries.json").read_text())
    document = answer.read_bytes()
    parsed = parse_prometheus_range(document, 0, Context(default_metric=metric_of_query(queries[answer.name])))
    assert parsed.rejected.num_rows == 0
    expected = [
        (series["metric"], sample)
        for series in json.loads(document)["data"]["result"]
        for sample in series.get("values", [series.get("value")])
    ]
    rows = parsed.accepted.to_pylist()
    assert len(rows) == len(expected)
    for row, (metric, (seconds, value)) in zip(rows, expected, strict=True):
        assert dict(row["labels"]) == {name: text for name, text in metric.items() if name != "__name__"}
        assert row["time"].timestamp() == pytest.approx(seconds, abs=1e-6)
        assert row["value"] == float(value)


@pytest.mark.corpus
@pytest.mark.skipif(not DUMPS, reason="no corpus")
@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.parts[-4])
def test_every_recorded_object_is_accepted(dump: Path) -> None:
    document = dump.read_bytes()
    items = yaml.safe_load(document)["items"]
    for parsed in (
        parse_kubernetes_yaml(document, 0),
        parse_kubernetes_json(msgspec.json.encode(yaml.safe_load(document)), 0),
    ):
        assert parsed.rejected.num_rows == 0
        assert objects(parsed) == items


@pytest.mark.corpus
@pytest.mark.skipif(not WATCHES, reason="no corpus")
@pytest.mark.parametrize("watch", WATCHES, ids=lambda path: path.parts[-4])
def test_every_recorded_event_is_accepted(watch: Path) -> None:
    events = [json.loads(line) for line in watch.read_bytes().splitlines()]
    parsed = parse_kubernetes_watch(watch.read_bytes(), 0)
    assert parsed.rejected.num_rows == 0
    assert objects(parsed) == [event["object"] for event in events]
    assert parsed.accepted["observed_at_exact"].to_pylist() == [True] * len(events)


@pytest.mark.corpus
@pytest.mark.skipif(not ANALYSIS_INPUTS, reason="no analysis cases")
@pytest.mark.parametrize("path", ANALYSIS_INPUTS, ids=lambda path: path.stem)
def test_every_object_of_istios_analysis_cases_is_accepted(path: Path) -> None:
    """Only files that are no Kubernetes objects at all (bare mesh configuration) give rejects."""
    document = path.read_bytes()
    values = [value for value in yaml.safe_load_all(document) if value is not None]
    objects = [value for value in values if "kind" in value]
    parsed = parse_kubernetes_yaml(document, 0)
    expected = [item for value in objects for item in (value["items"] if value["kind"].endswith("List") else [value])]
    assert names(parsed) == [item["metadata"]["name"] for item in expected]
    assert parsed.rejected.num_rows == len(values) - len(objects)
    assert all("neither apiVersion nor kind" in reason for reason in parsed.rejected["reason"].to_pylist())
