"""Policies on HTTP in ambient mode that no waypoint enforces.

**What.** An AuthorizationPolicy that asks for HTTP (methods, paths, hosts, tokens), a RequestAuthentication, a
WasmPlugin, or a Telemetry for HTTP, that is for workloads in ambient mode and is attached by a selector, which
waypoints ignore; one attached to a Service that has no waypoint.

**Why it matters.** A ztunnel knows nothing of HTTP. An ALLOW policy then refuses every call it was meant to let
through, a DENY policy refuses more than meant; tokens are not checked, plugins do not run.

**Evidence.** The workloads or the Service. Policies that select gateways, waypoints or pods with sidecars alone are
not reported: those proxies enforce them.

**Fix.** `targetRefs` to the Service or to the waypoint's Gateway, and `istio.io/use-waypoint` on the Service or its
namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.kiali_codes import kiali_code
from analyzers.configuration.policy_scope import workloads_under
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text
from analyzers.mesh.policy import has_targets, selector_of, targets
from analyzers.mesh.policy_matches import has_http_field
from analyzers.mesh.waypoints import is_ambient_namespace, waypoint_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

POLICY_UNENFORCED: Final = kiali_code(
    "KIA0109", "HTTP policy without a waypoint", "warning", "No waypoint enforces the policy.", "KIA1317"
)
POLICY_SELECTOR: Final = kiali_code(
    "KIA0110", "HTTP policy by selector", "warning", "Waypoints ignore policies that are attached by a selector."
)
TOKEN_UNENFORCED: Final = kiali_code(
    "KIA1110", "Token validation without a waypoint", "warning", "No waypoint validates the tokens."
)
PLUGIN_UNUSED: Final = kiali_code("KIA1111", "Plugin without a waypoint", "warning", "No waypoint runs the plugin.")
TELEMETRY_UNUSED: Final = kiali_code(
    "KIA1112", "HTTP telemetry without a waypoint", "warning", "No waypoint reports HTTP."
)
TOKEN_SELECTOR: Final = kiali_code(
    "KIA1115", "Token validation by selector", "warning", "Waypoints ignore it without targetRefs."
)
PLUGIN_SELECTOR: Final = kiali_code(
    "KIA1116", "Plugin by selector", "warning", "Waypoints ignore it without targetRefs."
)
TELEMETRY_SELECTOR: Final = kiali_code(
    "KIA1117", "HTTP telemetry by selector", "warning", "Waypoints ignore it without targetRefs."
)

#: Kind -> the codes for one without a waypoint, and for one that is attached by a selector.
_CODES: Final = {
    "AuthorizationPolicy": (POLICY_UNENFORCED, POLICY_SELECTOR),
    "RequestAuthentication": (TOKEN_UNENFORCED, TOKEN_SELECTOR),
    "Telemetry": (TELEMETRY_UNUSED, TELEMETRY_SELECTOR),
    "WasmPlugin": (PLUGIN_UNUSED, PLUGIN_SELECTOR),
}


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every policy of these kinds that needs HTTP."""
    del rules
    for kind, (no_waypoint, by_selector) in _CODES.items():
        for item in mesh.of_kind(kind):
            if not _needs_http(item):
                continue
            if has_targets(item):
                for path, service in _bare_services(mesh, item):
                    message = f"Service {service} has no waypoint: nothing enforces this"
                    yield finding(no_waypoint, item, message, path=path)
                continue
            names = _ambient_workloads(mesh, item)
            if names:
                path = "spec/selector" if selector_of(item) else "spec"
                what = f"{len(names)} workloads in ambient mode ({', '.join(names[:3])})"
                yield finding(by_selector, item, f"waypoints ignore it without targetRefs; it is for {what}", path=path)
                if not _has_waypoint(mesh, item):
                    yield finding(no_waypoint, item, f"no waypoint enforces it for {what}", path=path)


def _needs_http(item: MeshObject) -> bool:
    match item.kind:
        case "AuthorizationPolicy":
            return any(has_http_field(rule) for _, rule in mappings(item.spec.get("rules")))
        case "Telemetry":
            overrides = any(metric.get("overrides") for _, metric in mappings(item.spec.get("metrics")))
            return overrides or bool(item.spec.get("tracing") or item.spec.get("accessLogging"))
        case _:
            return True


def _bare_services(mesh: Mesh, item: MeshObject) -> Iterator[tuple[str, str]]:
    listed = "targetRefs" in item.spec
    for position, target in enumerate(targets(item)):
        name = text(target.get("name")) or ""
        kind = text(target.get("kind")) or ""
        service = mesh.get(kind, item.namespace, name, cluster=item.cluster) if kind in _SERVICE_KINDS else None
        if service is None or not is_ambient_namespace(mesh, item.namespace, item.cluster):
            continue
        used = waypoint_of(mesh, service.labels, service.namespace, item.cluster)
        if used is None or used.item is None:
            yield (f"spec/targetRefs[{position}]" if listed else "spec/targetRef"), full_name(service)


_SERVICE_KINDS: Final = frozenset({"Service", "ServiceEntry"})


def _ambient_workloads(mesh: Mesh, item: MeshObject) -> list[str]:
    """The workloads in ambient mode that a policy is for; where none is known, its namespace if that is ambient."""
    near = workloads_under(mesh, item)
    if near:
        return sorted({f"{one.namespace}/{one.name}" for one in near if one.data_plane == "ambient"})
    return [item.namespace] if is_ambient_namespace(mesh, item.namespace, item.cluster) else []


def _has_waypoint(mesh: Mesh, item: MeshObject) -> bool:
    """Whether all workloads that the policy is for use a waypoint."""
    near = [one for one in workloads_under(mesh, item) if one.data_plane == "ambient"]
    used = [waypoint_of(mesh, one.labels, one.namespace, item.cluster) for one in near] or [
        waypoint_of(mesh, {}, item.namespace, item.cluster)
    ]
    return all(one is not None and one.item is not None for one in used)


ANALYZER: Final = configuration_analyzer(
    "policy_without_waypoint",
    kinds=tuple(_CODES),
    codes=tuple(code for pair in _CODES.values() for code in pair),
    check=check,
    documentation=__doc__ or "",
)
