"""`discoverySelectors` for each cluster: which namespaces istiod need not read.

Needed are namespaces with proxies, those that are labelled to get some, those whose services are called or routed to,
those that hold objects of Istio, the Gateway API or an Ingress, and the root and control-plane namespaces. The others
are left out by name, so that a new namespace is read until it proves unneeded. Nothing is proposed while there are
workloads of which too little is known: they may call anybody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from analyzers.scoping.benefit import Loads, benefit
from analyzers.scoping.discovery import NAME_LABEL
from analyzers.scoping.model import Reason, worst
from analyzers.scoping.proposal import Consumer, Observed, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.scoping.assessment import Assessment
    from analyzers.scoping.consumers import Consumers
    from analyzers.scoping.mesh import Mesh
    from pipelines.lake.session import Session

_INJECTION: Final = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")


def discovery_proposals(
    session: Session, mesh: Mesh, assessed: Sequence[Assessment], consumers: Consumers, observed: Observed, loads: Loads
) -> Iterator[Proposal]:
    """One for each cluster with namespaces to leave out, or with such that are left out and needed."""
    uses = {
        (row["cluster"], row["namespace"]): row["uses"] for row in session.query("scoping_namespace_use").to_pylist()
    }
    called = _called(consumers)
    for cluster, namespaces in sorted(mesh.discovery.namespaces.items()):
        needed: dict[str, Consumer] = {}
        for namespace, labels in namespaces.items():
            reason = _needed(mesh, namespace, labels, uses.get((cluster, namespace), ()))
            found = called.get(namespace) or (Consumer(namespace, reason, "configuration") if reason else None)
            if found is not None:
                needed[namespace] = found
        found_here = _proposal(mesh, cluster, needed, consumers, observed)
        if found_here is not None:
            spared = set(found_here.values) if not found_here.warnings else set()
            yield _with_benefit(found_here, mesh, assessed, spared, loads)


def _called(consumers: Consumers) -> Mapping[str, Consumer]:
    """Namespace -> one of those who need a service of it."""
    found: dict[str, Consumer] = {}
    for key, known in sorted(consumers.by_object.items()):
        kind, namespace, _ = key.split("/", 2)
        if kind in {"Service", "ServiceEntry"} and known:
            one = max(known.values(), key=lambda consumer: (consumer.calls, consumer.namespace, consumer.name))
            if namespace not in found or one.calls > found[namespace].calls:
                found[namespace] = one
    return found


def _needed(mesh: Mesh, namespace: str, labels: Mapping[str, str], uses: Sequence[str]) -> str:
    """What a namespace is needed for besides calls; empty where for nothing."""
    if namespace in {mesh.configuration.root_namespace, mesh.configuration.control_plane_namespace}:
        return "the mesh's own namespace"
    if uses:
        return f"it holds {', '.join(uses)}"
    label = next((label for label in _INJECTION if labels.get(label) not in {None, "disabled", "none"}), None)
    return f"its label {label} asks for proxies" if label else ""


def _proposal(
    mesh: Mesh, cluster: str, needed: Mapping[str, Consumer], consumers: Consumers, observed: Observed
) -> Proposal | None:
    known = mesh.discovery.namespaces[cluster]
    blocked = sorted(namespace for namespace in needed if not mesh.discovery.picks(cluster, namespace))
    spare = sorted(
        namespace for namespace in known if namespace not in needed and mesh.discovery.picks(cluster, namespace)
    )
    present = [dict(selector) for selector in mesh.discovery.selectors.get(cluster, ())]
    reasons = [Reason("EMIT_REVIEW", "a setting of the whole mesh; istiod reads it again without a restart")]
    if blocked:
        values = tuple(blocked)
        for namespace in blocked:
            one = needed[namespace]
            message = f"no selector picks {namespace}, which {one.namespace}/{one.name} needs"
            reasons.append(Reason("EMIT_REVIEW", message, "DISCOVERY_BLOCK"))
        expression = {"key": NAME_LABEL, "operator": "In", "values": list(values)}
        selectors: list[object] = [*present, {"matchExpressions": [expression]}]
    elif spare and not present:
        values = tuple(spare)
        selectors = [{"matchExpressions": [{"key": NAME_LABEL, "operator": "NotIn", "values": list(values)}]}]
        if consumers.unobserved:
            listed = ", ".join(f"{namespace}/{name}" for namespace, name in sorted(consumers.unobserved.items()))
            reasons.append(Reason("ABSTAIN", f"too little is known of {listed}: they may call anybody", "LOW_COVERAGE"))
    else:
        return None  # a list that somebody wrote and that leaves out nobody is left alone
    verdict = worst(reasons)
    named = f"Mesh/{cluster}" if cluster else "Mesh"
    return Proposal(
        kind="DiscoverySelectors",
        namespace=mesh.configuration.control_plane_namespace,
        name=f"discovery-selectors-{cluster}" if cluster else "discovery-selectors",
        target=named,
        verdict=verdict,
        reasons=tuple(reasons),
        values=values,
        observed=observed,
        consumers=tuple(needed[namespace] for namespace in sorted(needed)),
        manifest=None if verdict == "ABSTAIN" else {"meshConfig": {"discoverySelectors": selectors}},
        rollback=None if verdict == "ABSTAIN" else {"meshConfig": {"discoverySelectors": present}},
    )


def _with_benefit(
    found: Proposal, mesh: Mesh, assessed: Sequence[Assessment], spared: set[str], loads: Loads
) -> Proposal:
    """What proxies without a Sidecar would be spared."""
    open_ones = [item for item in assessed if item.standing.ruling is None]
    if not open_ones or not spared or found.manifest is None:
        return found
    namespaces = sorted({service.namespace for service in mesh.registry.services} - spared)
    proxies = sum(len(item.workload.living) for item in open_ones)
    namespace = open_ones[0].workload.namespace
    before = loads.of(namespace, ("*/*",))
    after = loads.of(namespace, tuple(f"{name}/*" for name in namespaces))
    return replace(found, benefit=benefit(before, after, proxies))
