"""Who needs each service, VirtualService and DestinationRule: the lists that decide exportTo and discoverySelectors.

A consumer is a namespace whose proxies get an object's configuration: workloads by what they were seen to call and by
what their proxies call themselves, gateways by what they called and by the routes that are bound to them. A workload of
which too little is known may need anything, so it counts as a consumer of everything it can see.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzers.scoping.configuration import items, mapping, texts, walk
from analyzers.scoping.model import worst
from analyzers.scoping.names import full_name, split
from analyzers.scoping.proposal import Consumer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from analyzers.scoping.assessment import Assessment
    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import HostDecision
    from analyzers.scoping.workloads import Pod
    from pipelines.lake.session import Session

#: A kind's key: `Service/shop/web` for a host's declaration, `VirtualService/shop/web`.
Key = str


@dataclass(slots=True)
class Consumers:
    """By object: consumers, most called first. `unobserved` are namespaces with proxies that may need anything."""

    by_object: defaultdict[Key, dict[tuple[str, str], Consumer]] = field(default_factory=lambda: defaultdict(dict))
    unobserved: dict[str, str] = field(default_factory=dict)
    proxied: set[str] = field(default_factory=set)
    rules: Mapping[str, tuple[MeshObject, ...]] = field(default_factory=dict)

    def of(self, key: Key) -> tuple[Consumer, ...]:
        """Everybody who is known to need an object, sorted by namespace and name."""
        found = self.by_object.get(key, {})
        return tuple(found[place] for place in sorted(found))

    def add(self, key: Key, consumer: Consumer) -> None:
        """Note a consumer; of two notes of one the one with calls stays."""
        place = (consumer.namespace, consumer.name)
        known = self.by_object[key].get(place)
        if known is None or consumer.calls > known.calls:
            self.by_object[key][place] = consumer


def consumers_of(session: Session, mesh: Mesh, assessed: Sequence[Assessment], pods: Iterable[Pod]) -> Consumers:
    """Every consumer that telemetry and configuration show."""
    found = Consumers(rules=_rules_by_host(mesh))
    gateways = [pod for pod in pods if pod.is_gateway and pod.ended_at is None]
    found.proxied = {pod.namespace for pod in gateways} | {
        item.workload.namespace for item in assessed if item.workload.living
    }
    for item in assessed:
        if item.workload.living and worst(item.reasons) == "ABSTAIN":
            found.unobserved.setdefault(item.workload.namespace, item.workload.name)
        for decision in item.decisions:
            _of_workload(found, mesh, item, decision)
        _refused(found, mesh, item)
    if session.rows("access_logs"):
        for row in session.query("scoping_gateway_calls").to_pylist():
            gateway = Consumer(row["caller_namespace"], row["caller"], "caller_log", row["calls"], row["calls"])
            _add_host(found, mesh, row["callee"], gateway)
    for gateway_pod, route, hosts in _gateway_routes(mesh, gateways):
        gateway = Consumer(gateway_pod.namespace, gateway_pod.controller, "configuration")
        found.add(f"{route.kind}/{route.namespace}/{route.name}", gateway)
        for host in hosts:
            _add_host(found, mesh, host, gateway)
    return found


def _of_workload(found: Consumers, mesh: Mesh, item: Assessment, decision: HostDecision) -> None:
    namespace = item.workload.namespace
    owner, host = split(decision.host)
    before = min(sum(_calls_before(item, host)), decision.calls)
    consumer = Consumer(
        namespace=namespace,
        name=item.workload.name,
        knowledge=decision.evidence[0] if decision.evidence else "configuration",
        calls=decision.calls,
        calls_before=before,
        last_seen=decision.last_seen,
    )
    if host == "*":
        return
    _add_host(found, mesh, host, consumer, owner)


def _refused(found: Consumers, mesh: Mesh, item: Assessment) -> None:
    """Consumers of what they cannot see: declared, and hidden by exportTo or by discoverySelectors."""
    namespace = item.workload.namespace
    for refusal in item.dependencies.refusals:
        consumer = Consumer(namespace, item.workload.name, "caller_log", refusal.calls, refusal.calls)
        for registry in (mesh.registry, mesh.undiscovered):
            for service in registry.declared(refusal.name, namespace):
                found.add(f"{service.kind}/{service.namespace}/{service.name}", consumer)


def _calls_before(item: Assessment, host: str) -> Iterator[int]:
    for call in item.observed.calls:
        if call.callee == host or call.requested == host:
            yield call.calls_before or (call.calls if call.evidence == "metrics" else 0)


def _add_host(found: Consumers, mesh: Mesh, host: str, consumer: Consumer, owner: str | None = None) -> None:
    """A consumer of a host needs its declaration, its rules, and what its VirtualServices route to."""
    for service in mesh.registry.by_host.get(host, ()):
        if owner is None or service.namespace == owner or service.external_name:
            found.add(f"{service.kind}/{service.namespace}/{service.name}", consumer)
    for routed in mesh.virtual_services.of(host, consumer.namespace):
        found.add(f"VirtualService/{routed.namespace}/{routed.name}", consumer)
    for rule in found.rules.get(host, ()):
        found.add(f"DestinationRule/{rule.namespace}/{rule.name}", consumer)


def _rules_by_host(mesh: Mesh) -> Mapping[str, tuple[MeshObject, ...]]:
    """The DestinationRules written for exactly one host, by that host."""
    found: defaultdict[str, list[MeshObject]] = defaultdict(list)
    for rule in mesh.configuration.of("DestinationRule"):
        found[full_name(str(rule.spec.get("host", "")), rule.namespace, mesh.registry.domain)].append(rule)
    return {host: tuple(rules) for host, rules in found.items()}


def _gateway_routes(mesh: Mesh, gateways: Sequence[Pod]) -> Iterator[tuple[Pod, MeshObject, tuple[str, ...]]]:
    """Gateway pods, the routes bound to them, and the hosts that those send to."""
    selected = _pods_by_gateway(mesh, gateways)
    domain = mesh.registry.domain
    for route in mesh.configuration.of("VirtualService"):
        bound = [name for name in texts(route.spec.get("gateways")) if name != "mesh"]
        hosts = tuple(
            sorted(
                full_name(str(mapping(part.get("destination"))["host"]), route.namespace, domain)
                for part in walk(route.spec)
                if isinstance(mapping(part.get("destination")).get("host"), str)
            )
        )
        for name in bound:
            key = name if "/" in name else f"{route.namespace}/{name}"
            yield from ((pod, route, hosts) for pod in selected.get(key, ()))
    for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"):
        for route in mesh.configuration.of(kind):
            hosts = tuple(
                sorted(
                    f"{target['name']}.{target.get('namespace') or route.namespace}.svc.{domain}"
                    for part in walk(route.spec.get("rules"))
                    for target in map(mapping, items(part.get("backendRefs")))
                    if isinstance(target.get("name"), str)
                )
            )
            for parent in map(mapping, items(route.spec.get("parentRefs"))):
                key = f"{parent.get('namespace') or route.namespace}/{parent.get('name')}"
                yield from ((pod, route, hosts) for pod in selected.get(f"api:{key}", ()))


def _pods_by_gateway(mesh: Mesh, gateways: Sequence[Pod]) -> Mapping[str, list[Pod]]:
    """Gateway (`namespace/name`; of the Gateway API `api:namespace/name`) -> one pod of each controller it selects."""
    found: defaultdict[str, dict[tuple[str, str], Pod]] = defaultdict(dict)
    for item in mesh.configuration.of("Gateway"):
        if item.group == "networking.istio.io":
            wanted = mapping(item.spec.get("selector"))
            for pod in gateways:
                if wanted and all(pod.labels.get(key) == value for key, value in wanted.items()):
                    found[f"{item.namespace}/{item.name}"][pod.namespace, pod.controller] = pod
    for pod in gateways:
        name = pod.labels.get("gateway.networking.k8s.io/gateway-name")
        if name:
            found[f"api:{pod.namespace}/{name}"][pod.namespace, pod.controller] = pod
    return {key: list(pods.values()) for key, pods in found.items()}
