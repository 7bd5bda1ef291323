"""What counts say of health, where Kiali's rules are known to be wrong, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analyzers.framework.analyzer import Options
from analyzers.health.health import health
from analyzers.health.verdict import judge_replicas
from pipelines.lake.lake import Lake
from tests.support.calls import HOST, START, call, session_of
from tests.support.rows import Row, access_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from analyzers.health.health import Health

HOUR = 3600.0


def judged(
    calls: Iterable[Mapping[str, object]], objects: Iterable[Mapping[str, object]] = (), *, level: str = "service"
) -> list[Health]:
    with session_of(calls, objects_now=objects) as session:
        return [item for item in health(session, Options()) if item.level == level]


def recent(count: int, failing: int = 0, **columns: object) -> list[dict[str, object]]:
    """Calls of the last ten minutes, the first `failing` of which fail."""
    failed = {"is_error": True, "response_code": 503, "response_flags": "UF"}
    return [
        call(HOUR + number * 600 / count, response_code=200) | columns | (failed if number < failing else {})
        for number in range(count)
    ]


def before(count: int, failing: int = 0, **columns: object) -> list[dict[str, object]]:
    """The same of the half hour before."""
    return [
        row | {"start_time": START + timedelta(seconds=number)}
        for number, row in enumerate(recent(count, failing, **columns))
    ]


@pytest.mark.parametrize(
    ("calls", "status"),
    [
        (recent(300), "healthy"),
        (recent(300, 90), "failing"),
        (recent(300, 12), "degraded"),
        (recent(300, 1), "healthy"),
        # One of three: Kiali says Failure. It may be the only one of the day.
        (recent(3, 1), "unknown"),
        (recent(25, 1), "healthy"),
        (before(600) + recent(300, 6), "degraded"),
    ],
)
def test_shares_are_judged_by_their_bounds(calls: list[dict[str, object]], status: str) -> None:
    (item,) = judged(calls)
    assert item.status == status


def test_one_request_with_two_reports_is_one_call() -> None:
    # The caller timed out, the callee answered 200: Kiali counts one failure of one success.
    seen = {"reporter": "both", "server_lines": 1, "server_response_code": 200}
    (item,) = judged(recent(300, 150, **seen))
    assert (item.calls, item.failures, item.status) == (300, 150, "failing")


def test_the_reason_names_flags_and_who_decided() -> None:
    (item,) = judged(before(300, 3) + recent(300, 90, response_code_details="upstream_reset"))
    assert item.reasons[0].text == (
        "90 of 300 calls failed (30.0 %), 90 of them by a proxy's decision (UF 90); 1.0 % the day before"
    )


def test_answers_of_4xx_count_where_they_rise() -> None:
    refused = recent(300, response_code=404)
    assert [item.status for item in judged(refused)] == ["healthy"]
    assert [item.status for item in judged(before(600, response_code=404) + refused)] == ["healthy"]
    (item,) = judged(before(600) + refused)
    assert (item.status, item.reasons[0].text) == ("degraded", "100.0 % answered with 4xx, 0.0 % the day before")


def test_retries_are_shown() -> None:
    (item,) = judged(recent(100, reporter="both", server_lines=3))
    assert (item.status, item.retried, item.failures) == ("degraded", 100, 0)


def test_slower_than_the_day_before() -> None:
    (item,) = judged(before(300) + recent(300, duration_ms=400))
    assert item.reasons[0].text == "95th percentile 400 ms, 5 ms the day before"


def test_every_level_is_there() -> None:
    with session_of(recent(300, 90)) as session:
        found = {
            item.level: (item.namespace, item.name, item.caller, item.status) for item in health(session, Options())
        }
    assert found == {
        "namespace": (None, "shop", None, "failing"),
        "service": ("shop", HOST, None, "failing"),
        "workload": ("shop", "cart", None, "failing"),
        "edge": ("shop", HOST, "web", "failing"),
    }


def deployment(desired: int, available: int, name: str = "cart") -> dict[str, object]:
    status = {"observedGeneration": 1, "availableReplicas": available}
    return {
        "kind": "Deployment",
        "namespace": "shop",
        "name": name,
        "object": json.dumps({"spec": {"replicas": desired}, "status": status}),
    }


def test_replicas_that_are_missing() -> None:
    (item,) = judged(recent(300), [deployment(3, 1)], level="workload")
    assert (item.status, item.reasons[0].text) == ("degraded", "1 of 3 replicas available")
    (silent,) = judged([], [deployment(2, 0, "idle")], level="workload")
    assert (silent.name, silent.status, silent.calls) == ("idle", "failing", 0)
    assert judge_replicas(0, 0) is None


def test_the_command_says_failing_by_its_exit_code(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    cluster = f"outbound|80||{HOST}"
    lines = [
        access_log("web.log", number, upstream_cluster=cluster, response_code=503 if number % 2 else 200)
        for number in range(60)
    ]
    Lake.open(lake, create=True).append("ingest", {"access_logs": Row.table(lines)})
    command = [sys.executable, "-m", "meshlens", "health", "--lake", lake, "-o", "json"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert {item["status"] for item in json.loads(found.stdout)} == {"failing"}
    assert (
        subprocess.run([*command, "--fail-on", "failing"], capture_output=True, check=False, timeout=60).returncode == 1
    )
