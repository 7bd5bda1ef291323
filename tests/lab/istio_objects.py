"""The Istio configuration that the proxies' routes and clusters were derived from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.objects import IstioObject
from tests.lab.placement import GATEWAY_PORT, Placement
from tests.lab.policy_objects import policy_objects

if TYPE_CHECKING:
    from tests.lab.model import DestinationPolicy, External, JsonObject, Mesh, RoutePolicy


MESH_CONFIG = """\
accessLogFile: /dev/stdout
accessLogEncoding: TEXT
enableTracing: true
rootNamespace: istio-system
trustDomain: cluster.local
outboundTrafficPolicy:
  mode: {mode}
"""


def mesh_configuration(mesh: Mesh) -> str:
    """The text of the ConfigMap `istio`."""
    return MESH_CONFIG.format(mode="REGISTRY_ONLY" if mesh.policies.registry_only else "ALLOW_ANY")


def istio_objects(mesh: Mesh, placement: Placement) -> list[IstioObject]:
    """PeerAuthentication, Gateway, VirtualServices, DestinationRules and ServiceEntries."""
    strict: JsonObject = {"mtls": {"mode": "STRICT"}}
    return [
        IstioObject("PeerAuthentication", "default", "istio-system", strict, "security.istio.io"),
        *_ingress(mesh),
        *(_virtual_service(mesh, policy) for policy in mesh.routes),
        *(_destination_rule(mesh, policy) for policy in mesh.destinations),
        *(_service_entry(external, placement) for external in mesh.externals if external.registered),
        *policy_objects(mesh),
    ]


def _ingress(mesh: Mesh) -> list[IstioObject]:
    frontend = mesh.service("frontend")
    server: JsonObject = {
        "port": {"number": GATEWAY_PORT, "name": "http", "protocol": "HTTP"},
        "hosts": [mesh.host],
    }
    gateway: JsonObject = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    routes: JsonObject = {
        "hosts": [mesh.host],
        "gateways": ["shop-gateway"],
        "http": [
            {
                "name": "frontend",
                "match": [{"uri": {"prefix": "/"}}],
                "route": [_destination(frontend.host, frontend.port)],
            }
        ],
    }
    return [
        IstioObject("Gateway", "shop-gateway", frontend.namespace, gateway),
        IstioObject("VirtualService", "shop-ingress", frontend.namespace, routes),
    ]


def _virtual_service(mesh: Mesh, policy: RoutePolicy) -> IstioObject:
    service = mesh.service(policy.service)
    routes: list[JsonObject] = []
    if policy.dangling is not None:
        prefix, host = policy.dangling
        routes.append(
            {
                "name": "preview",
                "match": [{"uri": {"prefix": prefix}}],
                "route": [_destination(host, service.port)],
            }
        )
    main: dict[str, JsonObject | str | list[JsonObject]] = {"name": "default"}
    if policy.prefix != "/":
        main["match"] = [{"uri": {"prefix": policy.prefix}}]
    share: JsonObject = {"percentage": {"value": policy.fault_percent}}
    if policy.abort_status is not None:
        main["fault"] = {"abort": {"httpStatus": policy.abort_status, **share}}
    if policy.delay_ms is not None:
        main["fault"] = {"delay": {"fixedDelay": f"{policy.delay_ms / 1000}s", **share}}
    main["route"] = [_destination(service.host, service.port)]
    if policy.weights:
        main["route"] = [
            {**_destination(service.host, service.port, subset), "weight": weight} for subset, weight in policy.weights
        ]
    if policy.timeout_ms is not None:
        main["timeout"] = f"{policy.timeout_ms / 1000}s"
    if policy.retry_attempts is not None:
        main["retries"] = {"attempts": policy.retry_attempts, "retryOn": policy.retry_on}
    spec: JsonObject = {"hosts": [service.host], "http": [*routes, main]}
    return IstioObject("VirtualService", service.name, service.namespace, spec)


def _destination_rule(mesh: Mesh, policy: DestinationPolicy) -> IstioObject:
    service = mesh.service(policy.service)
    spec: dict[str, JsonObject | str | list[JsonObject]] = {"host": service.host}
    if policy.subsets:
        spec["subsets"] = [{"name": subset, "labels": {"version": subset}} for subset in policy.subsets]
    traffic: dict[str, JsonObject] = {}
    if policy.max_connections is not None:
        traffic["connectionPool"] = {
            "tcp": {"maxConnections": policy.max_connections},
            "http": {"http1MaxPendingRequests": policy.max_pending_requests},
        }
    if policy.tls_mode is not None:
        names: JsonObject = {"subjectAltNames": policy.subject_alt_names} if policy.subject_alt_names else {}
        traffic["tls"] = {"mode": policy.tls_mode, **names}
    if traffic:
        spec["trafficPolicy"] = traffic
    return IstioObject("DestinationRule", service.name, service.namespace, spec)


def _service_entry(external: External, placement: Placement) -> IstioObject:
    spec: JsonObject = {
        "hosts": [external.host],
        "location": "MESH_EXTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": external.port, "name": "http", "protocol": "HTTP"}],
        "endpoints": [{"address": placement.external_ip(external)}],
    }
    return IstioObject("ServiceEntry", external.host.replace(".", "-"), "shop", spec)


def _destination(host: str, port: int, subset: str | None = None) -> JsonObject:
    destination: JsonObject = {"host": host, "port": {"number": port}}
    return {"destination": destination if subset is None else {**destination, "subset": subset}}
