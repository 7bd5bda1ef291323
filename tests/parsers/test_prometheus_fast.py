"""The compiled scan of expositions against the exact grammar: the same rows and rejects, whatever the input."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.parsers import prometheus_text
from pipelines.parsers.context import Context
from pipelines.parsers.prometheus_exact import ExactReader, Family
from pipelines.parsers.prometheus_text import parse_exactly, parse_prometheus_text

CORPORA = Path(os.environ.get("ENVOY_CORPUS_DIR", Path(__file__).parents[3] / "shared" / "envoy-corpus"))
OBSERVED = Context(observed_us=1_700_000_000_000_000)

LINES = [
    b"# HELP envoy_cluster_upstream_rq All of them.\n",
    b"# TYPE envoy_cluster_upstream_rq counter\n",
    b'envoy_cluster_upstream_rq{cluster_name="outbound|80||cart",response_code="200"} 41\n',
    b'envoy_cluster_upstream_rq{cluster_name="outbound|80||cart",response_code="503"} 2 1700000000123\n',
    b'envoy_cluster_upstream_rq{cluster_name="inbound|80||",response_code="200",} 1e3\n',
    b"# TYPE envoy_server_live gauge\r\n",
    b"envoy_server_live{} 1\r\n",
    b"envoy_server_live 1 -5\n",
    b"\n",
    b" \t\n",
    b"# TYPE istio_request_duration histogram\n",
    b'istio_request_duration_bucket{reporter="source",le="0.5"} 129389\n',
    b'istio_request_duration_bucket{reporter="source",le="+Inf"} 144320 # {trace_id="ab"} 0.7 1700000000.5\n',
    b'istio_request_duration_sum{reporter="source"} 8591.1635788359890284482389688492\n',
    b'istio_request_duration_count{reporter="source"} NaN\n',
    '# TYPE  größe gauge\nx{a="größe",b="\\"q\\\\ \\n"} -Inf\n'.encode(),
    b"#\tTYPE d summary\nd_sum 1.5\nd 7\n",
    b"# TYPE e nonsense\ne 2\n",
    b"  # TYPE f info\nf_info 1\n",
    b'bad{a="1",a="2"} 1\n',
    b"bad 1 2 3\n",
    b'"\xff\xfe"\n',
    b"x 1700000000.123456\n",
    b"x 1 1700000000.123456\n",
]
MARKS = [
    *(b"# EOF\n", b"# UNIT a b\n", b"# TYPE ", b"Inf", b"NaN", b"\0", b"\xc3", b"\r", b"\n", b"\t"),
    *(bytes([byte]) for byte in b'{}"\\,= #_:9-+.e'),
]


def both(document: bytes, context: Context = OBSERVED) -> tuple[pa.Table, pa.Table]:
    """Rows and rejects, after both ways were found to give the same."""
    found = []
    for parse in (parse_prometheus_text, parse_exactly):
        pieces = list(parse(document, 10, context))
        accepted = pa.concat_tables([piece.accepted for piece in pieces]).combine_chunks()
        accepted.validate(full=True)
        found.append((accepted, pa.concat_tables([piece.rejected for piece in pieces]).combine_chunks()))
    (rows, rejects), (exact_rows, exact_rejects) = found
    assert rows.num_rows == exact_rows.num_rows
    assert same(rows, exact_rows), (rows.to_pylist(), exact_rows.to_pylist())
    assert rejects.sort_by("source_offset").equals(exact_rejects.sort_by("source_offset"))
    return rows, rejects


def same(left: pa.Table, right: pa.Table) -> bool:
    """Equal, with NaN equal to itself and +0 unlike -0: the bits of every value."""
    bits = [table["value"].to_numpy().view("int64").tolist() for table in (left, right)]
    rest = [table.drop_columns(["value", "histogram"]) for table in (left, right)]
    shown = [repr(table["histogram"].to_pylist()) for table in (left, right)]
    return bits[0] == bits[1] and rest[0].equals(rest[1]) and shown[0] == shown[1]


def test_the_fast_way_takes_lines_as_exporters_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    slow: list[bytes] = []
    read = ExactReader.read

    def noted(reader: ExactReader, line: bytes, offset: int, family: Family) -> Family:
        slow.append(line)
        return read(reader, line, offset, family)

    monkeypatch.setattr(ExactReader, "read", noted)
    list(parse_prometheus_text(b"".join(LINES[:9] + LINES[10:12] + LINES[13:15]), 0, OBSERVED))
    assert slow == []
    list(parse_prometheus_text(LINES[15], 0, OBSERVED))
    assert len(slow) == 2


def test_all_lines_together() -> None:
    rows, rejects = both(b"".join(LINES))
    assert (rows.num_rows, rejects.num_rows) == (15, 6)
    both(b"".join(LINES) + b"# EOF\n")


@given(st.lists(st.sampled_from(LINES), max_size=30), st.sampled_from([b"", b"# EOF\n"]), st.data())
@settings(max_examples=150, deadline=None)
def test_any_lines_with_any_damage(lines: list[bytes], end: bytes, data: st.DataObject) -> None:
    document = b"".join(lines) + end
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(document)))
        filler = data.draw(st.sampled_from(MARKS) | st.binary(max_size=3))
        document = document[:at] + filler + document[at + data.draw(st.integers(0, 5)) :]
    if document:
        both(document)
        both(document[: data.draw(st.integers(1, len(document)))], Context())


@given(st.lists(st.sampled_from(MARKS) | st.sampled_from([b"a", b'a="b"', b"a 1\n", b'a{b="c"} 1\n']), min_size=1))
@example([b"a{", b'a="b"', b",", b"}", b" ", b"9", b"\n"])
@settings(max_examples=150, deadline=None)
def test_any_pieces(pieces: list[bytes]) -> None:
    both(b"".join(pieces))


numbers = st.one_of(
    st.floats().map(repr),
    st.floats().map("{:.32g}".format),
    st.from_regex(r"[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{1,8})?", fullmatch=True),
    st.integers(-(2**70), 2**70).map(str),
)
times = st.from_regex(r"(| -?[0-9]{1,16}(\.[0-9]{0,8})?(e[0-9])?)", fullmatch=True)


@given(st.lists(st.tuples(numbers, times), min_size=1, max_size=40), st.sampled_from(["", "# EOF\n"]))
@example([("9007199254740993", ""), ("1e22", ""), ("1e23", ""), ("123456789012345678", "")], "")
@settings(max_examples=150, deadline=None)
def test_any_numbers_and_times(samples: list[tuple[str, str]], end: str) -> None:
    both("".join(f"a {value}{time}\n" for value, time in samples).encode() + end.encode())


def test_keys_that_grow_shrink_and_repeat() -> None:
    keys = [["a"], ["a", "b"], ["a"], ["b", "a"], ["b", "a", "b"], ["b"], ["aa", "a"], ["a" * 70], ["a" * 71, "a" * 70]]
    keys += [[f"k{index}" for index in range(100)]] * 2
    document = "".join("m{" + ",".join(f'{key}="{key}"' for key in line) + "} 1\n" for line in keys)
    rows, rejects = both(document.encode())
    assert (rows.num_rows, rejects.num_rows) == (len(keys) - 1, 1)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    document = b"".join(LINES) * 3 + b'long{a="' + b"x" * 5000 + b'"} 1\n' + b"".join(LINES)
    whole = both(document)
    for size in (1, 7, 100, 1000, 3000):
        monkeypatch.setattr(prometheus_text, "BLOCK_BYTES", size)
        rows, rejects = both(document)
        assert same(rows, whole[0])
        assert rejects.equals(whole[1])


def test_a_line_over_the_limit_is_a_reject() -> None:
    long = b'a{b="' + b"x" * (1 << 20) + b'"} 1'
    rows, rejects = both(b"a 1\n" + long + b"\n# HELP " + long + b"\na 2\n")
    assert (rows.num_rows, rejects["raw_length"].to_pylist()) == (2, [len(long), len(long) + 7])


@pytest.mark.corpus
def test_what_real_envoys_expose() -> None:
    pages = sorted(CORPORA.glob("*/input/proxies/*/stats_prometheus.txt.gz"))
    if not pages:
        pytest.skip(f"no corpus in {CORPORA}")
    for page in pages[:6]:
        document = gzip.decompress(page.read_bytes())
        rows, rejects = both(document)
        samples = [line for line in document.splitlines() if line and not line.startswith(b"#")]
        assert (rows.num_rows, rejects.num_rows) == (len(samples), 0)
        assert None not in rows["metric_type"].to_pylist()
