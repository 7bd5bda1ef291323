"""Every wrapper taken off: the same records as without it, who wrote them, the original bytes of what is refused."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.inputs.formats import parse
from pipelines.inputs.recognise import recognise
from pipelines.parsers.context import Context
from pipelines.parsers.wrappers.registry import WRAPPERS, unwrap
from tests.support.log_lines import json_line, text_line
from tests.support.wrapped_logs import POD, WRAPPED, cri, docker

DAMAGED = text_line(5)[:70] + b"\n"
LINES = [
    *(text_line(number) for number in range(20)),
    DAMAGED,
    text_line(20).replace(b"curl/8.5.0", b'a "q" \\z \xc3\xbc\t'),
]
BASE = 1_000_000


def parse_all(format_name: str, data: bytes, wrapper: str | None) -> tuple[pa.Table, pa.Table, int, int]:
    results = list(parse(format_name, data, BASE, Context(wrapper=wrapper)))
    accepted = pa.concat_tables([parsed.accepted for parsed in results])
    rejected = pa.concat_tables([parsed.rejected for parsed in results])
    return accepted, rejected, sum(parsed.read for parsed in results), sum(parsed.others for parsed in results)


@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("form", ["istio_text", "istio_json"])
def test_the_same_records_as_without_the_wrapper(wrapper: str, form: str) -> None:
    wrap, tells_namespace, tells_pod = WRAPPED[wrapper]
    lines = LINES if form == "istio_text" else [json_line(number) for number in range(30)]
    data = wrap(lines)
    assert recognise(data, "/logs/file", is_whole=True).wrapper == wrapper
    assert recognise(data, "/logs/file", is_whole=True).format == form
    plain, refused, read, _ = parse_all(form, b"".join(lines), None)
    accepted, rejected, read_wrapped, others = parse_all(form, data, wrapper)
    assert (read_wrapped, others) == (read, 0)
    assert rejected.num_rows == refused.num_rows
    unnamed = ["source_offset", "reporter_namespace", "reporter_pod"]
    by_time = [("start_time", "ascending")]
    assert accepted.drop_columns(unnamed).sort_by(by_time).equals(plain.drop_columns(unnamed).sort_by(by_time))
    assert set(accepted["reporter_pod"].to_pylist()) == ({POD} if tells_pod else {None})
    assert set(accepted["reporter_namespace"].to_pylist()) == ({"shop"} if tells_namespace else {None})


@pytest.mark.parametrize("wrapper", WRAPPED)
def test_offsets_and_raw_bytes_are_those_of_the_wrapped_record(wrapper: str) -> None:
    wrap, *_ = WRAPPED[wrapper]
    data = wrap(LINES)
    accepted, rejected, *_ = parse_all("istio_text", data, wrapper)
    (reject,) = rejected.to_pylist()
    at = reject["source_offset"] - BASE
    assert data[at : at + reject["raw_length"]] == reject["raw"]
    assert (
        json.dumps(DAMAGED.decode().rstrip("\n"))[1:-1].encode() in reject["raw"] or DAMAGED.rstrip() in reject["raw"]
    )
    for row in accepted.to_pylist():
        at = row["source_offset"] - BASE
        assert row["request_id"].encode() in data[at : at + 1500]


def test_parts_of_a_line_are_joined_whatever_comes_between() -> None:
    long = text_line(1).replace(b"/items/1", b"/items/1" + b"x" * 20_000)
    parts = [long[:9000], long[9000:18000], long[18000:]]
    wrapped = [cri(text_line(0)), cri(parts[0], tag="P"), cri(b"an error", stream="stderr"), cri(parts[1], tag="P")]
    data = b"".join([*wrapped, cri(parts[2]), cri(text_line(2))])
    accepted, rejected, read, others = parse_all("istio_text", data, "cri")
    assert (accepted.num_rows, rejected.num_rows, read, others) == (3, 0, 3, 1)
    assert accepted["path"].to_pylist()[1] == "/items/1" + "x" * 20_000
    assert accepted["source_offset"].to_pylist()[1] == BASE + len(wrapped[0])
    texts = [part.decode() for part in parts]
    data = docker(texts[0]) + docker("an error\n", "stderr") + docker(texts[1]) + docker(texts[2]) + docker("\n")
    accepted, rejected, read, others = parse_all("istio_text", data, "docker")
    assert (accepted.num_rows, rejected.num_rows, read, others) == (1, 0, 1, 1)


def test_a_damaged_line_in_parts_is_refused_with_all_its_parts() -> None:
    head, tail = text_line(1)[:40], text_line(1)[40:80]
    data = cri(head, tag="P") + cri(tail) + cri(text_line(2))
    _, rejected, *_ = parse_all("istio_text", data, "cri")
    assert rejected["raw"].to_pylist() == [cri(head, tag="P") + cri(tail).rstrip(b"\n")]
    assert rejected["raw_length"].to_pylist() == [len(cri(head, tag="P") + cri(tail)) - 1]


@pytest.mark.parametrize(
    ("wrapper", "line"),
    [
        ("cri", b"2026-01-01T12:00:00.1Z stdlog F x"),
        ("cri", b"2026-01-01T12:00"),
        ("docker", b'{"log":"half a'),
        ("docker", b'{"log":5,"stream":"stdout"}'),
        ("fluent_bit", b'{"log":"x"} and more'),
        ("stern_text", b"NO names"),
    ],
)
def test_what_the_wrapper_itself_damaged_is_refused_and_counted(wrapper: str, line: bytes) -> None:
    wrap, *_ = WRAPPED[wrapper]
    data = wrap(LINES[:3]) + line + b"\n" + wrap(LINES[3:6])
    accepted, rejected, read, others = parse_all("istio_text", data, wrapper)
    assert (accepted.num_rows, read, others) == (6, 7, 0)
    assert rejected["raw"].to_pylist() == [line]
    assert rejected["source_offset"].to_pylist() == [BASE + len(wrap(LINES[:3]))]


@pytest.mark.parametrize("wrapper", ["fluent_bit_document", "loki_streams", "cloudwatch_subscription"])
def test_a_document_cut_short_says_so(wrapper: str) -> None:
    wrap, *_ = WRAPPED[wrapper]
    data = wrap(LINES[:9])
    _, rejected, read, _ = parse_all("istio_text", data[:-20], wrapper)
    assert read >= 1
    assert "damaged JSON" in str(rejected["reason"].to_pylist())


def test_a_name_that_is_none_in_kubernetes_is_nobody() -> None:
    data = json.dumps(
        {"log": text_line(0).decode(), "kubernetes": {"pod_name": "<b>", "namespace_name": "a b"}}
    ).encode()
    accepted, *_ = parse_all("istio_text", data, "fluent_bit")
    assert accepted.select(["reporter_namespace", "reporter_pod"]).to_pylist() == [
        {"reporter_namespace": None, "reporter_pod": None}
    ]


def test_a_shipper_that_took_json_apart_is_read_from_the_record_itself() -> None:
    record = json.loads(json_line(0)) | {"kubernetes": {"pod_name": POD, "namespace_name": "shop"}, "stream": "stdout"}
    data = json.dumps(record).encode() + b"\n"
    found = recognise(data, "/f", is_whole=True)
    assert (found.format, found.wrapper) == ("istio_json", "fluent_bit")
    accepted, *_ = parse_all("istio_json", data, "fluent_bit")
    assert (accepted["path"].to_pylist(), accepted["reporter_pod"].to_pylist()) == (["/items/0"], [POD])


@example(b"", "cri")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from(sorted(WRAPPERS)))
def test_any_bytes_are_taken_without_a_crash(data: bytes, wrapper: str) -> None:
    for parsed in parse("istio_text", data, 0, Context(wrapper=wrapper)):
        assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows


@settings(deadline=None, max_examples=200)
@given(st.data(), st.sampled_from(sorted(WRAPPED)))
def test_mutated_bytes_never_crash_and_add_up(data: st.DataObject, wrapper: str) -> None:
    wrap, *_ = WRAPPED[wrapper]
    content = bytearray(wrap(LINES[:4]))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for parsed in parse("istio_text", bytes(content), 0, Context(wrapper=wrapper)):
        assert parsed.read == parsed.accepted.num_rows + parsed.rejected.num_rows


@pytest.mark.parametrize("wrapper", ["cri", "docker", "fluent_bit", "sls", "kubectl"])
def test_no_line_is_lost_between_text_and_parts(wrapper: str) -> None:
    wrap, *_ = WRAPPED[wrapper]
    data = wrap(LINES)
    unwrapped = unwrap(wrapper, np.frombuffer(data, np.uint8))
    assert len(unwrapped.starts) == len(LINES)
    assert [data[begin:end] for begin, end in zip(unwrapped.part_begins, unwrapped.part_ends, strict=True)] == [
        line for line in data.split(b"\n") if line
    ]
