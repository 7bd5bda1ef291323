"""What the mesh's objects say about failing calls: a finer cause, and the object at fault."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from analyzers.diagnosis.explained_failures import run
from analyzers.framework.analyzer import Options
from tests.support.calls import START, call, session_of
from tests.support.rows import mesh_object, pod, service

if TYPE_CHECKING:
    from tests.support.rows import Row

NETWORKING = "networking.istio.io/v1"
SECURITY = "security.istio.io/v1"

CART = [pod("shop", "cart-1", "cart", "10.0.0.2"), pod("shop", "web-1", "web", "10.0.0.1"), service("shop", "cart", 80)]

NO_HOST: dict[str, Any] = {
    "response_code": 503,
    "response_flags": "UH",
    "response_code_details": "no_healthy_upstream",
    "is_error": True,
}
REFUSED: dict[str, Any] = {
    "response_code": 503,
    "response_flags": "UF",
    "upstream_transport_failure_reason": "delayed_connect_error:_Connection_refused",
    "is_error": True,
}
TIMED_OUT: dict[str, Any] = {
    "response_code": 504,
    "response_flags": "UT",
    "response_code_details": "response_timeout",
    "is_error": True,
}


def slice_of(addresses: list[str], second: int, event: str = "MODIFIED") -> Row:
    return mesh_object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "shop",
        "cart-abc",
        {"endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]},
        labels={"kubernetes.io/service-name": "cart"},
        event=event,
        observed_at=START + timedelta(seconds=second),
    )


def virtual_service(name: str, route: dict[str, Any], **columns: object) -> Row:
    body = {"spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}}], **route}]}}
    return mesh_object(NETWORKING, "VirtualService", "shop", name, body, **columns)


def destination_rule(spec: dict[str, Any], **columns: object) -> Row:
    return mesh_object(NETWORKING, "DestinationRule", "shop", "cart", {"spec": {"host": "cart", **spec}}, **columns)


def told(calls: list[dict[str, object]], *objects: Row) -> list[tuple[str, str | None, str | None]]:
    """(cause, object, path) of each episode, in order of time."""
    with session_of(calls, mesh_objects=[row.values for row in (*CART, *objects)]) as session:
        rows = session.query("explained_failures", since=None, until=None, namespaces=[]).to_pylist()
    return [
        (row["cause"], row["object_kind"] and f"{row['object_kind']}/{row['object_name']}", row["object_path"])
        for row in rows
    ]


def failing(columns: dict[str, Any], start: int = 60, **more: object) -> list[dict[str, object]]:
    return [call(start + number, **(columns | more)) for number in range(6)]


def test_no_host_is_an_empty_service_an_empty_subset_an_ejection_or_not_known() -> None:
    assert told(failing(NO_HOST)) == [("no_healthy_endpoint", None, None)]
    slices = [slice_of(["10.0.0.2"], 0, "SNAPSHOT"), slice_of([], 59), slice_of(["10.0.0.2"], 70)]
    assert told(failing(NO_HOST), *slices) == [("no_endpoints", "Service/cart", "spec/selector")]
    assert told(failing(NO_HOST, start=100), *slices) == [("no_healthy_endpoint", None, None)]

    subsets = {"subsets": [{"name": "v1", "labels": {"app": "cart"}}, {"name": "v2", "labels": {"version": "v2"}}]}
    rule = destination_rule(subsets)
    assert told(failing(NO_HOST, subset="v2"), rule) == [
        ("empty_subset", "DestinationRule/cart", "spec/subsets[1]/labels")
    ]
    assert told(failing(NO_HOST, subset="v1"), rule) == [("no_healthy_endpoint", None, None)]

    ejecting = destination_rule({"trafficPolicy": {"outlierDetection": {"consecutive5xxErrors": 2}}})
    errors: dict[str, Any] = {"response_code": 500, "response_code_details": "via_upstream", "is_error": True}
    assert told(failing(NO_HOST), ejecting) == [("no_healthy_endpoint", None, None)]
    assert told([*failing(errors, start=55), *failing(NO_HOST, start=62)], ejecting)[-1] == (
        "outlier_ejection",
        "DestinationRule/cart",
        "spec/trafficPolicy/outlierDetection",
    )


def test_a_refused_connection_to_a_pod_that_was_deleted_is_the_pods_end() -> None:
    gone = mesh_object("v1", "Pod", "shop", "cart-1", {}, event="DELETED", observed_at=START + timedelta(seconds=60))
    assert told(failing(REFUSED), gone) == [("pod_gone", "StatefulSet/cart", None)]
    assert told(failing(REFUSED, start=10), gone)[0][0] == "connection_refused"


def test_the_timeout_in_force_is_blamed_and_one_of_two_alike_is_not() -> None:
    timeout = virtual_service("cart", {"timeout": "1s"})
    assert told(failing(TIMED_OUT), timeout) == [("route_timeout", "VirtualService/cart", "spec/http[0]/timeout")]
    assert told(failing(TIMED_OUT), virtual_service("cart", {"retries": {"attempts": 2}})) == [
        ("route_timeout", None, None)
    ]
    assert told(failing(TIMED_OUT), timeout, virtual_service("other", {"timeout": "2s"})) == [
        ("route_timeout", None, None)
    ]
    new = virtual_service("other", {"timeout": "2s"}, event="ADDED", observed_at=START + timedelta(seconds=58))
    assert told(failing(TIMED_OUT), timeout, new)[0][1] == "VirtualService/other"


def test_a_route_without_a_telling_setting_is_blamed_only_for_what_began_when_it_came() -> None:
    idle: dict[str, Any] = {
        "response_code": 504, "response_flags": "SI", "response_code_details": "stream_idle_timeout", "is_error": True,
    }  # fmt: skip
    old = virtual_service("cart", {})
    new = virtual_service("cart", {}, event="ADDED", observed_at=START + timedelta(seconds=59))
    assert told(failing(idle), old) == [("stream_idle_timeout", None, None)]
    assert told(failing(idle), new) == [("stream_idle_timeout", "VirtualService/cart", "spec/http[0]")]


def test_a_denial_names_its_policy_and_a_strict_port_its_peer_authentication() -> None:
    denied: dict[str, Any] = {
        "response_code": 403,
        "response_code_details": "via_upstream",
        "server_response_code": 403,
        "server_response_code_details": "rbac_access_denied_matched_policy[ns[shop]-policy[only-app]-rule[2]]",
    }
    assert told(failing(denied)) == [("rbac_denied", "AuthorizationPolicy/only-app", "spec/rules[2]")]

    refused: dict[str, Any] = {
        "protocol": "tcp", "reporter": "destination", "response_flags": "NR", "server_response_flags": "NR",
        "server_response_code_details": "filter_chain_not_found", "response_code": 0, "is_error": True,
    }  # fmt: skip
    wide = mesh_object(SECURITY, "PeerAuthentication", "istio-system", "mesh", {"spec": {"mtls": {"mode": "STRICT"}}})
    narrow = mesh_object(
        SECURITY,
        "PeerAuthentication",
        "shop",
        "cart",
        {"spec": {"selector": {"matchLabels": {"app": "cart"}}, "mtls": {"mode": "STRICT"}}},
    )
    assert told(failing(refused), wide) == [("plaintext_to_strict_mtls", "PeerAuthentication/mesh", "spec/mtls/mode")]
    assert told(failing(refused), wide, narrow)[0][1] == "PeerAuthentication/cart"


def test_a_declared_host_without_a_route_is_out_of_scope_where_a_sidecar_narrows_the_caller() -> None:
    lost: dict[str, Any] = {"response_code": 404, "response_flags": "NR", "response_code_details": "route_not_found"}
    sidecar = mesh_object(
        NETWORKING, "Sidecar", "shop", "narrow", {"spec": {"egress": [{"hosts": ["./web.shop.svc.cluster.local"]}]}}
    )
    assert told(failing(lost)) == [("route_not_found", None, None)]
    assert told(failing(lost), sidecar) == [("out_of_scope", "Sidecar/narrow", "spec/egress")]
    assert told(failing(lost, callee="nowhere.example"), sidecar) == [("route_not_found", None, None)]


def test_tls_to_a_sidecar_that_answers_in_plain_text_is_mtls_disabled_there() -> None:
    wrong: dict[str, Any] = REFUSED | {"upstream_transport_failure_reason": "TLS_error:|268435703:WRONG_VERSION_NUMBER"}
    bare = mesh_object(
        "v1", "Pod", "shop", "old-1",
        {"spec": {"containers": [{"name": "app"}]}, "status": {"podIP": "10.0.0.9"}}, labels={"app": "old"},
    )  # fmt: skip
    rule = destination_rule({"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}})
    assert told(failing(wrong), rule) == [("tls_to_disabled_mtls", "DestinationRule/cart", "spec/trafficPolicy/tls")]
    assert told(failing(wrong, callee_pod="old-1", callee_workload="old-1"), rule, bare)[0][0] == "tls_to_plaintext"


def test_an_application_error_points_at_the_workload() -> None:
    errors: dict[str, Any] = {
        "response_code": 500,
        "response_code_details": "via_upstream",
        "server_response_code": 500,
        "server_response_code_details": "via_upstream",
        "is_error": True,
    }
    assert told(failing(errors)) == [("application_error", "StatefulSet/cart", None)]
    two = [*failing(errors), *failing(errors, callee_pod="cart-2", callee_workload="other")]
    assert told(two) == [("application_error", None, None)]


CLOSED: dict[str, Any] = {
    "response_code": 503,
    "response_flags": "UC",
    "response_code_details": "upstream_reset_before_response_started{connection_termination}",
    "is_error": True,
}
STRICT = {"spec": {"mtls": {"mode": "STRICT"}}}
PERMISSIVE = {"spec": {"selector": {"matchLabels": {"app": "cart"}}, "mtls": {"mode": "PERMISSIVE"}}}


def test_plain_text_to_strict_is_known_from_configuration_where_the_callee_logs_nothing() -> None:
    plain = destination_rule({"trafficPolicy": {"tls": {"mode": "DISABLE"}}})
    strict = mesh_object(SECURITY, "PeerAuthentication", "istio-system", "mesh", STRICT)
    loose = mesh_object(SECURITY, "PeerAuthentication", "shop", "cart", PERMISSIVE)
    assert told(failing(CLOSED), plain, strict)[0][0] == "plaintext_to_strict_mtls"
    assert told(failing(CLOSED), plain)[0][0] == "upstream_closed"
    assert told(failing(CLOSED), strict)[0][0] == "upstream_closed"
    assert told(failing(CLOSED), plain, strict, loose)[0][0] == "upstream_closed"
    seen = failing(CLOSED, server_response_code=503, server_response_flags="DC")
    assert told(seen, plain, strict)[0][0] == "upstream_closed"


def test_a_declared_host_called_past_the_registry_is_out_of_scope() -> None:
    def sidecar(*hosts: str) -> Row:
        return mesh_object(NETWORKING, "Sidecar", "shop", "narrow", {"spec": {"egress": [{"hosts": hosts}]}})

    past = failing(NO_HOST, route_kind="passthrough")
    assert told(past, sidecar("istio-system/*")) == [("out_of_scope", "Sidecar/narrow", "spec/egress")]
    assert told(past, sidecar("./bank.shop.svc.cluster.local")) == [("out_of_scope", "Sidecar/narrow", "spec/egress")]
    for covering in ("./*", "*/*", "shop/cart.shop.svc.cluster.local", "*/*.shop.svc.cluster.local"):
        assert told(past, sidecar("istio-system/*", covering)) == [("no_healthy_endpoint", None, None)]
    assert told(past) == [("no_healthy_endpoint", None, None)]


TCP_FAILED: dict[str, Any] = {
    "protocol": "tcp", "response_code": 0, "response_flags": "UF,URX", "request_id": None, "is_error": True,
}  # fmt: skip


def test_a_tcp_handshake_that_failed_is_explained_by_configuration() -> None:
    disabled = mesh_object(SECURITY, "PeerAuthentication", "shop", "cart", {"spec": {"mtls": {"mode": "DISABLE"}}})
    names = {"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": ["spiffe://other"]}}}
    new = destination_rule(names, event="ADDED", observed_at=START + timedelta(seconds=58))
    assert told(failing(TCP_FAILED)) == [("connection_failed", None, None)]
    assert told(failing(TCP_FAILED), disabled) == [
        ("tls_to_disabled_mtls", "PeerAuthentication/cart", "spec/mtls/mode")
    ]
    assert told(failing(TCP_FAILED), new) == [
        ("certificate_mismatch", "DestinationRule/cart", "spec/trafficPolicy/tls")
    ]
    assert told(failing(TCP_FAILED), destination_rule(names))[0][0] == "connection_failed"


def test_the_newer_of_two_objects_that_disagree_about_tls_is_blamed() -> None:
    wrong: dict[str, Any] = {
        "response_code": 503, "response_flags": "UF", "is_error": True,
        "upstream_transport_failure_reason": "TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
    }  # fmt: skip
    sends = destination_rule({"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}})
    new = mesh_object(
        SECURITY, "PeerAuthentication", "shop", "cart", {"spec": {"mtls": {"mode": "DISABLE"}}},
        event="ADDED", observed_at=START + timedelta(seconds=58),
    )  # fmt: skip
    assert told(failing(wrong), sends, new)[0][:2] == ("tls_to_disabled_mtls", "PeerAuthentication/cart")
    assert told(failing(wrong), sends)[0][:2] == ("tls_to_disabled_mtls", "DestinationRule/cart")


def test_the_change_that_calls_began_to_fail_with_is_told_as_a_diff() -> None:
    before = virtual_service("cart", {"timeout": "9s"})
    after = virtual_service("cart", {"timeout": "1s"}, event="MODIFIED", observed_at=START + timedelta(seconds=58))
    with session_of(failing(TIMED_OUT), mesh_objects=[row.values for row in (*CART, before, after)]) as session:
        (finding,) = run(session, Options())
    change: Any = finding.evidence["object_change"]
    assert change["event"] == "changed"
    assert [line for line in change["diff"] if line[0] in "+-"][2:] == ["-    timeout: 9s", "+    timeout: 1s"]


def test_blocked_egress_and_new_filters_name_their_object() -> None:
    blocked: dict[str, Any] = {
        "response_code": 502, "response_code_details": "direct_response", "route_kind": "blackhole",
        "callee": "nowhere.example", "is_error": True,
    }  # fmt: skip
    mesh = mesh_object(
        "v1",
        "ConfigMap",
        "istio-system",
        "istio",
        {"data": {"mesh": "outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n"}},
    )
    assert told(failing(blocked), mesh) == [("blocked_egress", "ConfigMap/istio", "data/mesh")]

    limited: dict[str, Any] = {
        "response_code": 429, "response_code_details": "via_upstream", "server_response_code": 429,
        "server_response_flags": "RL", "server_response_code_details": "local_rate_limited",
    }  # fmt: skip
    patches = {"spec": {"workloadSelector": {"labels": {"app": "cart"}}, "configPatches": []}}
    old = mesh_object(NETWORKING, "EnvoyFilter", "shop", "limit", patches)
    new = mesh_object(
        NETWORKING, "EnvoyFilter", "shop", "limit", patches, event="ADDED", observed_at=START + timedelta(seconds=58)
    )
    assert told(failing(limited), old) == [("rate_limited", None, None)]
    assert told(failing(limited), new) == [("rate_limited", "EnvoyFilter/limit", "spec/configPatches")]


def test_a_call_that_no_rule_allows_points_at_the_one_policy_that_selects_the_callee() -> None:
    denied: dict[str, Any] = {
        "response_code": 403, "response_code_details": "via_upstream", "server_response_code": 403,
        "server_response_code_details": "rbac_access_denied_matched_policy[none]",
    }  # fmt: skip
    allow = mesh_object(SECURITY, "AuthorizationPolicy", "shop", "readers", {"spec": {"rules": [{}]}})
    assert told(failing(denied), allow) == [("rbac_no_allow_match", "AuthorizationPolicy/readers", "spec/action")]
