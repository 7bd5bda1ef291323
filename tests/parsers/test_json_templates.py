"""Compiled reading of JSON lines: the same rows and rejects as one line at a time, whatever the bytes."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsers.context import Context
from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.istio_json_columns import Reader
from pipelines.parsers.istio_json_lines import SCHEMA, read_singly
from pipelines.parsers.json_template import Template, learn_template
from pipelines.parsers.lines import Lines, read_lines
from pipelines.parsers.log_layout import layout_of
from tests.parsers.access_logs import TCP, Request
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from collections.abc import Callable

START = "2026-11-22T22:05:06.086Z"
NESTED = {"t": "%START_TIME%", "r": {"code": "%RESPONSE_CODE%", "took": "%DURATION%"}, "who": "%REQ(X-WHO)%"}
OTHER_UNITS = {"t": "%START_TIME%", "us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%", "flags": "%RESPONSE_FLAGS_LONG%"}
NAMES = ["start_time", "@timestamp", "status", "response_code", "responseCode", "response_flags", "duration", "path"]
NAMES += ["user_agent", "upstream_cluster", "grpc_status", "connection_id", "extra", "x.y", "kubernetes.pod_name"]


def singly(chunk: bytes, context: Context) -> tuple[list[object], list[object]]:
    """Rows, and offsets and reasons of rejects, by the parser of single lines."""
    rows: list[object] = []
    rejects: list[object] = []
    for lines in read_lines(chunk, 0):
        table, reasons = read_singly(lines, layout_of(context.layout))
        rows += table.to_pylist()
        said = zip((lines.offset + lines.starts).tolist(), reasons.to_pylist(), strict=True)
        rejects += [(offset, reason) for offset, reason in said if reason]
    return rows, rejects


def same_both_ways(chunk: bytes, layout: object = None) -> int:
    """Check that both ways agree; returns how many records there are."""
    context = Context(layout=None if layout is None else json.dumps(layout))
    parsed = parse_istio_json(chunk, 0, context)
    rows, rejects = singly(chunk, context)
    assert parsed.accepted.to_pylist() == rows
    found = parsed.rejected.select(["source_offset", "reason"]).to_pylist()
    assert [(reject["source_offset"], reject["reason"]) for reject in found] == rejects
    parsed.accepted.validate(full=True)
    return len(rows)


SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 1000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(
        ["-", "", START, "200", "UF", "UF,URX", "UpstreamOverflow", "outbound|80||a.b;", "OK", "7.0", "007"]
    ),
)
VALUE = st.one_of(SCALAR, st.lists(SCALAR, max_size=2), st.dictionaries(st.text(max_size=3), SCALAR, max_size=2))


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Lines that mostly have the same keys in the same order."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    lines = []
    for _ in range(draw(st.integers(5, 12))):
        value: dict[str, object] = {"start_time": START, "response_code": 200} if draw(st.booleans()) else {}
        value |= {name: draw(SCALAR) for name in names if draw(st.integers(0, 9))}
        if draw(st.integers(0, 9)) == 0:
            value |= {draw(st.text(max_size=4)): draw(VALUE)}
        lines.append(json.dumps(value, separators=separators, ensure_ascii=draw(st.booleans())))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn, make: Callable[[], st.SearchStrategy[bytes]]) -> bytes:
    chunk = bytearray(draw(make()))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(chunk)))
        chunk[at : at + draw(st.integers(0, 3))] = draw(
            st.one_of(
                st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"\\u", b"\xed\xa0\x80", b"}", b"\n", b"\t"])
            )
        )
    return bytes(chunk)


@settings(max_examples=120, deadline=None)
@given(chunk=damaged(logs))
def test_any_keys_and_values_are_read_the_same_both_ways(chunk: bytes) -> None:
    same_both_ways(chunk)


@pytest.mark.parametrize("layout", [NESTED, OTHER_UNITS], ids=["nested", "units"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_layouts_are_read_the_same_both_ways(layout: dict[str, object], data: st.DataObject) -> None:
    def filled(given: object) -> object:
        return {key: filled(inner) for key, inner in given.items()} if isinstance(given, dict) else data.draw(SCALAR)

    lines = []
    for _ in range(data.draw(st.integers(5, 9))):
        value = filled(layout)
        assert isinstance(value, dict)
        lines.append(json.dumps(value | ({"t": START} if data.draw(st.booleans()) else {})).encode())
    same_both_ways(b"\n".join(lines), layout)


@settings(max_examples=100, deadline=None)
@given(
    chunk=damaged(
        lambda: st.lists(st.sampled_from([Request().json(), Request(TCP).json(), b"", b" {}\r"]), max_size=12).map(
            b"\n".join
        )
    )
)
def test_istios_own_lines_are_read_the_same_both_ways(chunk: bytes) -> None:
    same_both_ways(chunk)


@pytest.mark.parametrize("cut", range(0, 760, 19))
def test_a_buffer_that_ends_anywhere_is_read_the_same(cut: int) -> None:
    line = Request({"user_agent": 'a "b" \\ é \N{ROCKET}'}).json()
    same_both_ways(b"\n".join([line] * 8 + [line[:cut]]))


def test_keys_left_out_where_empty_still_fit_one_template() -> None:
    full = json.loads(Request().json())
    lines = [
        json.dumps({key: value for key, value in full.items() if value is not None and len(key) % 7 != skip},
                   separators=(",", ":")).encode()
        for skip in range(7)
        for _ in range(20)
    ]  # fmt: skip
    template = learn_template(lines)
    assert template is not None
    assert template.skips
    data = b"\n".join(lines)
    reader = Reader(template, layout_of(None))
    (block,) = read_lines(data + bytes(64), 0)
    padded = np.array(block.bytes_array())
    table, fits = reader.read(padded, block.starts[:-1], block.ends[:-1], 0)
    whole = [b"start_time" in line and b"response_flags" in line for line in lines[:-1]]
    assert table.num_rows >= sum(whole)
    assert fits.sum() == table.num_rows
    same_both_ways(data)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a":1,"b":"x"}', Template(("a", "b"), (b'"a":', b'"b":', b""), skips=True)),
        (b'{"a": 1}', Template(("a",), (b'{"a": ', b"}"), skips=False)),
        (b'{"a":{"b":1},"c":"}"}', Template(("a.b", "c"), (b'{"a":{"b":', b'},"c":', b"}"), skips=False)),
        (b'{"a":[1]}', None),
        (b'{"a":{}}', None),
        (b'{"a":1,"a":2}', None),
        (b'{"a.b":1,"a":{"b":2}}', None),
        (b'{"\\u0061":1}', None),
        (b'{"a":\t1}', None),
        (b'{"a":1', None),
        (b"[1]", None),
        (b"{}", None),
    ],
)
def test_templates(line: bytes, expected: Template | None) -> None:
    assert learn_template([line]) == expected


def test_nearly_all_lines_of_a_log_are_read_by_template(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []

    def counted(lines: Lines, _layout: object) -> tuple[pa.Table, pa.Array]:
        left.append(len(lines))
        return SCHEMA.empty_table(), pa.array([""] * len(lines), pa.string())

    monkeypatch.setattr("pipelines.parsers.istio_json.read_singly", counted)
    lines = [Request({"bytes_sent": n, "user_agent": 'x "y"\\'}).json() for n in range(100)] + [
        Request(TCP).json()
    ] * 50
    parse_istio_json(b"\n".join(lines), 0)
    assert sum(left) == 0


@pytest.mark.corpus
@each_corpus()
def test_a_corpus_is_read_the_same_both_ways(corpus: Corpus) -> None:
    for path in sorted((corpus.path / "input" / "logs-json").glob("*/*.gz"))[:3]:
        assert same_both_ways(gzip.decompress(path.read_bytes())[:400_000].rpartition(b"\n")[0])
