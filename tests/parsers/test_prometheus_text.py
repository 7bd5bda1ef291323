"""Text expositions and OpenMetrics, line by line, and against prometheus_client's own parsers."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parsers.expositions import OBSERVED, only, read


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
