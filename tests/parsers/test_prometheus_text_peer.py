"""Expositions that are written and read back, and read by prometheus_client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.parsers.expositions import OBSERVED, read

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,40}", fullmatch=True)
values = st.one_of(
    st.floats(allow_nan=False).map(repr), st.integers(-(10**25), 10**25).map(str), st.sampled_from(["+Inf", "-Inf"])
)


@st.composite
def expositions(draw: st.DrawFn) -> tuple[str, list[tuple[str, dict[str, str], float, int | None]]]:
    """A document and its samples: metric, labels, value, milliseconds."""
    lines: list[str] = []
    samples: list[tuple[str, dict[str, str], float, int | None]] = []
    labels: dict[str, str] = {}
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        lines.append(f"# TYPE {name} gauge")
        for _ in range(draw(st.integers(1, 3))):
            if draw(st.booleans()):
                labels = draw(st.dictionaries(names, st.text(st.characters(codec="utf-8")), max_size=4))
            number = draw(values)
            time = draw(st.none() | st.integers(0, 10**13))
            escaped = {
                key: text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') for key, text in labels.items()
            }
            inner = ",".join(f'{key}="{text}"' for key, text in escaped.items())
            lines.append(f"{name}{{{inner}}} {number}" + ("" if time is None else f" {time}"))
            samples.append((name, dict(labels), float(number), time))
    return "\n".join(lines) + "\n", samples


@settings(deadline=None)
@given(expositions())
def test_what_is_written_is_read(written: tuple[str, list[tuple[str, dict[str, str], float, int | None]]]) -> None:
    document, samples = written
    rows, rejects = read(document.encode())
    assert not rejects
    found = [(row["metric"], dict(row["labels"]), row["value"], row["metric_type"]) for row in rows]  # type: ignore[call-overload]  # a list of pairs
    assert found == [(metric, labels, value, "gauge") for metric, labels, value, _ in samples]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    times = [OBSERVED if time is None else epoch + timedelta(milliseconds=time) for *_, time in samples]
    assert [row["time"] for row in rows] == times


@pytest.mark.parametrize("is_open_metrics", [False, True])
def test_prometheus_client_reads_the_same(is_open_metrics: bool) -> None:
    family = "calls" if is_open_metrics else "calls_total"
    document = (
        f"# HELP {family} Calls.\n# TYPE {family} counter\n"
        f'calls_total{{code="200",path="/a b?\\"c\\"\\\\"}} 1027 1395066363\n'
        "# TYPE latency histogram\n"
        'latency_bucket{le="0.5"} 129389\nlatency_bucket{le="+Inf"} 144320\nlatency_sum 53423.25\n'
        "latency_count 144320\n"
        "# TYPE rpc summary\n"
        'rpc{quantile="0.5"} 4773\nrpc_sum 1.7560473e+07\nrpc_count 2693\n'
        "# TYPE temperature gauge\ntemperature -3.5\n" + ("# EOF\n" if is_open_metrics else "")
    )
    families = read_open_metrics(document) if is_open_metrics else read_text(document)  # type: ignore[no-untyped-call]  # it has no types
    expected = [
        (sample.name, sorted(sample.labels.items()), float(sample.value), family.type)
        for family in families
        for sample in family.samples
    ]
    rows, rejects = read(document.encode())
    assert not rejects
    found = [(row["metric"], sorted(row["labels"]), row["value"], row["metric_type"]) for row in rows]  # type: ignore[call-overload]  # as above
    assert sorted(found) == sorted(expected)
