from __future__ import annotations

import pytest

from pipelines.parsers import limits, otlp_requests, otlp_spans
from pipelines.parsers.delimited import complete_length
from pipelines.parsers.otlp_traces import parse_otlp_traces_delimited, parse_otlp_traces_json
from pipelines.parsers.result import accepted_schema
from pipelines.schemas import SPAN_FIELDS
from tests.parsers.trace_requests import (
    START,
    delimited,
    span_message,
    trace_request,
    varint,
)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": bytes(16)}, "trace_id is all zeros"),
        ({"span_id": bytes(8)}, "span_id is all zeros"),
        ({"trace_id": b"\x01" * 8}, "trace_id has 8 bytes, not 16"),
        ({"span_id": b""}, "span_id has 0 bytes, not 8"),
        ({"parent_span_id": b"\x01"}, "parent_span_id has 1 bytes, not 8"),
        ({"start_time_unix_nano": 0}, "no start time"),
        ({"end_time_unix_nano": 0}, "no end time"),
        ({"end_time_unix_nano": START - 2_000_000_000}, "ends 2000.000 ms before it starts"),
    ],
)
def test_invalid_span_is_rejected_alone_with_its_own_bytes(fields: dict[str, object], reason: str) -> None:
    bad = span_message(**fields)
    chunk = delimited(trace_request(span_message(name="before"), bad, span_message(name="after")))
    parsed = parse_otlp_traces_delimited(chunk, 7)
    assert parsed.accepted["name"].to_pylist() == ["before", "after"]
    [reject] = parsed.rejected.to_pylist()
    assert reason in reject["reason"]
    assert (reject["source_offset"], reject["raw"]) == (7, bad.SerializeToString())


def test_a_span_that_is_no_utf8_costs_no_other_span() -> None:
    good, bad = (
        span_message(name="good"),
        span_message(name="bad!!").SerializeToString().replace(b"bad!!", b"bad\xff\xfe"),
    )
    scope = b"".join(b"\x12" + varint(len(raw)) + raw for raw in (good.SerializeToString(), bad))
    block = b"\x12" + varint(len(scope)) + scope
    parsed = parse_otlp_traces_delimited(delimited(b"\x0a" + varint(len(block)) + block), 0)
    assert parsed.accepted["name"].to_pylist() == ["good"]
    assert parsed.rejected["raw"].to_pylist() == [bad]


def test_an_undecodable_message_is_one_reject_and_the_next_is_read() -> None:
    broken = b"\x0a\x50 not a message"
    first = delimited(trace_request(span_message(name="one")))
    chunk = first + delimited(broken, trace_request(span_message(name="two")))
    parsed = parse_otlp_traces_delimited(chunk, 0)
    assert parsed.accepted["name"].to_pylist() == ["one", "two"]
    [reject] = parsed.rejected.to_pylist()
    assert (reject["source_offset"], reject["raw"]) == (len(first), broken)


def test_truncated_tail_and_bad_length_are_one_reject_of_the_rest() -> None:
    whole = delimited(trace_request(span_message()))
    for tail in (whole[:-3], b"\xff" * 10 + whole, b"\xff\xff\xff\xff\x7f" + whole, b"\x80"):
        parsed = parse_otlp_traces_delimited(whole + tail, 50)
        assert parsed.accepted.num_rows == 1
        [reject] = parsed.rejected.to_pylist()
        assert (reject["source_offset"], reject["raw"]) == (50 + len(whole), tail)


def test_how_far_a_growing_file_can_be_read() -> None:
    whole = delimited(trace_request(span_message()))
    assert complete_length(whole + whole[:-1]) == len(whole)
    assert complete_length(whole + b"\x80") == len(whole)
    damaged = whole + b"\xff" * 11
    assert complete_length(damaged) == len(damaged)
    assert complete_length(whole) == len(whole)
    assert complete_length(whole + bytes(20)) == len(whole)
    assert complete_length(whole + bytes(20) + whole) == 2 * len(whole) + 20


def test_a_run_of_zeros_is_one_reject_and_messages_after_it_are_read() -> None:
    whole = delimited(trace_request(span_message()))
    parsed = parse_otlp_traces_delimited(whole + bytes(4096) + whole + b"\0" + whole, 0)
    assert parsed.accepted.num_rows == 3
    [reject] = parsed.rejected.to_pylist()
    assert (reject["source_offset"], reject["raw"]) == (len(whole), bytes(4096))


def test_spans_of_one_message_share_its_offset() -> None:
    first, second = trace_request(span_message(), span_message()), trace_request(span_message())
    parsed = parse_otlp_traces_delimited(delimited(first, second), 1000)
    following = 1000 + len(delimited(first))
    assert parsed.accepted["source_offset"].to_pylist() == [1000, 1000, following]


def test_a_resource_after_its_spans_still_names_them() -> None:
    resource = trace_request(service__name="late").resource_spans[0].resource.SerializeToString()
    span = span_message().SerializeToString()
    scope = b"\x12" + varint(len(span)) + span
    block = b"\x12" + varint(len(scope)) + scope + b"\x0a" + varint(len(resource)) + resource
    parsed = parse_otlp_traces_delimited(delimited(b"\x0a" + varint(len(block)) + block), 0)
    assert parsed.accepted["service_name"].to_pylist() == ["late"]


def test_spans_of_a_message_full_of_bad_ones_are_given_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_requests, "MAX_REJECTS_PER_MESSAGE", 3)
    chunk = delimited(
        trace_request(*[span_message(trace_id=bytes(16)) for _ in range(10)]), trace_request(span_message())
    )
    parsed = parse_otlp_traces_delimited(chunk, 0)
    assert parsed.accepted.num_rows == 1
    assert parsed.rejected.num_rows == 4
    assert "given up" in parsed.rejected["reason"].to_pylist()[-1]


def test_a_huge_resource_is_not_repeated_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_spans, "repeat_budget", lambda _size: 5_000)
    parsed = parse_otlp_traces_delimited(delimited(trace_request(*[span_message()] * 10, service__name="s" * 1_000)), 0)
    assert (parsed.accepted.num_rows, parsed.rejected.num_rows) == (4, 6)
    assert limits.repeat_budget(1_000_000) > 5_000


def test_nothing_is_read_from_nothing() -> None:
    for parsed in (parse_otlp_traces_delimited(b"", 0), parse_otlp_traces_json(b" \n", 0)):
        assert (parsed.read, parsed.accepted.schema) == (0, accepted_schema(SPAN_FIELDS))
