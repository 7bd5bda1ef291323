"""Routing and traffic policy for ambient services that take no effect there.

**What.** A VirtualService with HTTP or TLS routes for the mesh, or a DestinationRule with HTTP settings (connection
pool, outlier detection, hashing by header or cookie), for a Service of an ambient namespace that has no waypoint; or
that lies in another namespace than the Service: a waypoint reads its own services' namespace.

**Why it matters.** Clients in ambient mode are routed by the service's waypoint: without one, or from elsewhere, the
rules do nothing. Clients with sidecars and gateways still follow them: where the mesh has such clients this is
information.

**Evidence.** The Service.

**Fix.** `istio.io/use-waypoint` on the Service or its namespace; the object in the Service's namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh import hosts
from analyzers.mesh.objects import at, mapping, mappings, text, texts
from analyzers.mesh.services import services_of
from analyzers.mesh.virtual_services import MESH_GATEWAY
from analyzers.mesh.waypoints import is_ambient_namespace, waypoint_of
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.analyzer import Code
    from analyzers.framework.finding import Finding, Severity
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject
    from analyzers.mesh.services import Service


@dataclass(frozen=True, slots=True)
class _Codes:
    namespace: Code
    service: Code
    elsewhere: Code


_RULE: Final = _Codes(
    kiali_code("KIA0210", "HTTP settings without a waypoint", "warning", "The ambient namespace has no waypoint."),
    kiali_code("KIA0211", "HTTP settings for a service without a waypoint", "warning", "The Service has no waypoint."),
    kiali_code(
        "KIA0212", "HTTP settings in another namespace", "warning", "The Service's waypoint does not read them."
    ),
)
_ROUTE: Final = _Codes(
    kiali_code("KIA1109", "Routing without a waypoint", "warning", "The ambient namespace has no waypoint."),
    kiali_code("KIA1113", "Routing for a service without a waypoint", "warning", "The Service has no waypoint."),
    kiali_code("KIA1114", "Routing in another namespace", "warning", "The Service's waypoint does not read it."),
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every VirtualService and DestinationRule that needs HTTP, by the services that it is for."""
    del rules
    for cluster in mesh.clusters:
        if not any(
            is_ambient_namespace(mesh, item.name, cluster) for item in mesh.of_kind("Namespace", cluster=cluster)
        ):
            continue
        others = any(one.data_plane in {"sidecar", "gateway"} for one in workloads_of(mesh, cluster).all)
        severity: Severity = "info" if others else "warning"
        for item in mesh.of_kind("VirtualService", cluster=cluster):
            if _routes_http(item):
                named = [(f"spec/hosts[{place}]", host) for place, host in enumerate(texts(item.spec.get("hosts")))]
                yield from _judge(mesh, item, named, _ROUTE, severity)
        for item in mesh.of_kind("DestinationRule", cluster=cluster):
            if _sets_http(item):
                yield from _judge(mesh, item, [("spec/host", text(item.spec.get("host")) or "")], _RULE, severity)


def _judge(
    mesh: Mesh, item: MeshObject, named: list[tuple[str, str]], codes: _Codes, severity: Severity
) -> Iterator[Finding]:
    is_resolved = False
    for path, host in named:
        service = _ambient_service(mesh, item, host)
        if service is None:
            continue
        is_resolved = True
        name = full_name(service.item)
        used = waypoint_of(mesh, service.item.labels, service.namespace, item.cluster)
        if service.namespace != item.namespace:
            message = f"a waypoint of {name} reads its own namespace alone"
            yield finding(codes.elsewhere, item, message, path=path, severity=severity)
        if used is None or used.item is None:
            message = f"Service {name} has no waypoint: clients in ambient mode do not follow this"
            yield finding(codes.service, item, message, path=path, severity=severity)
    if not is_resolved and named and is_ambient_namespace(mesh, item.namespace, item.cluster):
        used = waypoint_of(mesh, {}, item.namespace, item.cluster)
        if used is None:
            message = f"ambient namespace {item.namespace} has no waypoint"
            yield finding(codes.namespace, item, message, path=named[0][0], severity=severity)


def _ambient_service(mesh: Mesh, item: MeshObject, host: str) -> Service | None:
    name = hosts.full_name(host, item.namespace, mesh.settings(item.cluster).cluster_domain)
    found = services_of(mesh, item.cluster).by_host.of(name)
    return next((one for one in found if is_ambient_namespace(mesh, one.namespace, item.cluster)), None)


def _routes_http(item: MeshObject) -> bool:
    gateways = texts(item.spec.get("gateways"))
    has_routes = any(mappings(item.spec.get("http"))) or any(mappings(item.spec.get("tls")))
    return has_routes and (not gateways or MESH_GATEWAY in gateways)


def _sets_http(item: MeshObject) -> bool:
    policies = [mapping(item.spec.get("trafficPolicy"))]
    policies += [mapping(subset.get("trafficPolicy")) for _, subset in mappings(item.spec.get("subsets"))]
    return any(_is_http(policy) for policy in policies)


def _is_http(policy: Mapping[str, Json]) -> bool:
    hashing = mapping(at(policy, "loadBalancer", "consistentHash"))
    by_http = bool(hashing.get("httpHeaderName") or hashing.get("httpCookie") or hashing.get("httpQueryParameterName"))
    return by_http or bool(at(policy, "connectionPool", "http")) or bool(policy.get("outlierDetection"))


ANALYZER: Final = configuration_analyzer(
    "routing_without_waypoint",
    kinds=("VirtualService", "DestinationRule"),
    codes=(_RULE.namespace, _RULE.service, _RULE.elsewhere, _ROUTE.namespace, _ROUTE.service, _ROUTE.elsewhere),
    check=check,
    documentation=__doc__ or "",
)
