"""Whatever the bytes, a parser returns, and accounts for every record (`Parsed` itself refuses counts that differ)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsers.kubernetes import parse_kubernetes_json, parse_kubernetes_watch, parse_kubernetes_yaml
from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited, parse_otlp_traces_json
from pipelines.parsers.prometheus_range import parse_prometheus_range
from pipelines.parsers.promql import metric_of_query
from pipelines.parsers.result import Parsed, accepted_schema
from pipelines.parsers.yaml_documents import document_bounds
from pipelines.parsers.yaml_values import load_yaml_document
from pipelines.schemas import MESH_OBJECT_FIELDS, METRIC_SAMPLE_FIELDS, SPAN_FIELDS
from tests.parsers.trace_requests import attributes_of, delimited, json_line, span_message, trace_request

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

REQUEST = trace_request(
    span_message(name="a", attributes=attributes_of(node_id="n", http__status_code="200")),
    span_message(name="b"),
    service__name="shop",
)
SERIES = [
    {"metric": {"__name__": "up", "pod": "é"}, "values": [[1, "1"], [2.5, "NaN"], [3, "+Inf"]]},
    {"metric": {"le": "5"}, "values": [[1, "1e3"]], "histograms": [[2, {"count": "1"}]]},
]
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "yes"}}, "spec": {"t": "---\n{{"}}
LISTED = {"apiVersion": "v1", "kind": "List", "items": [POD, {"apiVersion": "v1", "kind": "PodList", "items": [POD]}]}
EVENT = {"type": "ADDED", "observed_at": "2026-01-02T03:04:05Z", "object": POD}


def _prometheus(document: bytes, base_offset: int) -> Parsed:
    return parse_prometheus_range(document, base_offset)


Case = tuple["Callable[[bytes, int], Parsed]", "pa.Schema", bytes]
CASES: dict[str, Case] = {
    "otlp_traces": (parse_otlp_traces_delimited, SPAN_FIELDS, delimited(REQUEST, REQUEST)),
    "otlp_traces_json": (parse_otlp_traces_json, SPAN_FIELDS, json_line(REQUEST) * 2),
    "prometheus_range": (_prometheus, METRIC_SAMPLE_FIELDS, json.dumps({"data": {"result": SERIES}}).encode()),
    "kubernetes_yaml": (
        parse_kubernetes_yaml,
        MESH_OBJECT_FIELDS,
        b"a: &x [1, *y]\n---\n" + yaml.safe_dump_all([POD, LISTED]).encode(),
    ),
    "kubernetes_json": (
        parse_kubernetes_json,
        MESH_OBJECT_FIELDS,
        json.dumps(POD, indent=2).encode() + b"\n" + json.dumps(LISTED).encode(),
    ),
    "kubernetes_watch": (parse_kubernetes_watch, MESH_OBJECT_FIELDS, (json.dumps(EVENT).encode() + b"\n") * 2),
}
#: Bytes that mean something to one of the formats, which random bytes rarely are.
TOKENS = [
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b":",
    b",",
    b"\n",
    b"---\n",
    b"...",
    b"- ",
    b"&x ",
    b"*x",
    b"<<: *x",
    b"!!int ",
    b"#",
]
TOKENS += [
    b"\xff",
    b"\x00",
    b"\x80",
    b"\x0a\x02",
    b"\xff\xff\xff\xff\x0f",
    b"\\ud800",
    b"1e400",
    b"null",
    b"{{ x }}",
    b"\xc3",
]


def _check(parse: Callable[[bytes, int], Parsed], fields: pa.Schema, chunk: bytes) -> Parsed:
    parsed = parse(chunk, 1_000)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows
    assert parsed.accepted.schema == accepted_schema(fields)
    parsed.accepted.validate(full=True)
    parsed.rejected.validate(full=True)
    for table in (parsed.accepted, parsed.rejected):
        assert all(1_000 <= offset <= 1_000 + len(chunk) for offset in table["source_offset"].to_pylist())
    return parsed


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=150, deadline=None)
@given(chunk=st.binary(max_size=200) | st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join))
def test_any_bytes_are_accounted_for(name: str, chunk: bytes) -> None:
    parse, fields, _ = CASES[name]
    _check(parse, fields, chunk)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_input_is_accounted_for(name: str, data: st.DataObject) -> None:
    parse, fields, chunk = CASES[name]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(chunk)))
        cut = data.draw(st.integers(0, 8))
        inserted = data.draw(st.binary(max_size=4) | st.sampled_from(TOKENS))
        chunk = chunk[:at] + inserted + chunk[at + cut :]
    _check(parse, fields, chunk)


@pytest.mark.parametrize("name", CASES)
def test_every_truncation_is_accounted_for(name: str) -> None:
    parse, fields, chunk = CASES[name]
    whole = _check(parse, fields, chunk)
    for size in range(len(chunk)):
        assert _check(parse, fields, chunk[:size]).accepted.num_rows <= whole.accepted.num_rows


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e9, 4e9, allow_nan=False).map(lambda seconds: round(seconds, 3)),
            st.floats() | st.integers(0, 2**63).map(float),
        ),
        max_size=20,
    ),
    st.sampled_from([None, 1]),
)
def test_samples_come_back_as_they_were(samples: list[tuple[float, float]], indent: int | None) -> None:
    texts = [[seconds, str(value)] for seconds, value in samples]
    document = json.dumps({"result": [{"metric": {"__name__": "m"}, "values": texts}]}, indent=indent).encode()
    parsed = _check(_prometheus, METRIC_SAMPLE_FIELDS, document)
    assert parsed.rejected.num_rows == 0
    assert list(map(str, parsed.accepted["value"].to_pylist())) == [str(value) for _, value in samples]
    times = parsed.accepted["time"].cast("int64").to_pylist()
    assert times == [pytest.approx(seconds * 1e6, abs=1) for seconds, _ in samples]


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON_VALUES)
def test_json_is_read_alike_as_json_and_as_yaml(value: object) -> None:
    """Floats without a fraction are the one difference: Kubernetes' YAML makes them integers."""
    document = json.dumps({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": value}).encode()
    from_json = _check(parse_kubernetes_json, MESH_OBJECT_FIELDS, document)
    from_yaml = _check(parse_kubernetes_yaml, MESH_OBJECT_FIELDS, document)
    if from_json.accepted.num_rows and from_yaml.accepted.num_rows:
        one, other = (parsed.accepted["object_json"][0].as_py() for parsed in (from_json, from_yaml))
        assert json.loads(one) == json.loads(other)
    else:
        # The two grammars differ over a few characters; such an object is a reject and never another object.
        assert from_json.read == from_yaml.read == 1


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON_VALUES, max_size=4))
def test_documents_cut_apart_are_the_documents_written(values: list[object]) -> None:
    stream = b"".join(b"---\n" + json.dumps(value).encode() + b"\n" for value in values)
    assert len(list(document_bounds(stream))) == len(values)


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["foo", "by", "(", ")", "{", "}", '"', "sum", "[5m]", " "])).map("".join)
)
def test_any_query_gives_a_name_in_it_or_none(query: str) -> None:
    metric = metric_of_query(query)
    assert metric is None or metric in query


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_yaml_that_is_read_has_only_json_values(text: str) -> None:
    try:
        document = load_yaml_document(text.encode("utf-8", "replace"))
    except ValueError:
        return
    json.dumps(document.value, allow_nan=False)
