"""TCP connections that a log cannot show: it has a line when a connection closes, and some stay open for weeks.

Where Istio's byte counters grow for a service that no closed connection names, the connection is there
(`LONG_LIVED_TCP`), and its host is imported. Without such counters, configuration that speaks of TCP between a
workload and a service cannot be refuted by a log: the recommendation abstains. What a missing host would cost under
STRICT mTLS is told (`MTLS_LOSS`): PassthroughCluster sends plain text, which the callee's proxy refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import items, mapping, strings, texts
from analyzers.scoping.model import Reason
from analyzers.scoping.peer_authentication import is_strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import HostDecision
    from analyzers.scoping.observation import Observed
    from analyzers.scoping.registry import Service
    from analyzers.scoping.workloads import Workload

_NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"


def judge(
    mesh: Mesh, workload: Workload, observed: Observed, decisions: tuple[HostDecision, ...], *, tcp_measured: bool
) -> Iterator[Reason]:
    """Reasons for connections that only bytes show, and for those that nothing can refute.

    `tcp_measured`: Istio's TCP metrics were ingested, so that an open connection would show.
    """
    for call in observed.calls:
        if not call.long_lived:
            continue
        message = f"{call.callee} got bytes on TCP connections that no log line and no opened connection shows"
        yield Reason("EMIT_REVIEW", message, "LONG_LIVED_TCP")
        for service in mesh.registry.resolve(call.callee, workload.namespace):
            if is_strict(mesh, service.namespace):
                cost = f"without {service.entry} its connections would leave in plain text (PassthroughCluster)"
                yield Reason("EMIT_REVIEW", f"{cost}, which STRICT mTLS in {service.namespace} refuses", "MTLS_LOSS")
    if tcp_measured:
        return
    known = {decision.host for decision in decisions}
    for entry, because in sorted(set(_suspects(mesh, workload))):
        if entry not in known:
            message = f"{because} lets it call {entry} over TCP; an open connection is in no log, and no metric tells"
            yield Reason("ABSTAIN", message, "LONG_LIVED_TCP")


def _suspects(mesh: Mesh, workload: Workload) -> Iterator[tuple[str, str]]:
    """Services with a TCP port that configuration connects the workload with, and the object that does."""
    for item in mesh.configuration.of("VirtualService"):
        if item.namespace == workload.namespace and items(item.spec.get("tcp")):
            for host in texts(item.spec.get("hosts")):
                yield from _elsewhere(mesh, workload, host, item)
    for item in mesh.configuration.of("DestinationRule"):
        if item.namespace == workload.namespace:
            yield from _elsewhere(mesh, workload, str(item.spec.get("host", "")), item)
    for item in mesh.configuration.of("AuthorizationPolicy"):
        if _names(item, workload):
            yield from _of_namespace(mesh, workload, item.namespace, set(), item)
    for item in mesh.configuration.of("NetworkPolicy"):
        for namespace, ports in (*_egress(item, workload), *_ingress(item, workload)):
            yield from _of_namespace(mesh, workload, namespace, ports, item)


def _of_namespace(
    mesh: Mesh, workload: Workload, namespace: str, ports: set[int], item: MeshObject
) -> Iterator[tuple[str, str]]:
    for service in mesh.registry.by_namespace.get(namespace, ()):
        if not ports or ports & _tcp_ports(service):
            yield from _tcp(mesh, workload, service.host, item)


def _elsewhere(mesh: Mesh, workload: Workload, host: str, item: MeshObject) -> Iterator[tuple[str, str]]:
    """A rule beside its clients, for another namespace's service; one beside its service says nothing of callers."""
    if not any(service.namespace == workload.namespace for service in mesh.registry.resolve(host, workload.namespace)):
        yield from _tcp(mesh, workload, host, item)


def _tcp(mesh: Mesh, workload: Workload, host: str, item: MeshObject) -> Iterator[tuple[str, str]]:
    for service in mesh.registry.resolve(host, workload.namespace):
        if service.kind == "Service" and _tcp_ports(service) and service.host not in mesh.served(workload):
            yield service.entry, f"{item.kind} {item.namespace}/{item.name}"


def _tcp_ports(service: Service) -> set[int]:
    return set(service.ports) - set(service.http_ports)


def _names(policy: MeshObject, workload: Workload) -> bool:
    """Whether an ALLOW rule names the workload's service accounts one by one."""
    accounts = {f"/ns/{workload.namespace}/sa/{pod.service_account}" for pod in workload.pods if pod.service_account}
    if policy.namespace == workload.namespace or policy.spec.get("action", "ALLOW") != "ALLOW":
        return False
    for rule in map(mapping, items(policy.spec.get("rules"))):
        for source in map(mapping, items(rule.get("from"))):
            principals = texts(mapping(source.get("source")).get("principals"))
            if any(principal.endswith(account) for principal in principals for account in accounts):
                return True
    return False


def _egress(policy: MeshObject, workload: Workload) -> Iterator[tuple[str, set[int]]]:
    """Namespaces that a NetworkPolicy of the workload lets it reach, with the TCP ports (none: every port)."""
    if policy.namespace != workload.namespace or not _picks(policy.spec.get("podSelector"), workload):
        return
    for rule in map(mapping, items(policy.spec.get("egress"))):
        for peer in map(mapping, items(rule.get("to"))):
            named = _namespace_of(peer)
            if "ipBlock" not in peer and (named or "namespaceSelector" not in peer):
                yield named or policy.namespace, _ports(rule)


def _ingress(policy: MeshObject, workload: Workload) -> Iterator[tuple[str, set[int]]]:
    """The namespace of a NetworkPolicy that admits the workload's pods by name."""
    for rule in map(mapping, items(policy.spec.get("ingress"))):
        for peer in map(mapping, items(rule.get("from"))):
            same = policy.namespace == workload.namespace and "namespaceSelector" not in peer
            is_near = same or _namespace_of(peer) == workload.namespace
            if is_near and "podSelector" in peer and _picks(peer.get("podSelector"), workload):
                yield policy.namespace, _ports(rule)


def _picks(selector: object, workload: Workload) -> bool:
    wanted = strings(mapping(selector).get("matchLabels"))
    return any(wanted.items() <= labels.items() for labels in workload.label_sets)


def _namespace_of(peer: Mapping[str, object]) -> str | None:
    return strings(mapping(peer.get("namespaceSelector")).get("matchLabels")).get(_NAMESPACE_LABEL)


def _ports(rule: Mapping[str, object]) -> set[int]:
    found = [mapping(port) for port in items(rule.get("ports"))]
    tcp = [port.get("port") for port in found if port.get("protocol", "TCP") == "TCP"]
    return {port for port in tcp if isinstance(port, int)}
