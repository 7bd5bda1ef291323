"""Sample lists by the compiled reader against sample by sample: the same, or left alone."""

from __future__ import annotations

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.parsers.prometheus_samples import Document, read_one_by_one

numbers = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.floats(allow_nan=False).map("{:.32g}".format),
    st.integers(-(2**70), 2**70).map(str),
    st.from_regex(r"[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{1,8})?", fullmatch=True),
    st.sampled_from(
        ["NaN", "+Inf", "-Inf", "Inf", "nan", "1e400", "-1e-400", "+5", ".5", "5.", "", "-", "9007199254740993"]
    ),
)
times = st.one_of(
    st.integers(-(10**11), 10**11).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(["null", '"5"', "{}", "1e999999999", "-1e-999999999"]),
)
blanks = st.sampled_from(["", " ", "\n  ", "\t\r"])


@st.composite
def lists(draw: st.DrawFn) -> str:
    samples = []
    for time, value in draw(st.lists(st.tuples(times, numbers), max_size=8)):
        space = [draw(blanks) for _ in range(4)]
        samples.append(f"[{space[0]}{time}{space[1]},{space[2]}{json.dumps(value)}{space[3]}]")
    return draw(blanks).join(["[", ",".join(samples), "]"])


def check(text: bytes, before: bytes, after: bytes) -> bool:
    """Whether the compiled reader took it; it found the same then."""
    found = Document(before + text + after, 100).read(len(before), len(text))
    expected, rejects = read_one_by_one(text, 100 + len(before))
    if found is None:
        return False
    assert not rejects
    assert found.times.tolist() == expected.times.tolist()
    assert found.values.view("int64").tolist() == expected.values.view("int64").tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()
    return True


@given(lists(), st.binary(max_size=12), st.binary(max_size=12))
@example('[[1,"NaN"],[2,"0.30000000000000004"],[3,"1e400"],[4,"123456789012345678901234567890"]]', b"", b"")
@settings(max_examples=300, deadline=None)
def test_any_list(text: str, before: bytes, after: bytes) -> None:
    check(text.encode(), before, after)


@given(lists(), st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_lists_that_are_still_json(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.sampled_from('[]{}",:1-.e \\')) + text[at + data.draw(st.integers(0, 2)) :]
    try:
        msgspec.json.decode(damaged, type=list[msgspec.Raw])
    except msgspec.MsgspecError:
        return
    check(damaged.encode(), b"", b"")


def test_what_prometheus_writes_is_taken() -> None:
    samples = [[1_700_000_000 + 15 * step, str(step / 7)] for step in range(2000)]
    samples += [[1_700_000_000.123, "+Inf"], [1_700_000_000.781, "NaN"], [0, "-0"], [-1.5, "1.7976931348623157e+308"]]
    for separators in ((",", ":"), (", ", ": ")):
        assert check(json.dumps(samples, separators=separators).encode(), b'{"values":', b"}")
    assert check(json.dumps(samples, indent=2).encode(), b"", b"")
    assert check(b"[]", b"", b"")
