from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest

from pipelines.parsers import prometheus_range
from pipelines.parsers.context import Context
from pipelines.parsers.prometheus_range import parse_prometheus_range, prometheus_batches
from pipelines.parsers.promql import metric_of_query
from pipelines.parsers.result import Parsed, accepted_schema
from pipelines.schemas import METRIC_SAMPLE_FIELDS

UP = {"__name__": "up", "job": "envoy", "pod": "a"}


def _answer(
    *series: object, kind: str = "matrix", indent: int | None = None, separators: tuple[str, str] | None = None
) -> bytes:
    answer = {"status": "success", "data": {"resultType": kind, "result": list(series)}}
    return json.dumps(answer, indent=indent, separators=separators).encode()


def _read(document: bytes, default_metric: str | None = None) -> Parsed:
    return parse_prometheus_range(document, 0, Context(default_metric=default_metric))


def test_a_matrix_becomes_a_row_per_sample() -> None:
    document = _answer({"metric": UP, "values": [[1_700_000_000, "1"], [1_700_000_005.781, "2.5"]]})
    parsed = parse_prometheus_range(document, 1_000)
    rows = parsed.accepted.drop_columns(["metric_type", "histogram", "exemplars"]).to_pylist()
    offsets = [row.pop("source_offset") - 1_000 for row in rows]
    assert rows == [
        {
            "metric": "up",
            "labels": [("job", "envoy"), ("pod", "a")],
            "time": datetime.fromtimestamp(1_700_000_000, UTC),
            "value": 1.0,
        },
        {
            "metric": "up",
            "labels": [("job", "envoy"), ("pod", "a")],
            "time": datetime.fromtimestamp(1_700_000_005, UTC).replace(microsecond=781_000),
            "value": 2.5,
        },
    ]
    assert document[offsets[0] :].startswith(b'[1700000000, "1"]')
    assert document[offsets[1] :].startswith(b'[1700000005.781, "2.5"]')


@pytest.mark.parametrize(
    ("indent", "separators"), [(3, None), (None, (",", ":")), (None, (" ,  ", " : ")), (None, (",\t", ":"))]
)
def test_the_layout_of_the_json_makes_no_difference(indent: int | None, separators: tuple[str, str] | None) -> None:
    series = [{"metric": UP | {"pod": pod}, "values": [[10, "1"], [15, "NaN"], [20, "-4e-3"]]} for pod in "abc"]
    document = _answer(*series, indent=indent, separators=separators)
    parsed = _read(document)
    assert (parsed.read, parsed.rejected.num_rows) == (9, 0)
    values = parsed.accepted["value"].to_pylist()
    assert values[0::3] == [1.0] * 3
    assert values[2::3] == [-0.004] * 3
    assert all(math.isnan(value) for value in values[1::3])
    assert [dict(labels)["pod"] for labels in parsed.accepted["labels"].to_pylist()] == list("aaabbbccc")
    assert all(document[offset : offset + 1] == b"[" for offset in parsed.accepted["source_offset"].to_pylist())


def test_a_vector_a_bare_data_object_and_a_bare_list_are_read() -> None:
    sample = {"metric": UP, "value": [10.5, "+Inf"]}
    whole = _answer(sample, kind="vector")
    bare = json.dumps(json.loads(whole)["data"]).encode()
    listed = json.dumps([sample]).encode()
    for document in (whole, bare, listed):
        [row] = _read(document).accepted.to_pylist()
        assert row["value"] == math.inf
        assert document[row["source_offset"] :].startswith(b'[10.5, "+Inf"]')


def test_infinities_are_values() -> None:
    values = [[1, "+Inf"], [2, "-Inf"], [3, "Inf"]]
    assert _read(_answer({"metric": UP, "values": values})).accepted["value"].to_pylist() == [
        math.inf,
        -math.inf,
        math.inf,
    ]


def test_a_series_without_a_name_takes_the_querys_or_is_rejected() -> None:
    nameless = {"metric": {"le": "5"}, "values": [[1, "1"], [2, "2"]]}
    document = _answer(nameless, {"metric": UP, "values": [[1, "1"]]})
    assert _read(document, "latency_bucket").accepted["metric"].to_pylist() == ["latency_bucket"] * 2 + ["up"]
    parsed = _read(document)
    assert parsed.accepted["metric"].to_pylist() == ["up"]
    [reject] = parsed.rejected.to_pylist()
    assert "queries.json" in reject["reason"]
    assert json.loads(reject["raw"]) == nameless
    assert document[reject["source_offset"] :].startswith(reject["raw"])


@pytest.mark.parametrize(
    "bad",
    [
        '[5,"a"]',
        '[5,""]',
        '[5,"1 2"]',
        "[5,7]",
        '["5","7"]',
        "[5]",
        '[5,"1","2"]',
        "{}",
        "null",
        '[1e30,"1"]',
        '[5,"0x10"]',
        '[5,"--1"]',
    ],
)
def test_a_bad_sample_is_one_reject_and_the_others_are_kept(bad: str) -> None:
    other = '{"metric":{"__name__":"b"},"values":[[7,"8"]]}'
    document = f'{{"result":[{{"metric":{{"__name__":"a"}},"values":[[1,"2"],{bad},[3,"4"]]}},{other}]}}'.encode()
    parsed = parse_prometheus_range(document, 10)
    assert parsed.accepted["value"].to_pylist() == [2.0, 4.0, 8.0]
    [reject] = parsed.rejected.to_pylist()
    assert reject["raw"] == bad.encode()
    assert document[reject["source_offset"] - 10 :].startswith(reject["raw"])
    for row in parsed.accepted.to_pylist():
        assert document[row["source_offset"] - 10 :].startswith(b"[%d," % row["time"].timestamp())


def test_native_histograms_become_bounds_and_counts() -> None:
    buckets = [[3, "-0.001", "0.001", "4"], [0, "1", "2", "5"], [1, "-4", "-2", "1"]]
    histogram = {"count": "10", "sum": "4.5", "buckets": buckets}
    document = _answer(
        {"metric": UP, "histograms": [[1, histogram], [2.5, histogram]], "values": [[1, "1"]]},
        {"metric": UP | {"pod": "b"}, "histogram": [3, {"count": "0", "sum": "NaN"}]},
        kind="vector",
    )
    parsed = _read(document)
    assert parsed.rejected.num_rows == 0
    rows = sorted(parsed.accepted.to_pylist(), key=lambda row: row["source_offset"])
    shown = {
        "count": 10.0,
        "sum": 4.5,
        "bounds": [-4.0, -2.0, -0.001, 0.001, 1.0, 2.0],
        "counts": [0.0, 1.0, 0.0, 4.0, 0.0, 5.0],
    }
    assert [row["histogram"] for row in rows[:3]] == [shown, shown, None]
    assert [row["value"] for row in rows] == [10.0, 10.0, 1.0, 0.0]
    assert [row["time"].timestamp() for row in rows] == [1.0, 2.5, 1.0, 3.0]
    assert (rows[3]["histogram"]["bounds"], math.isnan(rows[3]["histogram"]["sum"])) == ([], True)
    assert [row["labels"][1][1] for row in rows] == ["a", "a", "a", "b"]
    assert all(document[row["source_offset"] :].startswith(b"[") for row in rows)


@pytest.mark.parametrize(
    "bad",
    [
        '[1,{"count":"1"}]',
        '[1,{"count":"1","sum":"x"}]',
        '[1,{"count":"1","sum":"1","buckets":[[0,"1","2"]]}]',
        '[1,{"count":"1","sum":"1","buckets":[[0,"2","1","1"]]}]',
        '[1,{"count":"1","sum":"1","buckets":[[0,"1","3","1"],[0,"2","4","1"]]}]',
        '[1,{"count":"1","sum":"1","buckets":[[0,"1","3","-1"]]}]',
        '[1e30,{"count":"1","sum":"1"}]',
        "[1,2]",
        "null",
    ],
)
def test_a_bad_native_histogram_is_one_reject(bad: str) -> None:
    good = '[5,{"count":"1","sum":"1"}]'
    document = f'{{"result":[{{"metric":{{"__name__":"a"}},"histograms":[{bad},{good}]}}]}}'.encode()
    parsed = parse_prometheus_range(document, 10)
    assert parsed.accepted["value"].to_pylist() == [1.0]
    [reject] = parsed.rejected.to_pylist()
    assert reject["raw"] == bad.encode()
    assert document[reject["source_offset"] - 10 :].startswith(reject["raw"])


def test_a_scalar_is_a_sample_of_the_query() -> None:
    document = b'{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1"]}}'
    [row] = _read(document, "up").accepted.to_pylist()
    assert (row["metric"], row["labels"], row["value"]) == ("up", [], 1.0)
    assert row["time"].timestamp() == 1435781451.781
    assert document[row["source_offset"] :].startswith(b'[1435781451.781,"1"]')
    [reject] = _read(document).rejected.to_pylist()
    assert "queries.json" in reject["reason"]
    assert document[reject["source_offset"] :].startswith(reject["raw"])
    bad = b'{"resultType":"scalar","result":[1435781451.781,"one"]}'
    assert _read(bad, "up").rejected["reason"].to_pylist() == ["a sample's value 'one' is not a number"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"status":"error","errorType":"timeout","error":"query timed out"}', "timeout: query timed out"),
        (b'{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', "string"),
        (b'{"status":"success"}', "no data.result"),
        (b'{"apiVersion":"v1"}', "no data.result"),
        (b'{"status":"success","data":{"resultType":"matrix","result":[{"metric"', "truncated"),
        (b"", "truncated"),
        (b"\xff\xfe\x00", "not a Prometheus answer"),
        (b"<html>502 Bad Gateway</html>", "not a Prometheus answer"),
        (b"[" * 100_000, "not a Prometheus answer"),
    ],
)
def test_a_document_that_is_no_answer_is_one_reject(document: bytes, reason: str) -> None:
    parsed = parse_prometheus_range(document, 5, Context(default_metric="metric"))
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert (reject["source_offset"], reject["raw_length"]) == (5, len(document))


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ('{"values":[[1,"1"]]}', "metric"),
        ('{"metric":{"a":1},"values":[[1,"1"]]}', "metric"),
        ('{"metric":{"__name__":"a"}}', "without values"),
        ('{"metric":{"__name__":"a"},"values":{}}', "no list of samples"),
        ('"up"', "not a Prometheus series"),
    ],
)
def test_a_bad_series_is_one_reject(series: str, reason: str) -> None:
    document = f'{{"result":[{series},{{"metric":{{"__name__":"b"}},"value":[7,"8"]}}]}}'.encode()
    parsed = _read(document)
    assert parsed.accepted["metric"].to_pylist() == ["b"]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]


def test_an_empty_answer_has_no_records() -> None:
    parsed = _read(_answer())
    assert (parsed.read, parsed.accepted.schema) == (0, accepted_schema(METRIC_SAMPLE_FIELDS))
    assert _read(_answer({"metric": UP, "values": []})).read == 0


def test_labels_that_look_like_samples_do_not_mislead() -> None:
    metric = {"__name__": "a", "label": '[[1,"2"]]', "other": "[9,\\"}
    document = _answer({"metric": metric, "values": [[1, "2"]]}, separators=(",", ":"))
    [row] = _read(document).accepted.to_pylist()
    assert document[row["source_offset"] :] == b'[1,"2"]]}]}}'


def test_batches_are_bounded_and_together_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    document = _answer(*[{"metric": UP | {"pod": str(pod)}, "values": [[1, str(pod)], [2, "x"]]} for pod in range(20)])
    whole = _read(document)
    monkeypatch.setattr(prometheus_range, "BATCH_BYTES", 200)
    batches = list(prometheus_batches(document, 0))
    assert len(batches) > 5
    assert sum(batch.read for batch in batches) == whole.read == 40
    parsed = _read(document)
    assert parsed.accepted.equals(whole.accepted)
    assert sorted(parsed.rejected["source_offset"].to_pylist()) == sorted(whole.rejected["source_offset"].to_pylist())


def test_labels_are_not_repeated_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_range, "repeat_budget", lambda _size: 10_000)
    large = {"metric": UP | {"big": "x" * 1_000}, "values": [[second, "1"] for second in range(100)]}
    small = {"metric": UP, "values": [[1, "1"]]}
    parsed = _read(_answer(large, small))
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1)
    assert "labels of" in parsed.rejected["reason"][0].as_py()


@pytest.mark.parametrize(
    ("query", "metric"),
    [
        ("up", "up"),
        ('sum by (le) (rate(foo_bucket{a="b{",c!~"by (x)"}[5m]))', "foo_bucket"),
        ("sum(rate(foo[5m])) by (a, b)", "foo"),
        ("foo > 0", "foo"),
        ("foo > bool 1", "foo"),
        ("histogram_quantile(0.99, sum by(le)(rate(x_bucket[5m])))", "x_bucket"),
        ("job:foo:rate5m offset 5m", "job:foo:rate5m"),
        ("foo @ start() # not bar", "foo"),
        ("avg_over_time(sum without () (foo)[1h:5m])", "foo"),
        ('label_replace(foo, "dst", "$1", "src", "(.*)")', "foo"),
        ('{__name__="up", job="x"}', "up"),
        ('{"my.metric", a="b"}', "my.metric"),
        ("NaN * foo + 0x1F - 1e-5", "foo"),
        ("bytes", "bytes"),
        ("foo / bar", None),
        ("foo - foo offset 1h", None),
        ("foo * on (pod) group_left (node) bar", None),
        ('{__name__=~"foo.*"}', None),
        ("time() + vector(1)", None),
        ("foo{", None),
        ("foo)", None),
        ("not promql: ä", None),
        ("", None),
    ],
)
def test_the_metric_of_a_query(query: str, metric: str | None) -> None:
    assert metric_of_query(query) == metric
