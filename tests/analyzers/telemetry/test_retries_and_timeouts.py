"""Retries, repeated writes and timeouts, told from calls written by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.support.analyses import found
from tests.support.calls import HOST, START, call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.framework.finding import Finding

DB = "db.shop.svc.cluster.local"


def tried(second: float, attempts: int, **columns: object) -> dict[str, object]:
    return call(second, server_response_code=200) | {"server_lines": attempts} | columns


def deeper(second: float, attempts: int = 1, **columns: object) -> dict[str, object]:
    inner = {"caller": "cart", "caller_pod": "cart-1", "callee": DB, "callee_workload": "db", "callee_pod": "db-1"}
    return tried(second, attempts, **{**inner, **columns})


def lasting(second: float, seconds: float) -> dict[str, object]:
    end_time = START + timedelta(seconds=second + 0.01 + seconds)
    return {"end_time": end_time, "duration_ms": int(seconds * 1000)}


def test_attempts_multiply_along_a_path() -> None:
    calls = [tried(second * 30, 2) for second in range(30)] + [deeper(second * 15, 3) for second in range(60)]
    first, second = found("amplified_edges", calls)
    assert first.edges[0].callee == DB
    assert first.evidence["amplification"] == 3
    assert first.evidence["product"] == 6
    assert first.evidence["path"] == [f"web -> {HOST}", f"cart -> {DB}"]
    assert second.evidence["product"] == 2
    assert {first.severity, second.severity} == {"warning"}


def test_edges_that_call_each_other_end() -> None:
    back = {"caller": "cart", "caller_pod": "cart-1", "callee": "web.shop.svc.cluster.local", "callee_workload": "web"}
    calls = [tried(second, 2) for second in range(30)] + [tried(second, 2, **back) for second in range(30)]
    assert {finding.evidence["product"] for finding in found("amplified_edges", calls)} == {4}


def test_single_attempts_and_few_calls_amplify_nothing() -> None:
    assert found("amplified_edges", [tried(second, 1) for second in range(100)]) == []
    assert found("amplified_edges", [tried(second, 3) for second in range(19)]) == []


def test_a_short_recording_is_information() -> None:
    (finding,) = found("amplified_edges", [tried(second, 2) for second in range(30)])
    assert finding.severity == "info"


def test_retries_that_fail_again() -> None:
    failed = [tried(second * 10, 3, is_error=True, response_code=503, response_flags="URX") for second in range(80)]
    (finding,) = found("futile_retries", failed)
    assert (finding.code, finding.severity, finding.evidence["retried"]) == ("ML0612", "warning", 80)
    assert finding.evidence["codes"] == {"503": 80}
    helped = [tried(second, 2) for second in range(10)]
    assert found("futile_retries", [*failed, *helped]) == []
    assert found("futile_retries", failed[:49]) == []


def test_a_given_up_retry_counts_without_the_callees_lines() -> None:
    failed = [call(second, is_error=True, response_code=503, response_flags="UF,URX") for second in range(60)]
    assert [finding.evidence["retried"] for finding in found("futile_retries", failed)] == [60]


def test_an_inner_call_that_outlives_the_outer() -> None:
    outer = [call(second, seconds=1, response_flags="UT", response_code=504, is_error=True) for second in range(8)]
    inner = [deeper(second + 0.01, request_id=f"request-{second}") | lasting(second, 3) for second in range(8)]
    (finding,) = found("abandoned_work", [*outer, *inner])
    assert finding.subject == f"web -> {HOST}"
    assert finding.evidence["inner_edge"] == {"caller": "cart", "callee": DB}
    assert (finding.evidence["outer_ms"], finding.evidence["inner_ms"]) == (1000, 3000)
    in_time = [deeper(second + 0.01, request_id=f"request-{second}") | lasting(second, 1.05) for second in range(8)]
    assert found("abandoned_work", [*outer, *in_time]) == []


def test_a_timeout_that_fires_all_the_time() -> None:
    calls = [
        call(second * 10, seconds=1 if second % 20 == 0 else 0.3, response_flags="UT" if second % 20 == 0 else None)
        for second in range(400)
    ]
    (finding,) = found("timeouts_below_latency", calls)
    assert (finding.evidence["cut_off"], finding.evidence["timeout_ms"]) == (20, 1000)
    assert finding.evidence["answered_longest_ms"] == 300
    assert finding.severity == "warning"


def test_timeouts_of_an_outage_are_no_habit() -> None:
    calls = [
        call(second * 10, seconds=1, response_flags="UT" if 200 <= second < 220 else None) for second in range(400)
    ]
    assert found("timeouts_below_latency", calls) == []


def line(number: int, side: str, second: float, **columns: object) -> dict[str, object]:
    return {
        "line": number,
        "side": side,
        "source": "web-1.log" if side == "outbound" else "cart-1.log",
        "source_offset": int(second * 1000),
        "start_time": START + timedelta(seconds=second),
        "method": "POST",
        "response_code": 200,
        "response_code_details": "via_upstream",
        **columns,
    }


def repeated(*answers: Mapping[str, object]) -> list[Finding]:
    lines = [line(1, "outbound", 0), *(line(2 + at, "inbound", 0.1, **answer) for at, answer in enumerate(answers))]
    matches = [{"outbound_line": 1, "inbound_line": 2 + at} for at in range(len(answers))]
    return found("repeated_writes", [call(method="POST", path="/pay")], log_lines=lines, call_matches=matches)


def test_a_write_that_was_answered_twice() -> None:
    (finding,) = repeated({"response_code": 503}, {})
    assert (finding.code, finding.severity) == ("ML0613", "warning")
    assert (finding.evidence["answers"], finding.evidence["paths"]) == (2, ["/pay"])


def test_attempts_that_never_reached_the_application_are_safe() -> None:
    refused = {
        "response_code": 503,
        "response_code_details": "upstream_reset_before_response_started{connection_failure}",
    }
    assert repeated(refused, {}) == []
    assert repeated({"method": "GET"}, {"method": "GET"}) == []
