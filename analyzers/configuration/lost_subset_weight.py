"""Shares of requests that go to a subset which cannot answer.

**What.** A weighted destination whose subset selects no workload of the host; a destination whose subset is not in the
DestinationRule that clients of some namespace use for the host (their own namespace's rule comes first).

**Why it matters.** That share of the requests is answered 503: no healthy upstream (UH), or no cluster (NC).

**Evidence.** The share, the subset's labels, and for a rule that hides the subset its name and the client namespaces.

**Fix.** Labels that the pods have, a weight of 0, or the subset in the clients' own DestinationRule, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name, selector_text
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh import hosts
from analyzers.mesh.destination_rules import DestinationRule, destination_rules_of, rules_for_host
from analyzers.mesh.objects import mapping, mappings, number, text
from analyzers.mesh.services import Service, preferred, services_of
from analyzers.mesh.virtual_services import VirtualService, virtual_services_of
from analyzers.mesh.workloads import workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.delegates import HttpRoute
    from analyzers.mesh.model import Mesh

EMPTY: Final = Code("ML3026", "Weight of an empty subset", "error", "A share of the requests goes to no workload.")
HIDDEN: Final = Code(
    "ML3027", "Subset hidden from clients", "error", "Clients of a namespace use a DestinationRule without the subset."
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every destination with a subset of every VirtualService for the mesh."""
    del rules
    for cluster in mesh.clusters:
        for owner in virtual_services_of(mesh, cluster).all:
            for route in owner.http:
                yield from _route(mesh, cluster, owner, route)


def _route(mesh: Mesh, cluster: str, owner: VirtualService, route: HttpRoute) -> Iterator[Finding]:
    targets = list(mappings(route.value.get("route")))
    total = sum(number(target.get("weight")) or 0 for _, target in targets)
    services = services_of(mesh, cluster)
    for position, target in targets:
        destination = mapping(target.get("destination"))
        subset = text(destination.get("subset"))
        host = hosts.full_name(text(destination.get("host")) or "", route.owner.namespace, services.domain)
        service = preferred(services.by_host.of(host), route.owner.namespace)
        if not subset or service is None:
            continue
        share = 1.0 if len(targets) == 1 else (number(target.get("weight")) or 0) / total if total else 0.0
        path = f"{route.path}/route[{position}]"
        if share and len(targets) > 1:
            yield from _empty(mesh, service, route, path, subset, share)
        if share and owner.is_in_mesh:
            yield from _hidden(mesh, service, owner, route, path, subset)


def _empty(mesh: Mesh, service: Service, route: HttpRoute, path: str, subset: str, share: float) -> Iterator[Finding]:
    cluster = route.owner.cluster
    rule = destination_rules_of(mesh, cluster).of(service.host, service.namespace, route.owner.namespace)
    chosen = rule.subset(subset) if rule is not None else None
    behind = workloads_of(mesh, cluster).behind(service)
    if chosen is None or not behind or not chosen.labels:
        return
    if not any(chosen.labels.items() <= workload.labels.items() for workload in behind):
        message = (
            f"{share:.0%} of the requests go to subset {subset}, and no workload has {selector_text(chosen.labels)}"
        )
        evidence = {"share": share, "subset": subset, "defined_by": full_name(chosen.item)}
        yield finding(EMPTY, route.owner, message, path=f"{path}/weight", evidence=evidence)


def _hidden(
    mesh: Mesh, service: Service, owner: VirtualService, route: HttpRoute, path: str, subset: str
) -> Iterator[Finding]:
    known = list(rules_for_host(mesh, service.host, owner.item.cluster))
    if not any(rule.subset(subset) for rule in known):
        return  # defined nowhere: told by the check of subsets
    cluster = owner.item.cluster
    for namespace in sorted({rule.namespace for rule in known}):
        used = destination_rules_of(mesh, cluster).of(service.host, service.namespace, namespace)
        if used is None or used.subset(subset) or not owner.is_seen_by(namespace) or not service.is_seen_by(namespace):
            continue
        if _has_clients(mesh, namespace, cluster) and used.namespace == namespace:
            message = f"clients of {namespace} use {_name(used)}, which has no subset {subset}"
            evidence = {"client_namespace": namespace, "destination_rule": _name(used)}
            where = f"{path}/destination/subset"
            yield finding(HIDDEN, route.owner, message, path=where, evidence=evidence, identity=(namespace,))


def _has_clients(mesh: Mesh, namespace: str, cluster: str) -> bool:
    near = workloads_of(mesh, cluster).by_namespace.get(namespace, ())
    return any(workload.data_plane == "sidecar" for workload in near)


def _name(rule: DestinationRule) -> str:
    return ", ".join(f"DestinationRule {full_name(item)}" for item in rule.items)


ANALYZER: Final = configuration_analyzer(
    "lost_subset_weight",
    kinds=("VirtualService",),
    codes=(EMPTY, HIDDEN),
    check=check,
    documentation=__doc__ or "",
)
