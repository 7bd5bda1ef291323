"""Which failing call caused which, and where one episode ends and the next begins."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.calls import call, session_of

BANK = "bank.shop.svc.cluster.local"
STORE = "store.shop.svc.cluster.local"

PASSED_ON: dict[str, Any] = {
    "response_code": 500,
    "response_code_details": "via_upstream",
    "server_response_code": 500,
    "server_response_code_details": "via_upstream",
    "is_error": True,
}
NO_HOST: dict[str, Any] = {
    "response_code": 503,
    "response_flags": "UH",
    "response_code_details": "no_healthy_upstream",
    "is_error": True,
}
TIMED_OUT: dict[str, Any] = {
    "response_code": 504,
    "response_flags": "UT",
    "response_code_details": "response_timeout",
    "is_error": True,
}
GIVEN_UP: dict[str, Any] = {
    "response_code": 0,
    "response_flags": "DC",
    "response_code_details": "downstream_remote_disconnect",
    "is_error": True,
}
FROM_CART: dict[str, Any] = {
    "caller": "cart",
    "caller_pod": "cart-1",
    "callee": BANK,
    "callee_workload": "bank",
    "callee_pod": "bank-1",
}
FROM_BANK: dict[str, Any] = {
    "caller": "bank",
    "caller_pod": "bank-1",
    "callee": STORE,
    "callee_workload": "store",
    "callee_pod": None,
}


def roots(*calls: dict[str, object]) -> dict[str, tuple[str, str | None]]:
    """Callee of each failing call -> callee of its root, and the first link."""
    with session_of(calls) as session:
        session.require("failure_roots")
        rows = session.connection.sql(
            "SELECT call.callee, root.callee, failure_roots.link FROM failure_roots "
            "JOIN failing_calls AS call USING (call_id) JOIN failing_calls AS root ON root.call_id = root_id"
        ).fetchall()
    return {callee: (root, link) for callee, root, link in rows}


def test_a_chain_of_answers_leads_to_the_call_that_failed_first() -> None:
    found = roots(
        call(0, seconds=0.9, request_id="r", **PASSED_ON),
        call(0.1, seconds=0.7, request_id="r", **FROM_CART, **PASSED_ON),
        call(0.2, seconds=0.5, request_id="r", **FROM_BANK, **NO_HOST),
    )
    assert found == {
        "cart.shop.svc.cluster.local": (STORE, "response"),
        BANK: (STORE, "response"),
        STORE: (STORE, None),
    }


def test_other_requests_other_pods_and_other_times_cause_nothing() -> None:
    others: list[dict[str, Any]] = [
        {"request_id": "another"},
        {"request_id": "r", "caller_pod": "cart-2"},
        {"request_id": "r", "caller": "basket"},
        {"request_id": "r", "seconds": 3},
    ]
    for other in others:
        child = FROM_CART | NO_HOST | other
        seconds = child.pop("seconds", 0.1)
        found = roots(call(0, seconds=0.5, request_id="r", **PASSED_ON), call(0.1, seconds=seconds, **child))
        assert found["cart.shop.svc.cluster.local"] == ("cart.shop.svc.cluster.local", None), other


def test_a_call_given_up_belongs_to_the_time_limit_above_it() -> None:
    found = roots(
        call(0, seconds=0.3, request_id="r", **TIMED_OUT),
        call(0.1, seconds=0.21, request_id="r", **FROM_CART, **GIVEN_UP),
        call(0.15, seconds=0.17, request_id="r", **FROM_BANK, **GIVEN_UP),
    )
    assert {callee: root for callee, (root, _) in found.items()} == dict.fromkeys(
        ["cart.shop.svc.cluster.local", BANK, STORE], "cart.shop.svc.cluster.local"
    )


def test_an_application_that_gives_up_on_a_call_and_fails_is_caused_by_it() -> None:
    found = roots(
        call(0, seconds=0.5, request_id="r", **PASSED_ON),
        call(0.1, seconds=0.2, request_id="r", **FROM_CART, **GIVEN_UP),
    )
    assert found["cart.shop.svc.cluster.local"] == (BANK, "response")


def test_tcp_has_no_request_id_so_pod_and_time_link_it() -> None:
    tcp: dict[str, Any] = {
        "protocol": "tcp", "request_id": None, "response_code": 0, "response_flags": "UH", "is_error": True,
    }  # fmt: skip
    inside = roots(call(0, seconds=0.5, **PASSED_ON), call(0.1, **FROM_CART, **tcp))
    assert inside["cart.shop.svc.cluster.local"] == (BANK, "concurrent")
    later = roots(call(0, seconds=0.5, **PASSED_ON), call(0.9, **FROM_CART, **tcp))
    assert later["cart.shop.svc.cluster.local"] == ("cart.shop.svc.cluster.local", None)


def test_a_connection_that_broke_is_explained_by_the_servers_missing_filter_chain() -> None:
    with session_of(
        [
            call(0, response_code=503, response_flags="UC", is_error=True,
                 response_code_details="upstream_reset_before_response_started{connection_termination}"),
            call(0.001, caller=None, caller_kind="unknown", request_id=None, protocol="tcp", reporter="destination",
                 server_response_code=0, server_response_flags="NR", response_flags="NR", is_error=True,
                 server_response_code_details="filter_chain_not_found"),
        ]
    ) as session:  # fmt: skip
        (row,) = session.query("explained_failures", since=None, until=None, namespaces=[]).to_pylist()
    assert row["cause"] == "plaintext_to_strict_mtls"
    assert [(edge["caller"], edge["failures"]) for edge in row["edges"]] == [("web", 1)]


def test_a_handshake_that_the_server_could_not_read_belongs_to_the_call_that_made_it() -> None:
    found = roots(
        call(0, seconds=0.05, response_code=503, response_flags="URX,UF", is_error=True,
             upstream_transport_failure_reason="TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
        call(0.002, callee=BANK, request_id=None, reporter="destination", response_code=400, response_flags="DPE",
             server_response_code=400, server_response_flags="DPE", server_response_code_details="http1.codec_error"),
    )  # fmt: skip
    assert found[BANK] == ("cart.shop.svc.cluster.local", "handshake")


def test_a_grpc_call_that_failed_in_its_trailers_causes_the_answer_of_who_made_it() -> None:
    child = FROM_CART | {"protocol": "grpc", "response_code": 200, "grpc_status": 14, "is_error": True}
    found = roots(call(0, seconds=0.5, request_id="r", **PASSED_ON), call(0.1, request_id="r", **child))
    assert found["cart.shop.svc.cluster.local"] == (BANK, "response")


def episodes(*calls: dict[str, object]) -> Counter[tuple[str, int]]:
    """(cause, failures) -> episodes."""
    with session_of(calls) as session:
        rows = session.query("failure_episodes").to_pylist()
    return Counter((row["cause"], row["failures"]) for row in rows)


def test_five_seconds_of_quiet_end_an_episode() -> None:
    assert episodes(call(0, **NO_HOST), call(5, **NO_HOST), call(9, **NO_HOST)) == {("no_healthy_endpoint", 3): 1}
    assert episodes(call(0, **NO_HOST), call(5.1, **NO_HOST)) == {("no_healthy_endpoint", 1): 2}


def test_quiet_is_counted_from_the_end_of_the_longest_call() -> None:
    assert episodes(call(0, seconds=6, **TIMED_OUT), call(0.1, **TIMED_OUT), call(10, **TIMED_OUT)) == {
        ("route_timeout", 3): 1
    }


def test_callers_share_a_faulty_destination_but_not_their_own_faults() -> None:
    other: dict[str, Any] = {"caller": "app", "caller_pod": "app-1"}
    denied: dict[str, Any] = {"response_code": 403, "response_code_details": "rbac_access_denied_matched_policy[none]"}
    assert episodes(call(0, **NO_HOST), call(1, **NO_HOST, **other)) == {("no_healthy_endpoint", 2): 1}
    assert episodes(call(0, **denied), call(1, **denied, **other)) == {("rbac_no_allow_match", 1): 2}


def test_retries_do_not_split_an_episode_but_another_signature_does() -> None:
    retried = NO_HOST | {"response_flags": "URX,UH"}
    assert episodes(call(0, **NO_HOST), call(1, **retried), call(2, **TIMED_OUT)) == {
        ("no_healthy_endpoint", 2): 1,
        ("route_timeout", 1): 1,
    }


def test_calls_that_fail_now_and_then_are_one_sporadic_episode_beside_an_outage() -> None:
    single = [call(20.0 * number, **NO_HOST) for number in range(3)]
    outage = [call(200 + number, **NO_HOST) for number in range(5)]
    with session_of([*single[:2], *outage]) as session:
        rows = session.query("failure_episodes").to_pylist()
    assert sorted((row["failures"], row["is_sporadic"]) for row in rows) == [(1, False), (1, False), (5, False)]
    with session_of([*single, *outage]) as session:
        rows = session.query("failure_episodes").to_pylist()
    assert sorted((row["failures"], row["bursts"], row["is_sporadic"]) for row in rows) == [(3, 3, True), (5, 1, False)]


def test_a_fault_that_keeps_coming_back_is_told_for_its_newest_episodes_and_counted_for_the_rest() -> None:
    calls = [call(60.0 * number + second, **NO_HOST) for number in range(25) for second in range(5)]
    with session_of(calls) as session:
        rows = session.query("explained_failures", since=None, until=None, namespaces=[]).to_pylist()
    assert [row["edge_failures"] for row in rows] == [5] * 20
    assert [row["older_episodes"] for row in rows] == [0] * 19 + [5]
