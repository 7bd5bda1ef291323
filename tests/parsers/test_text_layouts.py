"""Text access logs of any format string."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipelines.parsers.context import Context
from pipelines.parsers.istio_text import parse_istio_text
from pipelines.parsers.mesh_layouts import ISTIO_TEXT
from pipelines.parsers.text_program import program_of
from tests.parsers.access_logs import PLAIN, Request
from tests.parsers.text_operators import OPERATORS, TIME, UUID
from tests.support.log_lines import text_log

if TYPE_CHECKING:
    from pipelines.parsers.result import Parsed

ESCAPING = Path(__file__).parents[2].parent / "shared" / "reference" / "envoy-log-escaping.txt"
MOMENT = datetime(2026, 11, 22, 22, 5, 6, 86_000, tzinfo=UTC)
TEXT_FORMAT = min(ISTIO_TEXT)


def parsed(layout: str, *lines: bytes) -> Parsed:
    return parse_istio_text(b"".join(line + b"\n" for line in lines), 0, Context(layout=layout))


def row(layout: str, line: str | bytes) -> dict[str, object]:
    """What the one record says: columns that are not null, and attributes under their names."""
    found = parsed(layout, line if isinstance(line, bytes) else line.encode())
    assert found.rejected.to_pylist() == []
    values = found.accepted.to_pylist()[0]
    attributes = dict(values.pop("attributes") or ())
    return {name: value for name, value in values.items() if value is not None and name != "source_offset"} | attributes


def reason(layout: str, line: bytes) -> str:
    (reject,) = parsed(layout, line).rejected.to_pylist()
    assert reject["raw"] == line
    return str(reject["reason"])


@pytest.mark.parametrize(("operator", "printed", "name", "kept"), OPERATORS, ids=[entry[0] for entry in OPERATORS])
@pytest.mark.parametrize("quote", ["", '"'])
def test_every_operator_is_kept(operator: str, printed: str, name: str, kept: object, quote: str) -> None:
    layout = f"%START_TIME% {quote}%{operator}%{quote} %RESPONSE_CODE%"
    found = row(layout, f"{TIME} {quote}{printed}{quote} 200")
    assert found.pop("start_time") == MOMENT
    assert found.pop("response_code") == 200
    assert found.pop(name) == kept
    assert list(found.values()) in ([], [printed])  # of a duration in other units as it was printed
    assert set(row(layout, f"{TIME} {quote}-{quote} 200")) == {"start_time", "response_code"}


TIMES = [
    ("", "2026-11-22T22:05:06.086Z"),
    ("", "2026-11-22T22:05:06.086000999Z"),
    ("%Y/%m/%dT%H:%M:%S%z %s", "2026/11/22T22:05:06+0000 1795385106"),
    ("%s", "1795385106"),
    ("%s.%3f", "1795385106.086"),
    ("%s.%6f", "1795385106.086000"),
    ("%s%3f", "1795385106086"),
    ("%s.%f", "1795385106.086000000"),
    ("%s.%1f", "1795385106.0"),
    ("%d/%b/%Y:%H:%M:%S %z", "23/Nov/2026:06:05:06 +0800"),
    ("%d/%B/%Y %I:%M:%S.%3f %p", "22/November/2026 10:05:06.086 PM"),
    ("%F %T.%9f", "2026-11-22 22:05:06.086000000"),
    ("%FT%T%Ez", "2026-11-22T17:05:06-05:00"),
    ("%Y-%m-%dT%H:%M:%E3SZ", "2026-11-22T22:05:06.086Z"),
    ("%Y-%m-%d %H:%M:%E*S", "2026-11-22 22:05:06.086"),
    ("%D %R", "11/22/26 22:05"),
    ("%c", "Sun Nov 22 22:05:06 2026"),
    ("%Y %j %H:%M:%S", "2026 326 22:05:06"),
    ("%a, %e %b %y %T %Z 100%%", "Sun, 22 Nov 26 22:05:06 UTC 100%"),
]


@pytest.mark.parametrize(("spec", "printed"), TIMES)
def test_start_times_are_read_as_they_are_printed(spec: str, printed: str) -> None:
    operator = f"%START_TIME({spec})%" if spec else "%START_TIME%"
    for layout, line in (
        (f"[{operator}] %RESPONSE_CODE%", f"[{printed}] 200"),
        (f"%REQ(USER-AGENT)% {operator} %RESPONSE_CODE%", f"a 200 b {printed} 200"),
    ):
        moment = row(layout, line)["start_time"]
        assert isinstance(moment, datetime)
        assert 0 <= (MOMENT - moment).total_seconds() < 61
        assert moment.minute == 5


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("%RESPONSE_CODE%", "no %START_TIME%"),
        ("hello", "no operator"),
        ("%START_TIME%\n%RESPONSE_CODE%", "several lines"),
        ("%START_TIME(%H:%M)% %RESPONSE_CODE%", "which day"),
        ("%START_TIME(%Y-%m-%d %Q)%", "%Q is no specifier"),
    ],
)
def test_formats_that_no_record_can_have_say_why(layout: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        program_of(layout)


def test_istios_own_format_is_read_as_its_own_parser_reads_it() -> None:
    lines = text_log(200) + b"garbage\n" + Request({"user_agent": b'x "y" \\z', "path": b"/a b"}).text() + b"\n"
    ours, theirs = parse_istio_text(lines, 7, Context(layout=TEXT_FORMAT)), parse_istio_text(lines, 7)
    assert ours.accepted.equals(theirs.accepted)
    assert ours.rejected["raw"].equals(theirs.rejected["raw"])


@pytest.mark.parametrize(
    "agent", [b'"', b'a"b', b'x "y" \\z\\"', b"a\tb", "Ünï 🚀".encode(), b"", b'" 200 "', b"%s %%"]
)
def test_hostile_user_agents_come_back_whole(agent: bytes) -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% %DURATION% "%REQ(X-REQUEST-ID)%"'
    found = row(layout, b'[%s] "%s" 200 5 "%s"' % (TIME.encode(), agent, UUID.encode()))
    assert found["user_agent"] == agent.decode()
    assert (found["response_code"], found["duration_ms"], found["request_id"]) == (200, 5, UUID)


def test_bytes_that_are_no_utf8_are_read_as_envoy_prints_them_in_json() -> None:
    line = b'%s "caf\xe9 \xff" 200' % TIME.encode()
    assert row('%START_TIME% "%REQ(USER-AGENT)%" %RESPONSE_CODE%', line)["user_agent"] == "café ÿ"


@given(
    some.lists(
        some.text(some.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=12),
        min_size=2,
        max_size=2,
    )
)
def test_a_line_comes_back_whole_or_is_rejected(values: list[str]) -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(:AUTHORITY)%" %UPSTREAM_CLUSTER% %BYTES_SENT%'
    agent, authority = values
    line = f'[{TIME}] "{agent}" 200 "{authority}" outbound|80||a 5'.encode()
    found = parsed(layout, line)
    assert found.accepted.num_rows + found.rejected.num_rows == 1
    if found.accepted.num_rows:
        (read,) = found.accepted.to_pylist()
        both = ["-" if text is None else text for text in (read["user_agent"], read["authority"])]
        joined = '" 200 "'.join(both)
        assert joined == f'{agent}" 200 "{authority}'


def test_what_could_be_read_in_two_ways_is_rejected() -> None:
    layout = '%START_TIME% "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(X-A)%" %RESPONSE_CODE_DETAILS%'
    line = b'%s "a" 200 "b" 503 "c" via_upstream' % TIME.encode()
    assert "more than one way" in reason(layout, line)


def test_records_that_ran_together_are_rejected() -> None:
    layout = '[%START_TIME%] "%REQ(USER-AGENT)%" %RESPONSE_CODE% "%REQ(X-REQUEST-ID)%"'
    line = b'[%s] "a" 200 "b"' % TIME.encode()
    assert reason(layout, line + line) == "two records run together in one line"
    assert reason(layout, line[:-9] + line) == "two records run together in one line"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nothing of it", "no '[' at the beginning"),
        (b"[2026-11-22T22:05:06.086Z] GET|", "no ' ' after %REQ(:METHOD)%"),
        (b"[2026-11-22T22:05:06.086Z] GET 200 x", "no '|' after %REQ(X-A)%"),
        (b"[2026-11-22T22:05:06.086Z] GET 2000 x|", "response_code is not 0 or a number"),
        (b"[yesterday] GET 200 x|", "start_time is not"),
        (b"[2026-11-22T22:05:06.086Z] GET 200 \x01|", "control bytes"),
        (b"[-] GET 200 x|", "no start_time"),
        (b"[2026-11-22T22:05:06.086Z] GET - x|", "neither response_code nor response_flags"),
    ],
)
def test_a_reject_says_what_is_wrong(line: bytes, message: str) -> None:
    assert message in reason("[%START_TIME%] %REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-A)%|", line)


def test_values_without_anything_between_them_are_told_apart_by_what_they_are() -> None:
    found = row("%START_TIME(%s)%%PROTOCOL%%RESPONSE_CODE% %REQ(X-A)%", "1795385106HTTP/2200 x")
    assert (found["protocol"], found["response_code"], found["REQ(X-A)"]) == ("HTTP/2", 200, "x")


@pytest.mark.skipif(not ESCAPING.is_file(), reason=f"{ESCAPING} is not there")
@pytest.mark.corpus
def test_what_a_real_envoy_wrote_comes_back_whole() -> None:
    blocks = re.findall(r"^   text +(b['\"].*['\"])$", ESCAPING.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [raw for block in blocks if (raw := ast.literal_eval(block)).endswith(b"\n")]
    assert len(lines) >= 15
    ours, theirs = (parse_istio_text(b"".join(lines), 0, Context(layout=layout)) for layout in (TEXT_FORMAT, None))
    assert ours.rejected.num_rows == 0
    assert ours.accepted.equals(theirs.accepted)


def test_plain_values_are_all_there() -> None:
    found = row(TEXT_FORMAT, Request().text())
    expected = {name: value for name, value in PLAIN.items() if value is not None} | {"start_time": MOMENT}
    assert found == expected
