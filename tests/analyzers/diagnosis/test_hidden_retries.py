"""Retries that succeeded are told from retries that failed, by counters and by the log beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from analyzers.diagnosis.hidden_retries import run
from analyzers.framework.analyzer import Options
from tests.support.calls import HOST, START, call, session_of
from tests.support.rows import Row, mesh_object, pod, sample, service

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding

RETRY = "envoy_cluster_upstream_rq_retry"
EXCEEDED = "envoy_cluster_upstream_rq_retry_limit_exceeded"
WEB = {"namespace": "shop", "pod": "web-1"}
CART = {"cluster_name": f"outbound|80||{HOST}", **WEB}


def scraped(values: dict[int, float], metric: str = RETRY, until: int = 60) -> list[Row]:
    """A counter's samples among scrapes every 5 s."""
    return [sample("up", WEB, second, 1) for second in range(0, until, 5)] + [
        sample(metric, CART, second, value) for second, value in values.items()
    ]


def found(
    samples: list[Row], calls: list[dict[str, object]] | None = None, objects: list[Row] | None = None
) -> list[Finding]:
    tables: dict[str, Any] = {
        "metric_samples": [row.values for row in samples],
        "mesh_objects": [row.values for row in objects or PODS],
    }
    with session_of(calls or [call(seconds=0.1)], **tables) as session:
        return list(run(session, Options()))


PODS = [pod("shop", "cart-1", "cart", "10.0.0.2"), pod("shop", "web-1", "web", "10.0.0.1"), service("shop", "cart", 80)]


def test_a_counter_that_grew_while_no_call_failed() -> None:
    (finding,) = found(scraped({10: 4, 15: 4, 20: 7, 25: 9}))
    assert (finding.code, finding.cause, finding.severity, finding.object) == ("ML0283", "hidden_retries", "info", None)
    assert finding.evidence["retries"] == 9
    assert [(edge.caller, edge.callee) for edge in finding.edges] == [("web", HOST)]
    assert (finding.first_seen, finding.last_seen) == (START + timedelta(seconds=5), START + timedelta(seconds=20))


def test_growth_before_the_first_scrape_is_not_dated() -> None:
    assert found(scraped({0: 4, 5: 4, 10: 4})) == []


def test_a_restart_counts_from_zero() -> None:
    (finding,) = found(scraped({0: 100, 5: 3}))
    assert finding.evidence["retries"] == 3


def test_quiet_parts_two_episodes() -> None:
    assert [finding.evidence["retries"] for finding in found(scraped({5: 1, 10: 1, 15: 1, 20: 1, 25: 2}))] == [1, 1]


def test_where_a_call_failed_meanwhile_the_failure_says_it() -> None:
    failed = call(18, response_code=503, response_flags="URX,UF", is_error=True)
    assert found(scraped({5: 0, 10: 0, 15: 0, 20: 3}), [failed]) == []
    other_pod = failed | {"caller_pod": "web-2"}
    assert len(found(scraped({5: 0, 10: 0, 15: 0, 20: 3}), [other_pod])) == 1


def test_a_limit_that_was_exceeded_is_a_failure_without_a_log() -> None:
    assert found(scraped({10: 2}) + scraped({10: 1}, EXCEEDED)) == []


def test_pods_that_went_away_name_their_workload() -> None:
    gone = mesh_object("v1", "Pod", "shop", "cart-1", {}, event="DELETED", observed_at=START + timedelta(seconds=7))
    (finding,) = found(scraped({10: 2}), objects=[*PODS, gone])
    assert finding.object == "StatefulSet/shop/cart"
    assert finding.evidence["departed_pods"] == ["cart-1"]
    late = mesh_object("v1", "Pod", "shop", "cart-1", {}, event="DELETED", observed_at=START + timedelta(seconds=40))
    (finding,) = found(scraped({10: 2}), objects=[*PODS, late])
    assert finding.object is None
