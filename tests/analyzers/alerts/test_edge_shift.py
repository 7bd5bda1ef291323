from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analyzers.alerts.edge_shift import detect
from analyzers.alerts.record import alert_lake
from analyzers.framework.analyzer import Options
from pipelines.histogram import bucket_index
from pipelines.lake.lake import Lake
from pipelines.lake.session import open_session
from tests.support.rows import START, Row, pod, service

if TYPE_CHECKING:
    from pathlib import Path

HOST = "cart.shop.svc.cluster.local"
MINUTES = 10


def minute_rows(minute: int, *, errors: int, duration_ms: int, calls: int = 200) -> list[Row]:
    import numpy as np

    bucket = int(bucket_index(np.array([duration_ms], dtype=np.int64))[0])
    at = START + timedelta(minutes=minute)
    return [
        Row(
            "edges_1m",
            {
                "minute": at,
                "source": "logs/web-1/access.log",
                "reporter": "source",
                "upstream_cluster": f"outbound|80||{HOST}",
                "protocol": "http",
                "code_class": code_class,
                "calls": count,
                "bytes_received": 0,
                "bytes_sent": 0,
                "duration_ms_sum": count * duration_ms,
                "latency_bucket": [bucket],
                "latency_count": [count],
                "date": at.date(),
            },
        )
        for code_class, count in (("2xx", calls - errors), ("5xx", errors))
        if count
    ]


def lake_with(tmp_path: Path, rows: list[Row]) -> str:
    uri = str(tmp_path / "lake")
    objects = [pod("shop", "web-1", "web", "10.0.0.1"), service("shop", "cart", 80)]
    Lake.open(uri, create=True).append("ingest", {"edges_1m": Row.table(rows), "mesh_objects": Row.table(objects)})
    return uri


def history(**last: int) -> list[Row]:
    """Ten quiet minutes, then two minutes of something else."""
    rows = [row for minute in range(MINUTES) for row in minute_rows(minute, errors=minute % 3, duration_ms=20)]
    for minute in (MINUTES, MINUTES + 1):
        rows += minute_rows(minute, **({"errors": 1, "duration_ms": 20} | last))
    return rows


def test_a_quiet_edge_raises_nothing(tmp_path: Path) -> None:
    with open_session(lake_with(tmp_path, history())) as session:
        assert detect(session, Options()) == ()


def test_two_failing_minutes_are_one_alert_with_its_bounds(tmp_path: Path) -> None:
    with open_session(lake_with(tmp_path, history(errors=100))) as session:
        (alert,) = detect(session, Options())
    assert (alert.code, alert.kind, alert.severity) == ("ML0401", "error_rate", "error")
    assert (alert.caller, alert.callee) == ("web", HOST)
    assert alert.window_start == START + timedelta(minutes=MINUTES)
    assert alert.window_end == START + timedelta(minutes=MINUTES + 2)
    assert alert.observed == pytest.approx(0.5)
    assert alert.observed_lower < 0.5 < alert.observed_upper
    assert alert.expected_upper < alert.observed_lower


def test_slower_answers_are_a_latency_alert(tmp_path: Path) -> None:
    with open_session(lake_with(tmp_path, history(duration_ms=60))) as session:
        (alert,) = detect(session, Options())
    assert (alert.code, alert.kind) == ("ML0402", "latency")
    assert alert.observed == pytest.approx(60, rel=0.02)
    assert alert.expected == pytest.approx(20, rel=0.02)


def test_too_few_calls_say_nothing(tmp_path: Path) -> None:
    rows = history() + minute_rows(MINUTES + 5, errors=10, duration_ms=500, calls=10)
    with open_session(lake_with(tmp_path, rows)) as session:
        assert detect(session, Options()) == ()


def test_too_short_a_past_says_nothing(tmp_path: Path) -> None:
    rows = minute_rows(0, errors=0, duration_ms=20) + minute_rows(1, errors=150, duration_ms=900)
    with open_session(lake_with(tmp_path, rows)) as session:
        assert detect(session, Options()) == ()


def test_a_period_leaves_out_what_lies_outside(tmp_path: Path) -> None:
    with open_session(lake_with(tmp_path, history(errors=100))) as session:
        assert detect(session, Options(until=START + timedelta(minutes=MINUTES))) == ()
        assert detect(session, Options(since=START + timedelta(minutes=MINUTES + 2))) == ()


def test_alerts_are_kept_in_the_lake(tmp_path: Path) -> None:
    uri = lake_with(tmp_path, history(errors=100))
    (alert,) = alert_lake(uri, Options())
    with open_session(uri) as session:
        (row,) = session.query("alerts").to_pylist()
    assert row["fingerprint"] == alert.fingerprint
    assert row["samples"] == alert.samples == 200
    assert row["run_id"]
    alert_lake(uri, Options())
    with open_session(uri) as session:
        assert session.rows("alerts") == 1, "the same again adds nothing"


def test_the_command_fails_on_severe_alerts_only_when_asked(tmp_path: Path) -> None:
    uri = lake_with(tmp_path, history(errors=100))
    command = [sys.executable, "-m", "meshlens", "alerts", "--lake", uri, "-o", "json"]
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    strict = subprocess.run([*command, "--fail-on", "error"], capture_output=True, text=True, check=False)
    assert (plain.returncode, strict.returncode) == (0, 1), strict.stderr
    assert '"ML0401"' in plain.stdout
