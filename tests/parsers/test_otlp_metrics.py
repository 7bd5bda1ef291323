from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric

from pipelines.parsers import otlp_metrics
from pipelines.parsers.otlp_metric_names import metric_name, number_text
from pipelines.parsers.otlp_metrics import parse_otlp_metrics, parse_otlp_metrics_json
from pipelines.parsers.prometheus_text import parse_prometheus_text
from tests.parsers.trace_requests import SPAN_ID, TRACE_ID, attributes_of, delimited

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

TIME = 1_700_000_000_123_456_789
CUMULATIVE, DELTA = 2, 1


def request(*metrics: Metric, **resource: str) -> ExportMetricsServiceRequest:
    found = ExportMetricsServiceRequest()
    block = found.resource_metrics.add()
    block.resource.attributes.extend(attributes_of(**resource))
    block.scope_metrics.add().metrics.extend(metrics)
    return found


def parse(*metrics: Metric, **resource: str) -> Parsed:
    return parse_otlp_metrics(delimited(request(*metrics, **resource).SerializeToString()), 0)


def rows(*metrics: Metric, **resource: str) -> list[dict[str, Any]]:
    parsed = parse(*metrics, **resource)
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    return list(parsed.accepted.to_pylist())


def texts(*metrics: Metric, **resource: str) -> list[str]:
    return [
        f"{row['metric']}{{{','.join(f'{key}={value}' for key, value in row['labels'])}}} {row['value']:g}"
        for row in rows(*metrics, **resource)
    ]


def counter(name: str = "requests", value: int = 7, temporality: int = CUMULATIVE, **attributes: str) -> Metric:
    metric = Metric(name=name)
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, temporality  # type: ignore[assignment]  # numbers
    metric.sum.data_points.add(as_int=value, time_unix_nano=TIME, attributes=attributes_of(**attributes))
    return metric


def gauge(name: str, value: float, unit: str = "") -> Metric:
    metric = Metric(name=name, unit=unit)
    metric.gauge.data_points.add(as_double=value, time_unix_nano=TIME)
    return metric


def histogram(counts: list[int], bounds: list[float], total: int | None = None) -> Metric:
    metric = Metric(name="istio_request_duration_milliseconds", unit="ms")
    metric.histogram.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]  # numbers
    count = sum(counts) if total is None else total
    metric.histogram.data_points.add(
        time_unix_nano=TIME, bucket_counts=counts, explicit_bounds=bounds, count=count, sum=12.5
    )
    return metric


def test_sums_and_gauges_are_named_as_prometheus_does() -> None:
    up_down = Metric(name="cluster.upstream_cx.active")
    up_down.sum.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]  # numbers
    up_down.sum.data_points.add(as_int=-3, time_unix_nano=TIME)
    found = rows(counter("istio_requests_total", 7, reporter="source"), up_down, gauge("usage", 0.5, "1"))
    assert [(row["metric"], row["value"], row["metric_type"]) for row in found] == [
        ("istio_requests_total", 7, "counter"),
        ("cluster_upstream_cx_active", -3, "gauge"),
        ("usage_ratio", 0.5, "gauge"),
    ]
    assert found[0]["labels"] == [("reporter", "source")]
    assert found[0]["time"].timestamp() == pytest.approx(TIME / 1e9)


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.duration", "ms", "histogram", "http_server_duration_milliseconds"),
        ("http.server.duration_milliseconds", "ms", "histogram", "http_server_duration_milliseconds"),
        ("total.requests", "{request}", "counter", "requests_total"),
        ("network.io", "By/s", "gauge", "network_io_bytes_per_second"),
        ("2xx", "", "gauge", "_2xx"),
        ("a::b", "1", "counter", "a::b_total"),
        ("...", "", "gauge", ""),
    ],
)
def test_names_and_units(name: str, unit: str, kind: str, expected: str) -> None:
    assert metric_name(name, unit, kind) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.005, "0.005"), (1.0, "1"), (250000.0, "250000"), (1e6, "1e+06"), (1.5e-7, "1.5e-07"), (math.inf, "+Inf"),
     (-2.5e300, "-2.5e+300"), (0.0, "0"), (math.nan, "NaN")],
)  # fmt: skip
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_histogram_is_what_an_exposition_of_it_says() -> None:
    text = b"""# TYPE istio_request_duration_milliseconds histogram
istio_request_duration_milliseconds_bucket{le="0.5"} 1 1700000000123
istio_request_duration_milliseconds_bucket{le="1"} 3 1700000000123
istio_request_duration_milliseconds_bucket{le="+Inf"} 6 1700000000123
istio_request_duration_milliseconds_sum 12.5 1700000000123
istio_request_duration_milliseconds_count 6 1700000000123
"""
    (exposed,) = parse_prometheus_text(text, 0)
    keys = ("metric", "labels", "value", "metric_type")
    said = [{key: row[key] for key in keys} for row in exposed.accepted.to_pylist()]
    assert [{key: row[key] for key in keys} for row in rows(histogram([1, 2, 3], [0.5, 1]))] == said


def test_an_exemplar_is_kept_with_its_bucket() -> None:
    metric = histogram([1, 2], [1])
    remembered = Exemplar(as_double=0.7, time_unix_nano=TIME, trace_id=TRACE_ID, span_id=SPAN_ID)
    remembered.filtered_attributes.extend(attributes_of(code="200"))
    metric.histogram.data_points[0].exemplars.append(remembered)
    first, *others = rows(metric)
    (exemplar,) = first["exemplars"]
    assert (exemplar["value"], exemplar["trace_id"], exemplar["span_id"]) == (0.7, TRACE_ID.hex(), SPAN_ID.hex())
    assert exemplar["labels"] == [("code", "200")]
    assert not any(row["exemplars"] for row in others)


@pytest.mark.parametrize("scale", [0, 8, 10])
def test_an_exponential_histogram_is_one_sample_with_its_buckets(scale: int) -> None:
    metric = Metric(name="latency", unit="s")
    data = metric.exponential_histogram
    data.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]  # numbers
    point = data.data_points.add(time_unix_nano=TIME, count=10, sum=9, scale=scale, zero_count=1)
    point.positive.offset = 0
    point.positive.bucket_counts.extend([2, 3, 0, 4])
    (row,) = rows(metric)
    assert (row["metric"], row["value"], row["metric_type"]) == ("latency_seconds", 10, "histogram")
    held = row["histogram"]
    assert sum(held["counts"]) == held["count"] == 10
    # Buckets start at 1; finer ones than Prometheus has are added up.
    assert held["bounds"][:4] == pytest.approx([0, 0, 1, 2 ** (2.0 ** -min(scale, 8))])
    assert held["counts"][3] == (2 if scale <= 8 else 9)


def test_a_summary_is_its_quantiles_sum_and_count() -> None:
    metric = Metric(name="rpc")
    point = metric.summary.data_points.add(time_unix_nano=TIME, count=4, sum=2.5)
    point.quantile_values.add(quantile=0.99, value=1.5)
    assert texts(metric) == ["rpc{quantile=0.99} 1.5", "rpc_sum{} 2.5", "rpc_count{} 4"]


def test_what_counts_since_the_last_point_is_no_counter() -> None:
    (row,) = rows(counter("istio_requests_total", temporality=DELTA))
    assert (row["metric"], row["metric_type"]) == ("istio_requests_total_delta", "delta")


def test_the_resource_is_among_the_labels() -> None:
    named = {"service__namespace": "shop", "service__name": "cart", "k8s__pod__name": "cart-0", "a__b": "c", "pod": "x"}
    assert texts(counter(value=1, pod="own"), **named) == ["requests_total{pod=own,a_b=c,job=shop/cart} 1"]
    joined = counter(value=1)
    joined.sum.data_points[0].attributes.extend(attributes_of(a__b="2", a_b="1", empty=""))
    assert texts(joined) == ["requests_total{a_b=2;1} 1"]


def test_a_point_without_a_value_is_no_record() -> None:
    metric = counter()
    metric.sum.data_points[0].flags = 1
    parsed = parse(metric, counter())
    assert (parsed.read, parsed.accepted.num_rows, parsed.others) == (1, 1, 1)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (Metric(name="a"), "without data"),
        (counter(temporality=0), "temporality 0"),
        (counter(name="..."), "whose name is '...'"),
        (histogram([1, 2], [1, 2]), "2 counts and 2 bounds"),
        (histogram([1, 2, 3], [2, 1]), "do not rise"),
        (histogram([1, 2], [1], total=9), "of 9 whose buckets hold 3"),
    ],
)
def test_what_cannot_be_is_rejected(metric: Metric, reason: str) -> None:
    parsed = parse(metric, counter())
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1)
    assert reason in parsed.rejected["reason"][0].as_py()


def test_a_bad_point_costs_no_other() -> None:
    metric = counter()
    metric.sum.data_points.add(as_int=1)
    parsed = parse(metric)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1)
    assert "has no time" in parsed.rejected["reason"][0].as_py()
    assert parsed.rejected["raw"][0].as_py() == metric.sum.data_points[1].SerializeToString()


def test_labels_are_not_repeated_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_metrics, "repeat_budget", lambda _size: 5_000)
    parsed = parse(*[counter()] * 10, service__name="s" * 1_000)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (4, 6)


def as_json(given_request: ExportMetricsServiceRequest) -> bytes:
    value = MessageToDict(given_request, use_integers_for_enums=True)
    for block in value["resourceMetrics"]:
        for scope in block["scopeMetrics"]:
            for metric in scope["metrics"]:
                for point in metric.get("histogram", {}).get("dataPoints", ()):
                    for exemplar in point.get("exemplars", ()):
                        exemplar |= {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex()}
    return json.dumps(value).encode()


def test_json_says_the_same() -> None:
    metric = histogram([1, 2], [1])
    metric.histogram.data_points[0].exemplars.add(as_double=0.5, trace_id=TRACE_ID, span_id=SPAN_ID)
    given_request = request(metric, counter(reporter="source"), gauge("g", math.nan), service__name="cart")
    line = as_json(given_request)
    parsed = parse_otlp_metrics_json(b"\n" + line + b"\n", 10)
    assert parsed.rejected.num_rows == 0, parsed.rejected.to_pylist()
    binary = parse_otlp_metrics(delimited(given_request.SerializeToString()), 0).accepted
    assert repr(parsed.accepted.drop("source_offset").to_pylist()) == repr(binary.drop("source_offset").to_pylist())
    offset = parsed.accepted["source_offset"][0].as_py() - 11
    assert json.JSONDecoder().raw_decode(line[offset:].decode())[0]["name"] == metric.name


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"resourceSpans":[]}', b'{"resourceMetrics":3}', b"\xff", b"[" * 3000])
def test_a_line_that_is_no_request_is_one_reject(line: bytes) -> None:
    parsed = parse_otlp_metrics_json(line, 0)
    assert (parsed.read, parsed.rejected.num_rows) == (1, 1)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), is_json=st.booleans())
def test_whatever_the_bytes_every_record_is_accounted_for(data: st.DataObject, is_json: bool) -> None:
    given_request = request(histogram([1, 2], [1]), counter(a="b"), gauge("g", 1.5), service__name="cart")
    chunk = bytearray(as_json(given_request) if is_json else delimited(given_request.SerializeToString()))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        chunk[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parsed = (parse_otlp_metrics_json if is_json else parse_otlp_metrics)(bytes(chunk), 0)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows
