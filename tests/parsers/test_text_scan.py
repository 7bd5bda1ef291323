"""The compiled scan of Istio's text format: the same rows and rejects as the exact parser, whatever the bytes."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.generated_logs import generate_logs
from pipelines.parsers.blocks import line_blocks
from pipelines.parsers.istio_text import parse_istio_text, scan
from pipelines.parsers.istio_text_exact import parse_exactly
from pipelines.parsers.lines import MAX_RECORD_BYTES, read_lines
from pipelines.parsers.merged_rows import stacked
from tests.parsers.access_logs import TCP, Request
from tests.support.corpora import Corpus, each_corpus

ESCAPING = Path(__file__).parents[2].parent / "shared" / "reference" / "envoy-log-escaping.txt"
BEFORE = Request().text().replace(b'via_upstream - "-" 0', b'via_upstream "-" 0')


def same_both_ways(chunk: bytes, base: int = 0) -> int:
    """Check that both ways agree; returns how many records there are."""
    ours, exact = scan(chunk, base), parse_exactly(chunk, base)
    ours.accepted.validate(full=True)
    assert ours.accepted.to_pylist() == exact.accepted.to_pylist()
    assert ours.rejected.to_pylist() == exact.rejected.to_pylist()
    return int(ours.accepted.num_rows)


#: What a field of each kind may hold, and some of what it may not.
VALUES: dict[str, list[object]] = {
    "start_time": ["2024-02-29T23:59:59.999999999Z", "2026-02-29T00:00:00Z", "2026-11-22T22:05:06Z", "0999-01-01T0Z"],
    "method": ["GET", "M-SEARCH", "x" * 40, "G(T", "", None],
    "path": ["", "/a b", "/caf%C3%A9?x=1", "/" + "x" * 70, None, "/ü"],
    "protocol": ["HTTP/1.0", "HTTP/2", "HTTP/3", "HTTP/4", "HTTP/1.11", "http/1.1", None, ""],
    "response_code": [0, 100, 599, 999, 99, "007", 1000, "2x0", "-", ""],
    "response_flags": ["UF", "UF,URX", "U_1", "1U", "uf", "UF,", ",UF", "A" * 32, "A" * 33, None, ""],
    "response_code_details": ["a{b|c}", "a b", "", "ü", None],
    "upstream_transport_failure_reason": ["TLS error: 1:2:3", "", "a\tb", "\x7f", "ü"],
    "bytes_received": [0, "000", 10**17, 10**18, "-", "+1", "1.0", ""],
    "duration_ms": [0, None, 10**18, "x", "--"],
    "user_agent": [b"caf\xe9", 'a "b"', '" "', "", "a b", "\x00", "\U0001f680" * 9, b"\xed\xa0\x80", b"\xc0\x80"],
    "authority": ["", "a b", "host:80", None],
    "upstream_host": [
        "1.2.3.4:5",
        "255.255.255.255:65535",
        "256.1.1.1:1",
        "1.2.3.04:5",
        "1.2.3:4",
        "1.2.3.4.5:6",
        "1.2.3.4:",
        "1.2.3.4:123456",
        ":1.2.3.4:5",
        "[::1]:80",
        "[fe80::1%eth0]:80",
        "[fe80::1%]:80",
        "[]:80",
        "[::1]",
        "[::g]:1",
        "/var/run/x.sock",
        "/",
        "@abstract",
        "envoy://internal/x",
        "envoy://",
        "envoy:/x",
        "name:80",
        "",
        None,
    ],
    "upstream_cluster": ["outbound|80||a.b", "inbound|80||;", ";", "a b", "", None],
    "route_name": ["default", "a[b", "", None, "ü", "x y"],
}


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3, unique=True))
    values = {name: draw(st.sampled_from(VALUES[name])) for name in names}
    return Request(draw(st.sampled_from([{}, TCP])) | values).text()


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Lines, most of them good, in disorder and with bytes changed, removed and put in."""
    plain = st.sampled_from([Request().text(), Request(TCP).text(), BEFORE, b"", b" \t", b"started", b"\r"])
    lines = draw(st.lists(st.one_of(requests(), plain), max_size=12))
    chunk = bytearray(draw(st.sampled_from([b"\n", b"\r\n", b"\r\r\n"])).join(lines))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(chunk)))
        inserted = draw(st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b" ", b"\n", b"\t", b"-"])))
        chunk[at : at + draw(st.integers(0, 3))] = inserted
    return bytes(chunk)


@settings(max_examples=300, deadline=None)
@given(chunk=st.one_of(logs(), st.binary(max_size=200)), base=st.integers(0, 1 << 40))
@example(chunk=b"\n".join([BEFORE] * 5 + [Request().text()]), base=0)
@example(chunk=Request({"user_agent": b"x" * (MAX_RECORD_BYTES + 10)}).text(), base=0)
def test_any_log_reads_the_same_both_ways(chunk: bytes, base: int) -> None:
    same_both_ways(chunk, base)


@pytest.mark.parametrize("name", VALUES)
def test_any_value_of_a_field_reads_the_same_both_ways(name: str) -> None:
    lines = [Request({name: value}).text() for value in VALUES[name]]
    assert same_both_ways(b"\n".join([*lines, Request().text()])) >= 1


@pytest.mark.parametrize("length", [*range(1, 70), 200, 383, 384, 385])
def test_a_log_that_ends_anywhere(length: int) -> None:
    line = Request().text()
    same_both_ways((line + b"\n" + line)[: len(line) + length])
    same_both_ways(line[-length:])


def test_blocks_have_room_behind_them_and_hold_the_lines_that_there_are() -> None:
    text = generate_logs(9000).text
    for size in (0, 1, 63, 64, 65, 1000, len(text) - 1, len(text)):
        chunk = text[:size]
        found = []
        for lines in line_blocks(chunk, 7):
            assert len(lines.data) - lines.ends[-1] >= 64
            found += (lines.offset + lines.starts).tolist()
        assert found == [lines.offset + start for lines in read_lines(chunk, 7) for start in lines.starts.tolist()]


def test_a_log_with_a_quote_too_few_loses_that_line_only() -> None:
    text = generate_logs(3000).text.splitlines(keepends=True)
    for place in range(100, 3000, 100):
        text[place] = text[place].replace(b'"', b"", 1)
    parsed = scan(b"".join(text), 0)
    assert (parsed.read, parsed.rejected.num_rows) == (3000, 29)
    assert parsed.rejected["raw"].to_pylist() == [text[place].rstrip(b"\n") for place in range(100, 3000, 100)]
    same_both_ways(b"".join(text))


def test_few_distinct_texts_have_a_dictionary_and_many_do_not() -> None:
    def log(agents: int) -> bytes:
        return b"\n".join(Request({"user_agent": f"agent {number % agents}"}).text() for number in range(20_000))

    few, many = scan(log(50), 0).accepted, scan(log(20_000), 0).accepted
    assert pa.types.is_dictionary(few["user_agent"].type)
    assert many["user_agent"].type == pa.string()
    assert many["user_agent"].to_pylist() == [f"agent {number}" for number in range(20_000)]
    assert few["user_agent"].to_pylist() == [f"agent {number % 50}" for number in range(20_000)]
    both = stacked([few, many])
    assert both["user_agent"].to_pylist() == few["user_agent"].to_pylist() + many["user_agent"].to_pylist()
    assert pa.types.is_dictionary(both["method"].type)


def test_a_log_of_lines_that_the_scan_leaves_to_the_parser() -> None:
    shuffled = random.Random(1)
    agents = ['say "hi"', "plain", "a\tb", b"caf\xe9"]
    lines = [Request({"user_agent": shuffled.choice(agents), "bytes_sent": at}).text() for at in range(3000)]
    assert same_both_ways(b"\n".join(lines)) == 3000


def test_small_and_large_chunks_read_the_same() -> None:
    text = generate_logs(400).text
    assert len(text) > 65_536
    cut = text.index(b"\n", 1000) + 1
    first, second = parse_istio_text(text[:cut], 0), parse_istio_text(text[cut:], cut)
    whole = parse_istio_text(text, 0).accepted.to_pylist()
    assert whole == first.accepted.to_pylist() + second.accepted.to_pylist()


@pytest.mark.skipif(not ESCAPING.is_file(), reason=f"{ESCAPING} is not there")
@pytest.mark.corpus
def test_what_a_real_envoy_wrote_of_hostile_requests() -> None:
    found = re.findall(r"^   text +(b['\"].*['\"])$", ESCAPING.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [line for line in (ast.literal_eval(text) for text in found) if line.endswith(b"\n")]
    assert same_both_ways(b"".join(lines)) >= 15


@each_corpus()
@pytest.mark.corpus
def test_text_logs_of_a_corpus(corpus: Corpus) -> None:
    paths = sorted(corpus.path.glob("input/logs-text/*/*.log"))
    if not paths:
        pytest.skip(f"{corpus.name} has no text logs")
    assert sum(same_both_ways(path.read_bytes()) for path in paths) > 100
