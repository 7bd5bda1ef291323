"""Credentials never reach the lake: not in rows, not in attributes, not in the bytes of rejects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.columns import LABELS
from pipelines.inputs.formats import parse
from pipelines.parsers import redaction
from pipelines.parsers.context import Context
from pipelines.parsers.redaction import MARK, redacted, redacted_bytes
from pipelines.parsers.redaction_kernel import suspects
from pipelines.parsers.result import Parsed, accepted_schema, completed, reject_table
from pipelines.schemas import ACCESS_LOG_FIELDS
from tests.support.log_lines import json_line, text_line
from tests.support.wrapped_logs import docker

if TYPE_CHECKING:
    from collections.abc import Sequence

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

HIDDEN = [
    ("/cb?access_token=abc123&x=1", f"/cb?access_token={MARK}&x=1"),
    ("/cb?x=1&ID_Token=abc123#frag", f"/cb?x=1&ID_Token={MARK}#frag"),
    ("/o?X-Amz-Signature=ff00&X-Amz-Security-Token=a%2Fb", f"/o?X-Amz-Signature={MARK}&X-Amz-Security-Token={MARK}"),
    ("/a;jsessionid=0A1B2C?b=1", f"/a;jsessionid={MARK}?b=1"),
    ("/login?user=ann&password=p%40ss", f"/login?user=ann&password={MARK}"),
    ("/maps?key=secretkey&sig=abc", f"/maps?key={MARK}&sig={MARK}"),
    ("/v1?api_key=1&apikey=2&api-key=3", f"/v1?api_key={MARK}&apikey={MARK}&api-key={MARK}"),
    (f"/session/{JWT}/x", f"/session/{MARK}/x"),
    ("/reset-password/4f7ab0c1d2e3f4a5b6", f"/reset-password/{MARK}"),
    ("/proxy/https://ann:hunter2@db.example/x", f"/proxy/https://ann:{MARK}@db.example/x"),
    ("/x?h=Bearer%20abcdef123456", f"/x?h=Bearer%20{MARK}"),
    ("curl/8 Bearer abcdef123456", f"curl/8 Bearer {MARK}"),
    ("bot glpat-abcdefghijklmnopqrst", f"bot {MARK}"),
    ("/hook/ghp_abcdefghijklmnopqrstuvwxyz0123", f"/hook/{MARK}"),
    ("/k/AKIAABCDEFGHIJKLMNOP", f"/k/{MARK}"),
]
KEPT = [
    "/items/42?page=2&sort=name",
    "/tokens/list",
    "/api/v1/sessions",
    "/monkey?donkey=1&state=3",
    "/reviews/00000000-0000-4000-8000-000000000001",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "/author?name=x",
    "",
]


def access_logs(**columns: Sequence[object]) -> Parsed:
    rows = len(next(iter(columns.values())))
    kinds = {"path": pa.string(), "user_agent": pa.string(), "attributes": LABELS}
    table = pa.table(
        {
            "source_offset": pa.array(range(rows), pa.int64()),
            "start_time": pa.array([0] * rows, ACCESS_LOG_FIELDS.field("start_time").type),
            **{name: pa.array(values, kinds[name]) for name, values in columns.items()},
        }
    )
    return Parsed(completed(table, ACCESS_LOG_FIELDS), reject_table(), rows)


@pytest.mark.parametrize("many", [1, 3000])
@pytest.mark.parametrize("column", ["path", "user_agent"])
def test_credentials_in_paths_and_agents_are_hidden(column: str, many: int) -> None:
    texts = [text for text, _ in HIDDEN] + KEPT + [None]
    expected = [text for _, text in HIDDEN] + KEPT + [None]
    table = redacted(access_logs(**{column: texts * many})).accepted
    assert table[column].to_pylist() == expected * many
    assert table.schema == accepted_schema(ACCESS_LOG_FIELDS)


def test_distinct_texts_too_many_to_repeat() -> None:
    texts = [f"/items/{number}" for number in range(3000)] + [text for text, _ in HIDDEN]
    expected = texts[:3000] + [text for _, text in HIDDEN]
    assert redacted(access_logs(path=texts)).accepted["path"].to_pylist() == expected


def test_attributes_are_hidden_by_their_keys() -> None:
    rows = [
        [("authorization", "Basic YTpi"), ("REQ(COOKIE)", "a=b; c=d"), ("x-tenant", "blue")],
        [],
        None,
        [("req.header.x-api-key", "k"), ("referer", "https://a/?token=t"), ("set-cookie", None), ("cookies_sent", "3")],
    ]
    hidden = redacted(access_logs(attributes=rows)).accepted["attributes"].to_pylist()
    assert hidden == [
        [("authorization", MARK), ("REQ(COOKIE)", MARK), ("x-tenant", "blue")],
        [],
        None,
        [
            ("req.header.x-api-key", MARK),
            ("referer", f"https://a/?token={MARK}"),
            ("set-cookie", None),
            ("cookies_sent", "3"),
        ],
    ]
    parsed = access_logs(attributes=rows)
    part = Parsed(parsed.accepted.slice(3), parsed.rejected, 1)
    assert redacted(part).accepted["attributes"].to_pylist() == hidden[3:]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"authorization":"Basic YTpi","a":1', b'{"authorization":"[redacted]","a":1'),
        (b'{"log":"{\\"cookie\\":\\"a=b; c=d\\",\\"x\\":1', b'{"log":"{\\"cookie\\":\\"[redacted]\\",\\"x\\":1'),
        (b"x Authorization: Digest username=ann", b"x Authorization: [redacted]"),
        (b"\xff\xfe GET /?token=abc HTTP/1.1", b"\xff\xfe GET /?token=[redacted] HTTP/1.1"),
        (b"nothing to hide", b"nothing to hide"),
    ],
)
def test_bytes_of_rejects_are_hidden(raw: bytes, expected: bytes) -> None:
    assert redacted_bytes(pa.array([raw, b"other"])).to_pylist() == [expected, b"other"]


@pytest.mark.parametrize(("form", "line"), [("istio_text", text_line(0)), ("istio_json", json_line(0))])
def test_from_bytes_to_rows(form: str, line: bytes) -> None:
    secret = line.replace(b"/items/0", b"/items/0?token=hunter2&a=1")
    damaged = secret.replace(b"200", b"2x0")
    data = secret + damaged
    (parsed,) = parse(form, data, 0, Context())
    assert parsed.accepted["path"].to_pylist() == [f"/items/0?token={MARK}&a=1"]
    assert parsed.rejected["raw"].to_pylist() == [damaged.rstrip(b"\n").replace(b"hunter2", MARK.encode())]
    assert parsed.rejected["raw_length"].to_pylist() == [len(damaged) - 1]
    (parsed,) = parse(form, data, 0, Context(redact=False))
    assert parsed.accepted["path"].to_pylist() == ["/items/0?token=hunter2&a=1"]
    wrapped = docker(secret.decode()) + docker(damaged.decode())
    everything = json.dumps([str(part) for part in parse(form, wrapped, 0, Context(wrapper="docker"))])
    assert "hunter2" not in everything
    rejects = [part.rejected["raw"].to_pylist() for part in parse(form, wrapped, 0, Context(wrapper="docker"))]
    assert "hunter2" not in str(rejects)


_PIECES = """
/ ? & = ; token Bearer bearer %20 basic+ eyJabcdefgh . abcdefgh x_key secret Password SIG ghp_ AKIA ://u:p@ otp code
/invites/ /verify-email/ /token/ ya29. xoxb- sk_live_ npm_ AIza glpat- github_pat_ Negotiate sid assertion
aaaaaaaaaaaaaaaaaaaaaaaa AAAAAAAAAAAAAAAA
"""
_WORDS = st.sampled_from([*_PIECES.split(), " "])


@settings(deadline=None, max_examples=500)
@given(st.lists(st.lists(_WORDS | st.text(max_size=4), max_size=8).map("".join), min_size=1, max_size=20))
def test_whatever_holds_a_credential_is_suspected(texts: list[str]) -> None:
    array = pa.array(texts, pa.string())
    matched = pc.match_substring_regex(array, pattern=redaction._ANY).to_pylist()
    suspected = set(suspects(array, redaction._PAIRS).tolist())
    assert {row for row, match in enumerate(matched) if match} <= suspected
