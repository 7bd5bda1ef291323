"""Text expositions and OpenMetrics, line by line, and against prometheus_client's own parsers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from pipelines.parsers.context import Context
from pipelines.parsers.prometheus_text import parse_prometheus_text
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import METRIC_SAMPLE_FIELDS

OBSERVED_US = 1_700_000_000_000_000
OBSERVED = datetime.fromtimestamp(1_700_000_000, UTC)


def read(
    document: bytes, observed_us: int | None = OBSERVED_US
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    parsed = list(parse_prometheus_text(document, 1000, Context(observed_us=observed_us)))
    accepted = pa.concat_tables([piece.accepted for piece in parsed])
    assert accepted.schema == accepted_schema(METRIC_SAMPLE_FIELDS)
    accepted.validate(full=True)
    rejected = pa.concat_tables([piece.rejected for piece in parsed])
    assert sum(piece.read for piece in parsed) == accepted.num_rows + rejected.num_rows
    rows: list[dict[str, object]] = accepted.to_pylist()
    rejects: list[dict[str, object]] = rejected.to_pylist()
    return rows, rejects


def only(document: bytes) -> dict[str, object]:
    rows, rejects = read(document)
    assert not rejects, rejects
    [row] = rows
    return row


def test_a_line_becomes_a_sample_with_its_type_and_the_files_time() -> None:
    text = b'# HELP up Whether.\n# TYPE up gauge\nup{job="envoy",pod="a"} 1\n'
    row = only(text)
    assert row == {
        "source_offset": 1000 + text.index(b"up{"),
        "metric": "up",
        "labels": [("job", "envoy"), ("pod", "a")],
        "time": OBSERVED,
        "value": 1.0,
        "metric_type": "gauge",
        "histogram": None,
        "exemplars": None,
    }


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        (b"up 1", []),
        (b"up{} 1", []),
        (b'up{a="b",} 1', [("a", "b")]),
        (b'  up \t{ a = "b" , c="" }\t1  ', [("a", "b"), ("c", "")]),
        (b'up{a="b"}1', [("a", "b")]),
        (b'up{a="\\\\ \\" \\n \\x"} 1', [("a", '\\ " \n \\x')]),
        (b'up{a="ends with a backslash\\\\"} 1', [("a", "ends with a backslash\\")]),
        ('up{a="größe, } # 1"} 1'.encode(), [("a", "größe, } # 1")]),
        (b'{"up"} 1', []),
        (b'{"up","a.b"="c"} 1', [("a.b", "c")]),
        (b"up 1\r", []),
    ],
)
def test_labels_as_the_standard_allows_them(line: bytes, labels: list[tuple[str, str]]) -> None:
    for document in (line, line + b"\n", b"other 2\n" * 3 + line + b"\nother 2\n"):
        rows, rejects = read(document)
        assert not rejects
        [row] = [row for row in rows if row["metric"] == "up"]
        assert (row["labels"], row["value"]) == (labels, 1.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+Inf", math.inf),
        ("-Inf", -math.inf),
        ("inf", math.inf),
        ("-0", -0.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7.0),
        ("0.1", 0.1),
        ("0.30000000000000004", 0.30000000000000004),
        ("8591.1635788359890284482389688492", 8591.163578835989),
        ("9007199254740993", 9007199254740992.0),
        ("18446744073709551615", 1.8446744073709552e19),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("1e400", math.inf),
        ("1e-400", 0.0),
        ("4.9e-324", 5e-324),
        ("1.7976931348623157e+308", 1.7976931348623157e308),
        ("0e99999999999999999999", 0.0),
        ("000000000000000000000000000000001", 1.0),
    ],
)
def test_values_are_exact(text: str, value: float) -> None:
    found = only(f"up {text}\n".encode())["value"]
    assert (found, math.copysign(1, value)) == (value, math.copysign(1, value))
    assert isinstance(found, float)
    assert math.copysign(1, found) == math.copysign(1, value)


@settings(deadline=None)  # the first call compiles
@given(st.floats(allow_nan=False), st.sampled_from(["{}", "{:.17g}", "{:.32g}", "{:.6e}"]))
def test_any_double_comes_back_as_it_was_written(number: float, layout: str) -> None:
    text = layout.format(number)
    assert only(f"up {text}\n".encode())["value"] == float(text)


def test_not_a_number_is_a_value() -> None:
    value = only(b"up NaN\n")["value"]
    assert isinstance(value, float)
    assert math.isnan(value)


def test_timestamps_are_milliseconds_in_text_and_seconds_in_openmetrics() -> None:
    assert only(b"up 1 1520879607789\n")["time"] == datetime(2018, 3, 12, 18, 33, 27, 789000, UTC)
    assert only(b"up 1 -1000\n")["time"] == datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert only(b"up 1 1520879607.789123\n# EOF\n")["time"] == datetime(2018, 3, 12, 18, 33, 27, 789123, UTC)
    assert only(b"up 1 1520879607\n# EOF")["time"] == datetime(2018, 3, 12, 18, 33, 27, tzinfo=UTC)
    assert only(b"up 1 1.5208796077891239e9\n# EOF")["time"] == datetime(2018, 3, 12, 18, 33, 27, 789124, UTC)


def test_without_any_time_a_sample_is_rejected() -> None:
    rows, [reject] = read(b"up 1 1000\nup 2\n", observed_us=None)
    assert len(rows) == 1
    assert "timestamp" in str(reject["reason"])
    assert reject["raw"] == b"up 2"


@pytest.mark.parametrize(
    "line",
    [
        b"up",
        b"up{",
        b'up{a="b" 1',
        b'up{a="b"',
        b'up{a="b',
        b'up{a="b\\"} 1',
        b'up{a="b""c"="d"} 1',
        b'up{a="b";c="d"} 1',
        b'up{a="1",a="2"} 1',
        b'up{,a="b"} 1',
        b"up{a=b} 1",
        b'up{1a="b"} 1',
        b'up{a:b="c"} 1',
        b"9up 1",
        b"{} 1",
        b'{a="b"} 1',
        b'up{"up"} 1',
        b"up one",
        b"up 1_000",
        b"up 0x10",
        b"up --1",
        b"up 1e",
        b"up .",
        b"up 1 2 3",
        b"up 1 2.5",
        b"up 1 1e3",
        b"up 1 1_0",
        b"up 1 99999999999999999999",
        b"up 1 253402300800000",
        b"up 1 # {a=",
        b'up{a="\xff"} 1',
        b'up{a="\xed\xa0\x80"} 1',
        b"\xc3\xbc 1",
        b"up \x00 1",
        b"# TYPE up",
        b"# TYPE up nonsense",
        b"# TYPE up counter more",
        b"up {count:1}",
        b"up {count:1,sum:1,schema:99}",
        b"up {count:2,sum:1,schema:0,positive_spans:[0:2],positive_deltas:[1]}",
        b"up {count:2,sum:1,schema:0,positive_spans:[0:1000000000],positive_deltas:[1]}",
    ],
)
def test_a_bad_line_is_one_reject_and_the_others_are_kept(line: bytes) -> None:
    document = b'good{a="b"} 1\n' + line + b'\ngood{a="c"} 2\n'
    rows, rejects = read(document)
    assert [row["value"] for row in rows] == [1.0, 2.0]
    [reject] = rejects
    assert (reject["raw"], reject["source_offset"]) == (line, 1000 + len(b'good{a="b"} 1\n'))


def test_a_type_holds_for_the_samples_of_its_family_only() -> None:
    rows, _ = read(
        b"# TYPE a histogram\na_bucket 1\na_sum 1\na_count 1\na_created 1\na_other 1\n"
        b"# TYPE b counter\nb_total 1\nb 1\nb_count 1\na_sum 1\nbb 1\n# HELP b the same\n#comment\n\nb 1\n"
        b'# TYPE "c" gauge\nc 1\n#\tTYPE\td   summary \nd_sum 1\n# TYPE e untyped\ne 1\n# TYPE f nonsense\nd 1\n'
    )
    kinds = [(row["metric"], row["metric_type"]) for row in rows]
    assert kinds == [
        *((f"a_{suffix}", "histogram") for suffix in ("bucket", "sum", "count", "created")),
        ("a_other", None),
        ("b_total", "counter"),
        ("b", "counter"),
        ("b_count", None),
        ("a_sum", None),
        ("bb", None),
        ("b", "counter"),
        ("c", "gauge"),
        ("d_sum", "summary"),
        ("e", None),
        ("d", None),
    ]


def test_exemplars_name_their_trace() -> None:
    rows, rejects = read(
        b'f_bucket{le="1"} 3 # {trace_id="abc",span_id="12",pod="a\\nb"} 0.5 1520879607.789\n'
        b'f_bucket{le="2"} 4 1520879607 # {traceID="def"} 1.5\nf_bucket{le="3"} 5\n'
        b'f_bucket{le="4"} 6 # {a="b"} x\nf_bucket{le="5"} 6 # {a="b"\n# EOF\n'
    )
    assert [reject["raw"] for reject in rejects] == [b'f_bucket{le="4"} 6 # {a="b"} x', b'f_bucket{le="5"} 6 # {a="b"']
    assert [row["value"] for row in rows] == [3.0, 4.0, 5.0]
    assert [row["exemplars"] for row in rows] == [
        [
            {
                "time": datetime(2018, 3, 12, 18, 33, 27, 789000, UTC),
                "value": 0.5,
                "trace_id": "abc",
                "span_id": "12",
                "labels": [("pod", "a\nb")],
            }
        ],
        [{"time": None, "value": 1.5, "trace_id": "def", "span_id": None, "labels": []}],
        None,
    ]


def test_a_native_histogram_becomes_bounds_and_counts() -> None:
    row = only(
        b"# TYPE f histogram\nf {count:7,sum:3.5,schema:0,zero_threshold:0.001,zero_count:1,positive_spans:[0:2,3:1],"
        b"positive_deltas:[1,1,0],negative_spans:[1:1],negative_deltas:[1]} 1520879607\n# EOF\n"
    )
    assert (row["value"], row["metric_type"]) == (7.0, "histogram")
    assert row["histogram"] == {
        "count": 7.0,
        "sum": 3.5,
        "bounds": [-2.0, -1.0, -0.001, 0.001, 0.5, 1.0, 2.0, 16.0, 32.0],
        "counts": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.0, 2.0],
    }


names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,40}", fullmatch=True)
values = st.one_of(
    st.floats(allow_nan=False).map(repr), st.integers(-(10**25), 10**25).map(str), st.sampled_from(["+Inf", "-Inf"])
)


@st.composite
def expositions(draw: st.DrawFn) -> tuple[str, list[tuple[str, dict[str, str], float, int | None]]]:
    """A document and its samples: metric, labels, value, milliseconds."""
    lines: list[str] = []
    samples: list[tuple[str, dict[str, str], float, int | None]] = []
    labels: dict[str, str] = {}
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        lines.append(f"# TYPE {name} gauge")
        for _ in range(draw(st.integers(1, 3))):
            if draw(st.booleans()):
                labels = draw(st.dictionaries(names, st.text(st.characters(codec="utf-8")), max_size=4))
            number = draw(values)
            time = draw(st.none() | st.integers(0, 10**13))
            escaped = {
                key: text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') for key, text in labels.items()
            }
            inner = ",".join(f'{key}="{text}"' for key, text in escaped.items())
            lines.append(f"{name}{{{inner}}} {number}" + ("" if time is None else f" {time}"))
            samples.append((name, dict(labels), float(number), time))
    return "\n".join(lines) + "\n", samples


@settings(deadline=None)
@given(expositions())
def test_what_is_written_is_read(written: tuple[str, list[tuple[str, dict[str, str], float, int | None]]]) -> None:
    document, samples = written
    rows, rejects = read(document.encode())
    assert not rejects
    found = [(row["metric"], dict(row["labels"]), row["value"], row["metric_type"]) for row in rows]  # type: ignore[call-overload]  # a list of pairs
    assert found == [(metric, labels, value, "gauge") for metric, labels, value, _ in samples]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    times = [OBSERVED if time is None else epoch + timedelta(milliseconds=time) for *_, time in samples]
    assert [row["time"] for row in rows] == times


@pytest.mark.parametrize("is_open_metrics", [False, True])
def test_prometheus_client_reads_the_same(is_open_metrics: bool) -> None:
    family = "calls" if is_open_metrics else "calls_total"
    document = (
        f"# HELP {family} Calls.\n# TYPE {family} counter\n"
        f'calls_total{{code="200",path="/a b?\\"c\\"\\\\"}} 1027 1395066363\n'
        "# TYPE latency histogram\n"
        'latency_bucket{le="0.5"} 129389\nlatency_bucket{le="+Inf"} 144320\nlatency_sum 53423.25\n'
        "latency_count 144320\n"
        "# TYPE rpc summary\n"
        'rpc{quantile="0.5"} 4773\nrpc_sum 1.7560473e+07\nrpc_count 2693\n'
        "# TYPE temperature gauge\ntemperature -3.5\n" + ("# EOF\n" if is_open_metrics else "")
    )
    families = read_open_metrics(document) if is_open_metrics else read_text(document)  # type: ignore[no-untyped-call]  # it has no types
    expected = [
        (sample.name, sorted(sample.labels.items()), float(sample.value), family.type)
        for family in families
        for sample in family.samples
    ]
    rows, rejects = read(document.encode())
    assert not rejects
    found = [(row["metric"], sorted(row["labels"]), row["value"], row["metric_type"]) for row in rows]  # type: ignore[call-overload]  # as above
    assert sorted(found) == sorted(expected)
