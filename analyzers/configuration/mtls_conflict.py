"""Ports at which clients and servers do not agree on mutual TLS.

**What.** For each service, port and workload behind it: what clients of each namespace send (DestinationRule for
service, port and subset, else auto-mTLS) against what the workload takes (PeerAuthentication of mesh, namespace,
workload and port; ports excluded from its proxy).

**Why it matters.** Where they disagree every connection fails: 503 (UF, `upstream_reset_before_response_started`), or
reset for TCP.

**Evidence.** Both objects, the port, and the clients that would break: workloads with a proxy that see the service.
Clients without a proxy are refused by STRICT on purpose and not counted. Rules for a whole namespace or mesh against
PeerAuthentications of the same width are told by `client_tls_mismatch`. What depends on certificates that are not in
the configuration is not judged.

**Fix.** Remove the TLS setting of the DestinationRule and let auto-mTLS choose; for a port that takes plain text,
`portLevelMtls` DISABLE on the server, which auto-mTLS respects.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import full_name
from analyzers.configuration.report import finding
from analyzers.configuration.served_ports import services_before
from analyzers.configuration.wide_rules import wide_rules
from analyzers.framework.analyzer import Code
from analyzers.mesh.destination_rules import DestinationRule, rules_for_host
from analyzers.mesh.mtls import Connection, connection, peer_authentications_of, proxy_of, selector_labels
from analyzers.mesh.objects import at, mappings
from analyzers.mesh.services import Service, services_of
from analyzers.mesh.visibility import scope_of
from analyzers.mesh.workloads import Workload, workloads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

CONFLICT: Final = Code("ML3024", "Client and server disagree on mTLS", "error", "Connections to the port fail.")

_NAMED: Final = 10


@dataclass(slots=True)
class _Broken:
    """A disagreement, and the client workloads that meet it."""

    connection: Connection
    server: Workload
    clients: list[str] = field(default_factory=list)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every service that a TLS setting, a workload's own policy or an excluded port concerns."""
    del rules
    for cluster in mesh.clusters:
        wide = {rule.item.identity for rule in wide_rules(mesh, cluster)}
        clients = _clients(mesh, cluster)
        for service in _concerned(mesh, cluster).values():
            for port in service.ports:
                for broken in _broken(mesh, service, port.number, clients):
                    if not _is_told_elsewhere(mesh, broken.connection, wide):
                        yield _conflict(service, port.number, broken)


def _concerned(mesh: Mesh, cluster: str) -> Mapping[int, Service]:
    """The services for which client and server might disagree."""
    services, workloads = services_of(mesh, cluster), workloads_of(mesh, cluster)
    found: dict[int, Service] = {}
    for item in mesh.of_kind("DestinationRule", cluster=cluster):
        if _has_tls(item):
            host = str(item.spec.get("host") or "").lower()
            pattern = host if "." in host or "*" in host else f"{host}.{item.namespace}.svc.{services.domain}"
            found.update((id(one), one) for _, near in services.by_host.covered_by(pattern) for one in near)
    policies = peer_authentications_of(mesh, cluster)
    selected = [
        workload
        for namespace, items in policies.by_selector.items()
        for item in items
        for workload in workloads.selected(namespace, selector_labels(item))
    ]
    selected += [workload for workload in workloads.all if workload.uncaptured_ports and workload.is_in_mesh]
    if not mesh.settings(cluster).enable_auto_mtls:
        strict = [name for name in workloads.by_namespace if policies.namespace_mode(name).mode == "STRICT"]
        selected += [workload for name in strict for workload in workloads.by_namespace[name]]
    found.update((id(one), one) for workload in selected for one in services_before(mesh, workload))
    return found


def _has_tls(item: MeshObject) -> bool:
    policies = [item.spec.get("trafficPolicy")]
    policies += [subset.get("trafficPolicy") for _, subset in mappings(item.spec.get("subsets"))]
    return any(
        at(policy, "tls") or any(level.get("tls") for _, level in mappings(at(policy, "portLevelSettings")))
        for policy in policies
    )


def _clients(mesh: Mesh, cluster: str) -> Mapping[str, list[Workload]]:
    """Workloads with a proxy of their own, by namespace."""
    found: defaultdict[str, list[Workload]] = defaultdict(list)
    for workload in workloads_of(mesh, cluster).all:
        if workload.data_plane in {"sidecar", "gateway"} and workload.item.kind != "WorkloadEntry":
            found[workload.namespace].append(workload)
    return found


def _broken(mesh: Mesh, service: Service, port: int, clients: Mapping[str, list[Workload]]) -> list[_Broken]:
    cluster = service.item.cluster
    rules = list(rules_for_host(mesh, service.host, cluster))
    groups = list(_alike(clients, {rule.namespace for rule in rules} | {service.namespace}, _choosy(rules)))
    found: dict[tuple[object, ...], _Broken] = {}
    for server in workloads_of(mesh, cluster).behind(service):
        for group in groups:
            link = connection(mesh, group[0], server, service, port)
            near = [one for one in group if _sees(mesh, one, service)] if link.verdict == "refused" else []
            if near:
                key = (id(link.client.item), link.client.path, id(link.server.item), link.server.path, server.name)
                found.setdefault(key, _Broken(link, server)).clients += sorted(
                    f"{one.namespace}/{one.name}" for one in near
                )
    return list(found.values())


def _choosy(rules: list[DestinationRule]) -> set[str]:
    """The namespaces with a rule for some of their workloads alone."""
    return {rule.namespace for rule in rules if rule.selector is not None}


def _alike(clients: Mapping[str, list[Workload]], apart: set[str], choosy: set[str]) -> Iterator[list[Workload]]:
    """Client workloads that one lookup stands for: those of namespaces without a rule of their own are alike."""
    for namespace in sorted(apart & clients.keys()):
        yield from [[one] for one in clients[namespace]] if namespace in choosy else [clients[namespace]]
    rest = [one for namespace, near in sorted(clients.items()) if namespace not in apart for one in near]
    if rest:
        yield rest


def _sees(mesh: Mesh, client: Workload, service: Service) -> bool:
    return scope_of(mesh, proxy_of(client)).service(service.host) is not None


def _is_told_elsewhere(mesh: Mesh, link: Connection, wide: set[str]) -> bool:
    policies = peer_authentications_of(mesh, link.client.item.cluster if link.client.item else "")
    is_wide_policy = link.server.item in policies.by_namespace.values()
    return link.client.item is not None and link.client.item.identity in wide and is_wide_policy


def _conflict(service: Service, port: int, broken: _Broken) -> Finding:
    link = broken.connection
    item = link.client.item or link.server.item or service.item
    path = link.client.path or link.server.path or "spec/ports"
    by = [f"{one.kind} {full_name(one)}" for one in (link.client.item, link.server.item) if one is not None]
    message = (
        f"calls to {service.host}:{port} fail at {broken.server.namespace}/{broken.server.name}: {link.reason} "
        f"({len(broken.clients)} client workloads)"
    )
    evidence = {
        "clients": broken.clients[:_NAMED],
        "client_count": len(broken.clients),
        "client_mode": link.client.mode,
        "server_mode": link.server.mode,
        "decided_by": by,
    }
    identity = (service.host, str(port), broken.server.name, *by)
    return finding(CONFLICT, item, message, path=path, evidence=evidence, identity=identity)


ANALYZER: Final = configuration_analyzer(
    "mtls_conflict",
    kinds=("DestinationRule", "PeerAuthentication", "Pod", "Deployment"),
    codes=(CONFLICT,),
    check=check,
    documentation=__doc__ or "",
)
