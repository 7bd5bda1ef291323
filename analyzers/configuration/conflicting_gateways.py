"""Gateways that claim the same host and port of one workload.

**What.** Two Gateways select one workload and have a server each with the same port, bind address and host.

**Why it matters.** Only one of them takes effect; which one depends on their age.

**Evidence.** The Gateways, the port and the hosts.

**Fix.** One Gateway for a host and port, or different workloads.

Istio compares Gateways by the text of their selectors and keeps one server a port; here all Gateways that select one
pod are compared, and every server of a port.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, istio_code, selector_text
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, integer, mappings, strings, text, texts
from analyzers.mesh.selectors import LabelIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

CONFLICT: Final = istio_code(
    145, "Conflicting gateways", "error", "Two Gateways claim one host and port of a workload.", "KIA0301"
)
NO_SELECTOR: Final = Code(
    "ML1901",
    "Gateway selector selects nothing",
    "error",
    "A Gateway without servers has a selector that no other Gateway has.",
    ("IST0101",),
)


@dataclass(frozen=True, slots=True)
class _Server:
    gateway: MeshObject
    position: int
    port: int
    bind: str
    hosts: tuple[str, ...]


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every server of every Gateway against those of other Gateways on the same workload."""
    for cluster in mesh.clusters:
        gateways = mesh.of_kind("Gateway", cluster=cluster)
        servers = {id(item): _servers(item) for item in gateways}
        near = _by_text(mesh, gateways, cluster) if rules.istio else _by_pods(mesh, gateways, cluster)
        for item in gateways:
            yield from _conflicts(item, servers, near[id(item)], rules)


def _servers(item: MeshObject) -> list[_Server]:
    return [
        _Server(
            item,
            position,
            integer(at(server, "port", "number")) or 0,
            text(server.get("bind")) or "",
            texts(server.get("hosts")),
        )
        for position, server in mappings(item.spec.get("servers"))
    ]


def _selector(item: MeshObject) -> Mapping[str, str]:
    return strings(item.spec.get("selector"))


def _by_pods(mesh: Mesh, gateways: tuple[MeshObject, ...], cluster: str) -> Mapping[int, list[MeshObject]]:
    """Gateways that share a pod or, where no pod tells, a selector."""
    pods = LabelIndex(mesh.of_kind("Pod", cluster=cluster), lambda pod: pod.labels)
    at_pod: defaultdict[object, list[MeshObject]] = defaultdict(list)
    for item in gateways:
        for pod in pods.carrying(_selector(item)):
            at_pod[pod.identity].append(item)
        at_pod[selector_text(_selector(item))].append(item)
    found: dict[int, dict[int, MeshObject]] = {id(item): {} for item in gateways}
    for sharing in {tuple(map(id, items)): items for items in at_pod.values()}.values():
        for item in sharing:
            found[id(item)].update({id(other): other for other in sharing})
    return {key: list(items.values()) for key, items in found.items()}


def _by_text(mesh: Mesh, gateways: tuple[MeshObject, ...], cluster: str) -> Mapping[int, list[MeshObject]]:
    """Gateways as Istio pairs them: one selector, or one whose text holds the other's and a pod that both select."""
    pods = LabelIndex(mesh.of_kind("Pod", cluster=cluster), lambda pod: pod.labels)
    by_selector: defaultdict[str, list[MeshObject]] = defaultdict(list)
    for item in gateways:
        if any(mappings(item.spec.get("servers"))):
            by_selector[selector_text(_selector(item))].append(item)
    found: dict[int, list[MeshObject]] = {}
    for item in gateways:
        mine = selector_text(_selector(item))
        near: list[MeshObject] = []
        for other, items in by_selector.items():
            both = {**_selector(item), **_selector(items[0])}
            is_apart = any(_selector(item).get(key, value) != value for key, value in _selector(items[0]).items())
            if other == mine or ((other in mine or mine in other) and not is_apart and pods.carrying(both)):
                near += items
        found[id(item)] = near
    return found


def _conflicts(
    item: MeshObject, servers: Mapping[int, list[_Server]], near: list[MeshObject], rules: Rules
) -> Iterator[Finding]:
    if rules.istio and not near and _selector(item):
        yield finding(NO_SELECTOR, item, f"no Gateway with selector {selector_text(_selector(item))} has servers")
        return
    for server in servers[id(item)]:
        names = set()
        for other in near:
            theirs = [known for known in servers[id(other)] if known.port == server.port]
            # Istio keeps the hosts of a port's last server only.
            compared = theirs[-1:] if rules.istio else theirs
            if full_name(other) != full_name(item) and any(_clash(server, known) for known in compared):
                names.add(full_name(other))
        if names:
            listed = ", ".join(sorted(names))
            message = f"port {server.port} with hosts {', '.join(server.hosts)} is claimed by Gateway {listed}, too"
            yield finding(CONFLICT, item, message, path=f"spec/servers[{server.position}]", identity=(listed,))


def _clash(one: _Server, other: _Server) -> bool:
    return one.bind == other.bind and not set(one.hosts).isdisjoint(other.hosts)


ANALYZER: Final = configuration_analyzer(
    "conflicting_gateways",
    kinds=("Gateway",),
    codes=(CONFLICT, NO_SELECTOR),
    check=check,
    documentation=__doc__ or "",
)
