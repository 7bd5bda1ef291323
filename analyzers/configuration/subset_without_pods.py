"""DestinationRules for hosts that nobody knows, and subsets that select no pod, as Istio's analyzer counts them.

**What.** In the mode that reproduces Istio's analyzers: a DestinationRule whose host no Service or ServiceEntry has,
and a subset whose labels no pod of any namespace carries (with the topology labels of its node).

**Why it matters.** A rule for an unknown host does nothing; a subset without pods answers 503 (UH).

**Evidence.** The host or the subset.

**Fix.** Correct the host, or align the subset's labels with the pods'.

Otherwise the check `dangling_host` speaks of both (ML0101, ML0103): it looks at the host's own pods and endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code, spec_export_to
from analyzers.configuration.report import finding
from analyzers.configuration.service_hosts import hosts_of
from analyzers.mesh.objects import at, mappings, strings, text
from analyzers.mesh.selectors import LabelIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_POD: Final = istio_code(173, "Subset without pods", "error", "No pod carries the labels of the subset.")
NO_HOST: Final = istio_code(174, "Unknown host of a DestinationRule", "warning", "No host of that name is known.")

_TOPOLOGY: Final = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")
_HOSTNAME: Final = "kubernetes.io/hostname"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every DestinationRule and its subsets, where Istio's behaviour is asked for."""
    if not rules.istio:
        return
    for cluster in mesh.clusters:
        hosts = hosts_of(mesh, cluster, rules)
        nodes = {node.name: node.labels for node in mesh.of_kind("Node", cluster=cluster)}
        pods = LabelIndex((_labels(pod, nodes) for pod in mesh.of_kind("Pod", cluster=cluster)), lambda labels: labels)
        for item in mesh.of_kind("DestinationRule", cluster=cluster):
            host = text(item.spec.get("host")) or ""
            found = hosts.find(host, item.namespace, spec_export_to(item))
            if found is None:
                yield finding(NO_HOST, item, f"host {host} is not known", path="spec/host")
                continue
            selector: Mapping[str, str] = {}
            if found.item.kind == "ServiceEntry":
                selector = strings(at(found.item.spec, "workloadSelector", "labels"))
            subsets = {text(subset.get("name")) or "": subset for _, subset in mappings(item.spec.get("subsets"))}
            for name, subset in subsets.items():
                if not pods.carrying({**selector, **strings(subset.get("labels"))}):
                    yield finding(NO_POD, item, f"subset {name} selects no pod", identity=(name,))


def _labels(pod: MeshObject, nodes: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    name = text(pod.spec.get("nodeName")) or ""
    node = nodes.get(name)
    if node is None:
        return pod.labels
    return {**pod.labels, **{key: node[key] for key in _TOPOLOGY if key in node}, _HOSTNAME: name}


ANALYZER: Final = configuration_analyzer(
    "subset_without_pods",
    kinds=("DestinationRule",),
    codes=(NO_POD, NO_HOST),
    check=check,
    documentation=__doc__ or "",
)
