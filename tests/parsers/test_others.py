"""Lines of other logs are counted apart; whatever is left of an access-log record stays a reject."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.inputs.formats import parse
from pipelines.parsers.context import Context
from pipelines.parsers.others import are_others
from tests.support.log_lines import json_line, text_line

HTTP = text_line(0).rstrip(b"\n")
DIRECT = (
    b'[2026-11-22T21:58:08.102Z] "GET /a HTTP/1.1" 200 - direct_response - "-" 0 0 0 - "-" "x" '
    b'"fefcd8af-d72f-48dc-9533-d1a06ab75712" "h" "-" - - 127.70.0.9:9000 127.0.0.1:42730 - -'
)
TCP = (
    b'[2026-11-22T21:58:08.102Z] "- - -" 0 - - - "-" 10 20 30 - "-" "-" "-" "-" "10.0.0.1:80" '
    b"outbound|80||a.b.svc.cluster.local 127.0.0.1:1 127.70.0.9:9000 127.0.0.1:42730 - -"
)
JSON = json_line(0).rstrip(b"\n")
RECORDS = {"http": HTTP, "direct": DIRECT, "tcp": TCP, "json": JSON}

FOREIGN = [
    b"[2026-11-22 22:04:58.808][6875][warning][main] [source/server/server.cc:1059] there is no limit",
    b"[2026-11-22 22:04:58.808][12][info][upstream] cds: add 'outbound|80||cart.shop.svc.cluster.local' 10.0.0.1:80",
    b"2026-11-22T21:58:08.102345Z\tinfo\txdsproxy\tconnected to upstream XDS server: istiod.istio-system.svc:15012",
    b'{"level":"info","time":"2026-11-22T21:58:08.102345Z","scope":"ads","msg":"connected"}',
    b'{"level":"info","method":"GET","path":"/a","user_agent":"curl","request_id":"1","duration":3,"msg":"served"}',
    b"I1122 21:58:08.102345       1 leaderelection.go:250] attempting to acquire leader lease",
    b'time="2026-11-22T21:58:08Z" level=info msg="listening" address=10.0.0.1:80',
    b"2026-11-22 21:58:08.102  INFO 1 --- [main] com.example.Cart : Started in 3.2 seconds",
    b'Exception in thread "main" java.lang.IllegalStateException: no cart',
    b"\tat com.example.Cart.add(Cart.java:12)",
    b"Caused by: java.net.ConnectException: Connection refused",
    b"Traceback (most recent call last):",
    b'  File "/app/cart.py", line 12, in add',
    b"goroutine 1 [running]:",
    b"\x1b[32mserver listening on port 8080\x1b[0m",
    "Grüße aus dem Warenkorb".encode(),
    b"started",
]

DAMAGED = [
    *(text_line(0).rstrip(b"\n")[:length] for length in (2, 8, 25, 60, 150, 230)),
    FOREIGN[0] + b" " + HTTP,
    HTTP[:80] + FOREIGN[2],
    HTTP[100:180],
    JSON[:100],
    JSON[100:],
    JSON.replace(b'"start_time": ', b'"start_tXme": '),
    b'{"level":"info","msg":"cut sh',
    b"started \x80\xff",
    b"started \x00",
    b'"kept": 1, "response_code": 200',
]


def others_among(lines: list[bytes], layout: str | None = None) -> list[bool]:
    found = are_others(pa.array(lines, pa.binary()), np.array([len(line) for line in lines]), layout)
    return [bool(other) for other in found]


@pytest.mark.parametrize("line", FOREIGN)
def test_lines_of_other_logs_are_others(line: bytes) -> None:
    assert others_among([line]) == [True]


@pytest.mark.parametrize("line", DAMAGED)
def test_damaged_records_are_none(line: bytes) -> None:
    assert others_among([line]) == [False]


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_cut_anywhere_is_none(record: bytes) -> None:
    heads = [record[:length] for length in range(2, len(record))]
    assert not any(others_among(heads))
    # What cannot be told from a word of an application: less than the last two words, a lone brace.
    shortest = 1 if record == JSON else len(record) - record[: record.rindex(b" ")].rindex(b" ")
    tails = [record[start:] for start in range(1, len(record) - shortest)]
    assert not any(others_among(tails))


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(RECORDS.values())), st.data())
def test_a_record_with_changed_bytes_is_none(record: bytes, data: st.DataObject) -> None:
    line = bytearray(record)
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(32, 126))
    assert others_among([bytes(line)]) == [False]


@pytest.mark.parametrize(("form", "record"), [("istio_text", HTTP), ("istio_json", JSON)])
def test_what_is_interleaved_is_counted_and_nothing_lost(form: str, record: bytes) -> None:
    lines = [line for foreign in FOREIGN for line in (record, foreign)] + DAMAGED
    (parsed,) = parse(form, b"\n".join(lines), 0, Context())
    assert (parsed.accepted.num_rows, parsed.others) == (len(FOREIGN), len(FOREIGN))
    assert parsed.rejected["raw"].to_pylist() == DAMAGED
    assert parsed.read == len(FOREIGN) + len(DAMAGED)


def test_a_layout_of_its_own_knows_its_fragments_by_its_literals() -> None:
    layout = "%START_TIME% code=%RESPONSE_CODE% took=%DURATION%"
    lines = [b"2026-01-01T12:00:00Z code=20", b"took=x", b"2026-01-01T12:00", b"started", FOREIGN[0], FOREIGN[9]]
    assert others_among(lines, layout) == [False, False, False, True, True, True]
    assert others_among([b"started", b"12 x", FOREIGN[0]], "%START_TIME% %RESPONSE_CODE%") == [False, False, True]
    keys = json.dumps({"ts": "%START_TIME%", "code": "%RESPONSE_CODE%"})
    assert others_among([b'{"ts":1,"code":"x"}', b'{"level":"info","msg":"a"}', b'"code":2}'], keys) == [
        False,
        True,
        False,
    ]
