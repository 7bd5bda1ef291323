"""Route configurations as Istio derives them from Services, ServiceEntries and VirtualServices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.proxy.clusters import outbound_name
from tests.lab.proxy.stats import peer_headers

if TYPE_CHECKING:
    from tests.lab.model import External, JsonObject, Mesh, Pod, RoutePolicy, Service

PREVIOUS_HOSTS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
FAULT_FILTER = "envoy.filters.http.fault"
FAULT_TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"
# What Istio puts on every route that has no retry policy of its own.
DEFAULT_RETRIES: JsonObject = {
    "retry_on": "connect-failure,refused-stream,unavailable,cancelled",
    "num_retries": 2,
    "retry_host_predicate": [
        {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": PREVIOUS_HOSTS}}
    ],
    "host_selection_retry_max_attempts": "5",
}


def outbound_routes(pod: Pod, mesh: Mesh, port: int) -> JsonObject:
    """The routes of the listener for one port; what nobody registered goes through PassthroughCluster."""
    scope = mesh.policies.scope(pod.workload.app)
    hosts = [
        _service_host(service, mesh.route(service))
        for service in _http_services(mesh, port)
        if scope is None or service.name in scope
    ]
    hosts += [_external_host(external) for external in mesh.externals if external.registered and external.port == port]
    hosts.append(_catch_all(mesh))
    return _configuration(str(port), hosts, request_headers_to_add=peer_headers(pod, "src"))


def _catch_all(mesh: Mesh) -> JsonObject:
    name = "block_all" if mesh.policies.registry_only else "allow_any"
    answer: JsonObject = {"route": {"cluster": "PassthroughCluster", "timeout": "0s"}}
    if mesh.policies.registry_only:
        answer = {"direct_response": {"status": 502}}
    route: JsonObject = {"name": name, "match": {"prefix": "/"}, **answer}
    return {"name": name, "domains": ["*"], "routes": [route], "include_request_attempt_count": True}


def gateway_routes(pod: Pod, mesh: Mesh) -> JsonObject:
    """The routes of the ingress gateway: all paths of the public host to the frontend."""
    frontend = mesh.service("frontend")
    host: JsonObject = {
        "name": f"{mesh.host}:80",
        "domains": [mesh.host],
        "routes": [_route("frontend", "/", outbound_name(frontend.port, frontend.host), frontend)],
        "include_request_attempt_count": True,
    }
    return _configuration("http.8080", [host], request_headers_to_add=peer_headers(pod, "src"))


def inbound_routes(pod: Pod, service: Service) -> JsonObject:
    """Everything to the application."""
    route: JsonObject = {
        "name": "default",
        "match": {"prefix": "/"},
        "route": {"cluster": f"inbound|{pod.port}||", "timeout": "0s"},
        "decorator": {"operation": f"{service.host}:{service.port}/*"},
    }
    host: JsonObject = {"name": f"inbound|http|{pod.port}", "domains": ["*"], "routes": [route]}
    return _configuration(f"inbound|{pod.port}||", [host], response_headers_to_add=peer_headers(pod, "dst"))


def _configuration(name: str, virtual_hosts: list[JsonObject], **headers: list[JsonObject]) -> JsonObject:
    # Istio does not validate either: a route to a missing cluster answers 503 NC.
    return {"name": name, "virtual_hosts": virtual_hosts, "validate_clusters": False, **headers}


def _http_services(mesh: Mesh, port: int) -> list[Service]:
    return [service for service in mesh.services if service.protocol != "tcp" and service.port == port]


def _service_host(service: Service, policy: RoutePolicy) -> JsonObject:
    names = (service.host, f"{service.name}.{service.namespace}.svc", f"{service.name}.{service.namespace}")
    domains = [*names, service.name]
    return {
        "name": f"{service.host}:{service.port}",
        "domains": [*domains, *(f"{domain}:{service.port}" for domain in domains)],
        "routes": _service_routes(service, policy),
        "include_request_attempt_count": True,
    }


def _service_routes(service: Service, policy: RoutePolicy) -> list[JsonObject]:
    routes: list[JsonObject] = []
    if policy.dangling is not None:
        prefix, host = policy.dangling
        routes.append(_route("preview", prefix, outbound_name(service.port, host), service))
    main = dict(_route("default", policy.prefix, outbound_name(service.port, service.host), service))
    main["route"] = {**_action(service, policy)}
    fault = _fault(policy)
    if fault is not None:
        main["typed_per_filter_config"] = {FAULT_FILTER: fault}
    return [*routes, main]


def _fault(policy: RoutePolicy) -> JsonObject | None:
    share: JsonObject = {"numerator": policy.fault_percent, "denominator": "HUNDRED"}
    if policy.abort_status is not None:
        return {"@type": FAULT_TYPE, "abort": {"http_status": policy.abort_status, "percentage": share}}
    if policy.delay_ms is not None:
        return {"@type": FAULT_TYPE, "delay": {"fixed_delay": f"{policy.delay_ms / 1000}s", "percentage": share}}
    return None


def _action(service: Service, policy: RoutePolicy) -> JsonObject:
    target: JsonObject = {"cluster": outbound_name(service.port, service.host)}
    if policy.weights:
        weighted: list[JsonObject] = [
            {"name": outbound_name(service.port, service.host, subset), "weight": weight}
            for subset, weight in policy.weights
        ]
        target = {"weighted_clusters": {"clusters": weighted}}
    timeout = "0s" if policy.timeout_ms is None else f"{policy.timeout_ms / 1000}s"
    retries = DEFAULT_RETRIES
    if policy.retry_attempts is not None:
        retries = {**DEFAULT_RETRIES, "retry_on": policy.retry_on, "num_retries": policy.retry_attempts}
    return {**target, "timeout": timeout, "retry_policy": retries}


def _external_host(external: External) -> JsonObject:
    cluster = outbound_name(external.port, external.host)
    return {
        "name": f"{external.host}:{external.port}",
        "domains": [external.host, f"{external.host}:{external.port}"],
        "routes": [
            {
                "name": "default",
                "match": {"prefix": "/"},
                "route": {"cluster": cluster, "timeout": "0s", "retry_policy": DEFAULT_RETRIES},
                "decorator": {"operation": f"{external.host}:{external.port}/*"},
            }
        ],
        "include_request_attempt_count": True,
    }


def _route(name: str, prefix: str, cluster: str, service: Service) -> JsonObject:
    operation = f"{service.host}:{service.port}{prefix.rstrip('/')}*" if prefix != "/" else None
    return {
        "name": name,
        "match": {"prefix": prefix},
        "route": {"cluster": cluster, "timeout": "0s", "retry_policy": DEFAULT_RETRIES},
        "decorator": {"operation": operation or f"{service.host}:{service.port}/*"},
    }
