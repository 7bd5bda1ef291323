"""Routes of the Gateway API whose parent or backend cannot be used.

**What.** An HTTPRoute, GRPCRoute, TCPRoute or TLSRoute with a parent Gateway (or Service) that does not exist or that
lets no route of its namespace in; a backend Service that does not exist, or is of another namespace without a
ReferenceGrant there.

**Why it matters.** A route without a parent does nothing. A rule whose backend cannot be used answers 500.

**Evidence.** The reference, and what keeps it from being used.

**Fix.** Correct the name or namespace; `allowedRoutes` of the Gateway's listeners; a ReferenceGrant in the backend's
namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.report import finding
from analyzers.mesh.kinds import GATEWAY_API
from analyzers.mesh.objects import at, mapping, mappings, text
from analyzers.mesh.selectors import selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

NO_PARENT: Final = kiali_code("KIA1401", "Route without its parent", "error", "The parent cannot be used.")
NO_BACKEND: Final = kiali_code("KIA1402", "Route to an unusable backend", "error", "The backend cannot be used.")

ROUTES: Final = ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every parent and every backend of every route. Services are judged where any are known."""
    del rules
    services = {(item.namespace, item.name) for item in mesh.of_kind("Service")}
    for kind in ROUTES:
        for item in mesh.of_kind(kind):
            for position, parent in mappings(item.spec.get("parentRefs")):
                problem = _parent_problem(mesh, item, parent, services)
                if problem is not None:
                    yield finding(NO_PARENT, item, problem, path=f"spec/parentRefs[{position}]/name")
            for path, backend in _backends(item):
                problem = _backend_problem(mesh, item, backend, services) if services else None
                if problem is not None:
                    yield finding(NO_BACKEND, item, problem, path=f"{path}/name")


def _parent_problem(
    mesh: Mesh, item: MeshObject, parent: Mapping[str, Json], services: set[tuple[str, str]]
) -> str | None:
    kind, name = text(parent.get("kind")) or "Gateway", text(parent.get("name")) or ""
    namespace = text(parent.get("namespace")) or item.namespace
    if kind == "Service" and text(parent.get("group")) in {None, "", "core"}:
        is_missing = bool(services) and (namespace, name) not in services
        return f"parent Service {namespace}/{name} does not exist" if is_missing else None
    if kind != "Gateway" or (text(parent.get("group")) or GATEWAY_API) != GATEWAY_API:
        return None
    gateway = mesh.get("KubernetesGateway", namespace, name, cluster=item.cluster)
    if gateway is None:
        return f"parent Gateway {namespace}/{name} does not exist"
    wanted = text(parent.get("sectionName"))
    near = [one for _, one in mappings(gateway.spec.get("listeners")) if wanted in {None, text(one.get("name"))}]
    if wanted is not None and not near:
        return f"Gateway {namespace}/{name} has no listener {wanted}"
    if near and not any(_lets_in(mesh, gateway, listener, item) for listener in near):
        return f"no listener of Gateway {namespace}/{name} lets routes of namespace {item.namespace} in"
    return None


def _lets_in(mesh: Mesh, gateway: MeshObject, listener: Mapping[str, Json], route: MeshObject) -> bool:
    allowed = mapping(at(listener, "allowedRoutes", "namespaces"))
    match text(allowed.get("from")) or "Same":
        case "All":
            return True
        case "Selector":
            namespace = mesh.get("Namespace", "", route.namespace, cluster=route.cluster)
            # The labels of a namespace that is not known may be the right ones.
            return namespace is None or selects(allowed.get("selector"), namespace.labels)
        case "None":
            return False
        case _:
            return gateway.namespace == route.namespace


def _backends(item: MeshObject) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for number, rule in mappings(item.spec.get("rules")):
        for position, backend in mappings(rule.get("backendRefs")):
            yield f"spec/rules[{number}]/backendRefs[{position}]", backend
        for position, mirror in mappings(rule.get("filters")):
            backend = mapping(at(mirror, "requestMirror", "backendRef"))
            if backend:
                yield f"spec/rules[{number}]/filters[{position}]/requestMirror/backendRef", backend


def _backend_problem(
    mesh: Mesh, item: MeshObject, backend: Mapping[str, Json], services: set[tuple[str, str]]
) -> str | None:
    if (text(backend.get("kind")) or "Service") != "Service" or text(backend.get("group")) not in {None, "", "core"}:
        return None
    name, namespace = text(backend.get("name")) or "", text(backend.get("namespace")) or item.namespace
    if (namespace, name) not in services:
        return f"Service {namespace}/{name} does not exist"
    if namespace != item.namespace and not _is_granted(mesh, item, namespace, name):
        return f"no ReferenceGrant in {namespace} lets routes of {item.namespace} use Service {name}"
    return None


def _is_granted(mesh: Mesh, route: MeshObject, namespace: str, name: str) -> bool:
    for grant in mesh.in_namespace("ReferenceGrant", namespace, cluster=route.cluster):
        is_from = any(
            text(one.get("kind")) == route.kind and text(one.get("namespace")) == route.namespace
            for _, one in mappings(grant.spec.get("from"))
        )
        is_to = any(
            text(one.get("kind")) == "Service" and text(one.get("name")) in {None, "", name}
            for _, one in mappings(grant.spec.get("to"))
        )
        if is_from and is_to:
            return True
    return False


ANALYZER: Final = configuration_analyzer(
    "gateway_api_references", kinds=ROUTES, codes=(NO_PARENT, NO_BACKEND), check=check, documentation=__doc__ or ""
)
