"""Istio's text and JSON access logs: what a line says comes back whole, and what is no line is a reject."""

from __future__ import annotations

import ast
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.lines import MAX_RECORD_BYTES
from pipelines.parsers.text_fields import ISTIO_FIELDS
from pipelines.schemas import REJECT_RAW_LIMIT
from tests.parsers.access_logs import PLAIN, TCP, Request
from tests.support.corpora import Corpus, each_corpus

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.result import Parsed

    Parse = Callable[[bytes, int], Parsed]

ESCAPING = Path(__file__).parents[2].parent / "shared" / "reference" / "envoy-log-escaping.txt"

#: User agents that Envoy writes into text as they came, and what they are in JSON.
HOSTILE = {
    "quotes": (b'x "y" \\z\\"', 'x "y" \\z\\"'),
    "quote and space": (b'" "', '" "'),
    "looks like fields": (b'a" "b" "c', 'a" "b" "c'),
    "tab": (b"a\tb", "a\tb"),
    "empty": (b"", ""),
    "utf-8": ("Ünï \N{ROCKET}".encode(), "Ünï \N{ROCKET}"),
    "latin-1": (b"caf\xe9 \xff\xfe end", "caf\xe9 \xff\xfe end"),
    "percent": (b"%s%n%00", "%s%n%00"),
}


def one(parsed: Parsed) -> dict[str, object]:
    assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 1, 0), parsed.rejected.to_pylist()
    (row,) = parsed.accepted.to_pylist()
    return {name: row[name] for name in ISTIO_FIELDS.names}


def reason(parsed: Parsed) -> str:
    assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (1, 0, 1), parsed.accepted.to_pylist()
    return str(parsed.rejected.to_pylist()[0]["reason"])


def typed(values: dict[str, object]) -> dict[str, object]:
    start = datetime.strptime(str(values["start_time"]), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return values | {"start_time": start}


@pytest.mark.parametrize("values", [PLAIN, TCP], ids=["http", "tcp"])
def test_a_line_says_the_same_in_text_and_json(values: dict[str, object]) -> None:
    request = Request(values)
    assert one(parse_istio_text(request.text() + b"\n", 0)) == typed(values)
    assert one(parse_istio_json(request.json() + b"\n", 0)) == typed(values)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_user_agents_come_back_whole(name: str) -> None:
    raw, said = HOSTILE[name]
    assert one(parse_istio_text(Request({"user_agent": raw}).text(), 0))["user_agent"] == said
    assert one(parse_istio_json(Request({"user_agent": said}).json(), 0))["user_agent"] == said


def test_an_empty_value_is_not_a_missing_one() -> None:
    assert one(parse_istio_text(Request({"user_agent": b""}).text(), 0))["user_agent"] == ""
    assert one(parse_istio_text(Request({"user_agent": None}).text(), 0))["user_agent"] is None


def test_the_delimiter_after_a_cluster_is_no_part_of_it() -> None:
    cluster = "outbound|80||a.b.svc.cluster.local"
    for line in (Request({"upstream_cluster": cluster}), Request({"upstream_cluster": cluster + ";"})):
        assert one(parse_istio_text(line.text(), 0))["upstream_cluster"] == cluster
        assert one(parse_istio_json(line.json(), 0))["upstream_cluster"] == cluster


def test_the_format_before_termination_details() -> None:
    line = Request().text().replace(b'via_upstream - "-" 0', b'via_upstream "-" 0')
    assert one(parse_istio_text(line, 0)) == typed(PLAIN)


@pytest.mark.parametrize("digits", ["086", "086123", "086123456"])
def test_start_times_of_other_precision(digits: str) -> None:
    microsecond = int(digits[:6].ljust(6, "0"))
    expected = datetime(2026, 11, 22, 22, 5, 6, microsecond, tzinfo=UTC)
    line = Request({"start_time": f"2026-11-22T22:05:06.{digits}Z"})
    assert one(parse_istio_text(line.text(), 0))["start_time"] == expected
    assert one(parse_istio_json(line.json(), 0))["start_time"] == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"response_code": "two hundred"},
        {"response_code": 99999},
        {"start_time": "2026-13-22T22:05:06.086Z"},
        {"start_time": "yesterday"},
        {"duration_ms": "-5"},
        {"bytes_sent": 10**30},
        {"upstream_host": "nowhere"},
        {"response_flags": "not flags"},
        {"downstream_remote_address": "10.0.0.1"},
    ],
    ids=str,
)
def test_a_field_that_cannot_be_is_a_reject_in_text(changed: dict[str, object]) -> None:
    assert reason(parse_istio_text(Request(changed).text(), 0))


@pytest.mark.parametrize("cut", range(8, 300, 9))
def test_a_line_cut_short_is_never_a_plausible_row(cut: int) -> None:
    line = Request({"route_name": "default"}).text()
    assert reason(parse_istio_text(line[: len(line) - cut], 0)) if cut < len(line) else True


def test_two_lines_run_together_are_one_reject() -> None:
    line = Request().text()
    assert reason(parse_istio_text(line + line, 0))
    assert reason(parse_istio_text(line[:200] + line, 0))
    assert reason(parse_istio_json(Request().json() + Request().json(), 0))


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b"null", b'"text"', b"{}", b'{"msg":"started","level":"info"}', b'{"start_time":1}', b"\xff\xfe"],
    ids=repr,
)
def test_json_that_is_no_access_log_is_a_reject(line: bytes) -> None:
    assert reason(parse_istio_json(line, 0))


def test_numbers_may_be_text_and_keys_may_be_absent_or_unknown() -> None:
    line = Request().json(duration="10", response_code="200", bytes_sent="202", trace="x", labels={"a": [1]})
    assert one(parse_istio_json(line, 0)) == typed(PLAIN)
    omitted = (
        Request()
        .json()
        .replace(b'"x_forwarded_for":null', b'"other":null')
        .replace(b'"requested_server_name":null,', b"")
    )
    assert one(parse_istio_json(omitted, 0)) == typed(PLAIN)


def test_one_bad_line_costs_its_neighbours_nothing() -> None:
    for good, bad, parse in (
        (Request().text(), b'[2026-11-22T22:05:06.086Z] "GET / HTTP/1.1" 200', parse_istio_text),
        (Request().json(), b'{"start_time":"2026-11-22T22:05:06.086Z",', parse_istio_json),
    ):
        chunk = b"\n".join([good, bad, good, b"", b"  ", bad, good]) + b"\n"
        parsed = parse(chunk, 1000)
        assert (parsed.read, parsed.accepted.num_rows, parsed.rejected.num_rows) == (5, 3, 2)
        starts = parsed.accepted.column("source_offset").to_pylist()
        assert [chunk[at - 1000 :].startswith(good) for at in starts] == [True] * 3
        rejects = parsed.rejected.to_pylist()
        assert [reject["raw"] for reject in rejects] == [bad, bad]
        assert all(chunk[reject["source_offset"] - 1000 :].startswith(bad) for reject in rejects)


def test_a_long_record_is_rejected_with_its_length_and_its_beginning() -> None:
    long = Request({"user_agent": b"x" * (MAX_RECORD_BYTES + 10)}).text()
    for parse in (parse_istio_text, parse_istio_json):
        parsed = parse(long + b"\n", 0)
        (reject,) = parsed.rejected.to_pylist()
        assert reject["raw_length"] == len(long)
        assert reject["raw"] == long[:REJECT_RAW_LIMIT]


@pytest.mark.skipif(not ESCAPING.is_file(), reason=f"{ESCAPING} is not there")
@pytest.mark.corpus
def test_what_a_real_envoy_wrote_in_both_forms_is_the_same_request() -> None:
    compared = 0
    for block in re.split(r"^## ", ESCAPING.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        text = re.search(r"^   text +(b['\"].*['\"])$", block, re.MULTILINE)
        line = re.search(r"^   json +(\{.*\})$", block, re.MULTILINE)
        raw = ast.literal_eval(text[1]) if text else b""
        if line is None or not raw.endswith(b"\n"):
            continue  # the file shows only the beginning of its longest line
        assert one(parse_istio_text(raw, 0)) == one(parse_istio_json(line[1].encode(), 0)), block[:60]
        compared += 1
    assert compared >= 15


@each_corpus()
@pytest.mark.corpus
def test_text_and_json_logs_of_a_corpus_hold_the_same_requests(corpus: Corpus) -> None:
    import gzip

    if not corpus.inputs("logs-text") or not corpus.inputs("logs-json"):
        pytest.skip(f"{corpus.name} has not both forms")
    for folder in sorted((corpus.path / "input" / "logs-json").iterdir()):
        text = parse_istio_text((corpus.path / "input" / "logs-text" / folder.name / "access.log").read_bytes(), 0)
        json_file = next(folder.iterdir())
        recorded = parse_istio_json(gzip.decompress(json_file.read_bytes()), 0)
        assert text.rejected.num_rows == recorded.rejected.num_rows == 0
        ours, theirs = (
            Counter(tuple(row.values()) for row in parsed.accepted.drop_columns("source_offset").to_pylist())
            for parsed in (text, recorded)
        )
        # A killed proxy loses text lines that the other log had already.
        assert ours <= theirs
        assert corpus.healthy <= (ours == theirs)
