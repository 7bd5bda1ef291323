"""The Istio configuration that the proxies' routes and clusters were derived from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.placement import GATEWAY_PORT, Placement

if TYPE_CHECKING:
    from tests.lab.model import DestinationPolicy, External, JsonObject, Mesh, RoutePolicy


@dataclass(frozen=True, slots=True)
class IstioObject:
    """Kind, place and spec of an object of one of Istio's API groups."""

    kind: str
    name: str
    namespace: str
    spec: JsonObject
    group: str = "networking.istio.io"


def istio_objects(mesh: Mesh, placement: Placement) -> list[IstioObject]:
    """PeerAuthentication, Gateway, VirtualServices, DestinationRules and ServiceEntries."""
    strict: JsonObject = {"mtls": {"mode": "STRICT"}}
    return [
        IstioObject("PeerAuthentication", "default", "istio-system", strict, "security.istio.io"),
        *_ingress(mesh),
        *(_virtual_service(mesh, policy) for policy in mesh.routes),
        *(_destination_rule(mesh, policy) for policy in mesh.destinations),
        *(_service_entry(external, placement) for external in mesh.externals if external.registered),
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
    if policy.max_connections is not None:
        spec["trafficPolicy"] = {
            "connectionPool": {
                "tcp": {"maxConnections": policy.max_connections},
                "http": {"http1MaxPendingRequests": policy.max_pending_requests},
            }
        }
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
