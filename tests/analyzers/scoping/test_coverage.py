from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analyzers.scoping.access_logging import AccessLogging, access_logging
from analyzers.scoping.coverage import duration, judge, missed
from analyzers.scoping.model import Reason, worst
from analyzers.scoping.observation import Lines, Observed
from analyzers.scoping.workloads import Workload, grouped
from tests.analyzers.scoping.meshes import call, configuration, pod, workload

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FULL = AccessLogging("full")


def lines(length: timedelta, pods: int = 1) -> Lines:
    return Lines(pods, 100, 50, START, START + length)


def reasons(
    found: Workload, observed: Observed, logging: AccessLogging = FULL, end: datetime | None = None, mirrored: int = 0
) -> list[Reason]:
    return list(judge(found, observed, logging, DAY, end or observed.end, mirrored))


def test_a_full_window_has_nothing_against_it() -> None:
    assert reasons(workload({"app": "web"}), Observed(lines(DAY))) == []


def test_a_short_window_abstains_and_says_so() -> None:
    (found,) = reasons(workload({"app": "web"}), Observed(lines(timedelta(hours=23, minutes=30))))
    assert found.verdict == "ABSTAIN"
    assert found.message == "observed for 23h 30m, 1d are asked for (--min-window)"


def test_nothing_observed_abstains() -> None:
    (found,) = reasons(workload({"app": "web"}), Observed(Lines()))
    assert (found.verdict, found.code) == ("ABSTAIN", "NO_OBSERVATION")


def test_pods_younger_than_the_window_abstain_whatever_older_ones_logged() -> None:
    young = workload({"app": "web"}, created_at=START + DAY)
    assert worst(reasons(young, Observed(lines(2 * DAY - timedelta(hours=1))))) == "ABSTAIN"
    assert worst(reasons(young, Observed(lines(2 * DAY)))) == "EMIT"
    unknown = workload({"app": "web"}, created_at=None)
    assert worst(reasons(unknown, Observed(lines(DAY)))) == "EMIT"


def test_pods_that_are_all_gone_or_all_crash_abstain() -> None:
    gone = workload({"app": "web"}, ended_at=START + DAY)
    assert worst(reasons(gone, Observed(lines(DAY)))) == "ABSTAIN"
    crashing = workload({"app": "web"}, is_crashing=True)
    assert worst(reasons(crashing, Observed(lines(DAY)))) == "ABSTAIN"
    (some,) = grouped([pod("a", "web", {"app": "web"}, is_crashing=True), pod("b", "web", {"app": "web"})])
    assert worst(reasons(some, Observed(lines(DAY, pods=2)))) == "EMIT"


def test_a_silent_pod_wants_a_review() -> None:
    (two,) = grouped([pod("a", "web", {"app": "web"}), pod("b", "web", {"app": "web"})])
    (found,) = reasons(two, Observed(lines(DAY, pods=1)))
    assert (found.verdict, found.code) == ("EMIT_REVIEW", "LOW_COVERAGE")
    assert "1 of its 2 pods" in found.message


def test_calls_that_only_callees_logged_want_a_review_unless_they_are_mirrored() -> None:
    observed = Observed(lines(DAY), (call("a", evidence="callee_log", calls=2),), seen_by_both=98)
    assert [found.code for found in reasons(workload({"app": "web"}), observed)] == ["LOW_COVERAGE"]
    assert reasons(workload({"app": "web"}), observed, mirrored=2) == []


@pytest.mark.parametrize("state", ["filtered", "disabled"])
def test_a_log_that_was_not_written_counts_only_with_metrics(state: str) -> None:
    logging = AccessLogging(state, "Telemetry shop/quiet")  # type: ignore[arg-type]  # one of its states
    without = reasons(workload({"app": "web"}), Observed(lines(DAY)), logging)
    assert [(found.verdict, found.code) for found in without] == [("ABSTAIN", "NO_OBSERVATION")]
    with_metrics = reasons(workload({"app": "web"}), Observed(lines(DAY), metric_calls=5), logging)
    assert [(found.verdict, found.code) for found in with_metrics] == [("EMIT_REVIEW", "LOW_COVERAGE")]


def test_metrics_that_count_far_more_than_the_log_show_a_sample() -> None:
    observed = Observed(lines(DAY), (call("a", calls=10),), metric_calls=1000)
    (found,) = reasons(workload({"app": "web"}), observed)
    assert found.code == "LOW_COVERAGE"
    assert "with 1.00% of calls logged" in found.message
    assert reasons(workload({"app": "web"}), Observed(lines(DAY), (call("a", calls=990),), metric_calls=1000)) == []


def test_the_chance_of_a_miss() -> None:
    assert "90% of those called 10 times, 37% of those called 100 times, 0% of those called 1000 times" in missed(0.01)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0s"), (59, "59s"), (120, "2m"), (3_661, "1h 1m"), (86_400, "1d"), (90_061, "1d 1h")]
)
def test_durations(seconds: int, expected: str) -> None:
    assert duration(timedelta(seconds=seconds)) == expected


TELEMETRIES = """
kind: Telemetry
namespace: istio-system
name: mesh
spec: {accessLogging: [{disabled: true}]}
---
kind: Telemetry
namespace: shop
name: namespace
spec: {accessLogging: [{providers: [{name: envoy}]}]}
---
kind: Telemetry
namespace: shop
name: errors
spec: {selector: {matchLabels: {app: errors}}, accessLogging: [{filter: {expression: "response.code >= 400"}}]}
---
kind: Telemetry
namespace: shop
name: server
spec: {selector: {matchLabels: {app: server}}, accessLogging: [{match: {mode: SERVER}, disabled: true}]}
---
kind: Telemetry
namespace: shop
name: client
spec: {selector: {matchLabels: {app: client}}, accessLogging: [{match: {mode: CLIENT}, disabled: true}]}
---
kind: Telemetry
namespace: shop
name: all
spec: {selector: {matchLabels: {app: all}}, accessLogging: [{filter: {expression: "true"}}]}
"""


@pytest.mark.parametrize(
    ("app", "state"),
    [("web", "full"), ("errors", "filtered"), ("server", "full"), ("client", "disabled"), ("all", "full")],
)
def test_the_narrowest_telemetry_about_the_client_side_counts(app: str, state: str) -> None:
    assert access_logging(configuration(TELEMETRIES), workload({"app": app})).state == state


def test_a_namespace_without_a_telemetry_of_its_own_has_the_meshs() -> None:
    (elsewhere,) = grouped([pod("a", "a", {"app": "a"}, namespace="blog")])
    assert access_logging(configuration(TELEMETRIES), elsewhere).state == "disabled"
