"""Whatever the bytes: nothing raises, every line is a record, a reject or blank, and cuts change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.parsers.istio_json import parse_istio_json
from pipelines.parsers.istio_text import parse_istio_text
from tests.parsers.access_logs import PLAIN, TCP, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.parsers.result import Parsed

PARSERS = [parse_istio_text, parse_istio_json]

#: What Envoy passes on in a header: anything but control bytes that end or break a line.
HEADER = st.binary(max_size=40).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F))
AGENT = HEADER.filter(lambda value: value != b"-")


def count(chunk: bytes) -> int:
    return sum(1 for line in chunk.split(b"\n") if line.strip(b" \t\r"))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Lines of both kinds with bytes changed, removed and put in."""
    kinds = [Request().text(), Request(TCP).text(), Request().json(), Request(TCP).json(), b"", b"started"]
    chunk = bytearray(b"\n".join(draw(st.lists(st.sampled_from(kinds), max_size=8))))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(chunk)))
        chunk[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(chunk)


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=300, deadline=None)
@given(chunk=st.one_of(damaged(), st.binary(max_size=300)), base=st.integers(0, 1 << 40))
def test_every_line_is_accounted_for(parse: Callable[[bytes, int], Parsed], chunk: bytes, base: int) -> None:
    parsed = parse(chunk, base)
    assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows == count(chunk)
    offsets = parsed.accepted.column("source_offset").to_pylist() + parsed.rejected.column("source_offset").to_pylist()
    assert len(set(offsets)) == parsed.read
    assert all(base <= offset < base + len(chunk) for offset in offsets)


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=100, deadline=None)
@given(chunk=damaged(), cut=st.integers(0, 1 << 16))
def test_a_cut_between_lines_changes_nothing(parse: Callable[[bytes, int], Parsed], chunk: bytes, cut: int) -> None:
    at = chunk.rfind(b"\n", 0, cut % (len(chunk) + 1)) + 1
    whole, parts = parse(chunk, 0), [parse(chunk[:at], 0), parse(chunk[at:], at)]
    assert whole.accepted.to_pylist() == [row for part in parts for row in part.accepted.to_pylist()]
    assert whole.rejected.to_pylist() == [row for part in parts for row in part.rejected.to_pylist()]


@settings(max_examples=300, deadline=None)
@given(agents=st.lists(AGENT, min_size=1, max_size=5))
def test_any_user_agent_comes_back_whole_from_text(agents: list[bytes]) -> None:
    chunk = b"\n".join(Request({"user_agent": agent}).text() for agent in agents)
    parsed = parse_istio_text(chunk, 0)
    found = parsed.accepted.column("user_agent").to_pylist()
    assert found == [said(agent) for agent in agents]


def said(value: bytes) -> str:
    """What Envoy's JSON logger prints for these bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@settings(max_examples=200, deadline=None)
@given(
    agent=st.one_of(st.none(), st.text(st.characters(min_codepoint=0x20, exclude_characters="\x7f"), max_size=30)),
    code=st.just(0) | st.integers(100, 599),
    size=st.integers(0, 2**53),
    orders=st.randoms(use_true_random=False),
)
def test_json_in_any_order_of_keys_is_the_same(agent: str | None, code: int, size: int, orders: object) -> None:
    import json
    import random

    assert isinstance(orders, random.Random)
    request = Request({"user_agent": agent, "response_code": code, "bytes_sent": size})
    value = json.loads(request.json())
    keys = list(value)
    orders.shuffle(keys)
    shuffled = json.dumps({key: value[key] for key in keys}, ensure_ascii=orders.random() < 0.5).encode()
    together = parse_istio_json(b"\n".join([request.json(), shuffled, request.json(), shuffled]), 0).accepted
    (same,) = {tuple(sorted(row.items(), key=str)) for row in together.drop_columns("source_offset").to_pylist()}
    # A lone `-` is Envoy's word for nothing, in text and here alike.
    assert dict(same)["user_agent"] == (None if agent == "-" else agent)
    assert dict(same)["response_code"] == code
    assert dict(same)["bytes_sent"] == size
    assert set(PLAIN) <= dict(same).keys()
