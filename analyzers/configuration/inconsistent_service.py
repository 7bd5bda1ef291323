"""Services of one name that differ between clusters.

**What.** A Service of several clusters whose type, ports (names, numbers, protocols, target ports) or headlessness
differ.

**Why it matters.** Istio joins Services of one name and namespace into one: which cluster's definition a proxy gets
depends on where it runs, and calls that cross clusters go to ports that are not there.

**Evidence.** The clusters and what differs.

**Fix.** The same Service in all clusters, or another name.

Beyond Istio's check: the order of ports and values that Kubernetes fills in by itself (`nodePort`, `protocol: TCP`, a
target port equal to the port) do not count.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

INCONSISTENT: Final = istio_code(
    170, "Service differs between clusters", "warning", "Services of one name differ in type, ports or headlessness."
)
_HEADLESS: Final = "None"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Service that more than one named cluster has."""
    by_name: defaultdict[tuple[str, str], list[MeshObject]] = defaultdict(list)
    for item in mesh.of_kind("Service"):
        if item.cluster:
            by_name[item.namespace, item.name].append(item)
    for items in by_name.values():
        reasons = [reason for reason, differs in _comparisons(items, rules) if differs]
        if reasons:
            clusters = ", ".join(item.cluster for item in items)
            evidence = {"clusters": [item.cluster for item in items], "differences": reasons}
            message = f"differs between clusters {clusters}: {', '.join(reasons)}"
            yield finding(INCONSISTENT, items[0], message, path="spec", evidence=evidence)


def _comparisons(items: Sequence[MeshObject], rules: Rules) -> Iterator[tuple[str, bool]]:
    default = None if rules.istio else "ClusterIP"
    yield "headless or not", len({item.spec.get("clusterIP") == _HEADLESS for item in items}) > 1
    yield "type", len({text(item.spec.get("type")) or default for item in items}) > 1
    yield "ports", len({_ports(item, rules) for item in items}) > 1


def _ports(item: MeshObject, rules: Rules) -> str:
    ports = [dict(port) for _, port in mappings(item.spec.get("ports"))]
    if not rules.istio:
        ports = [
            {
                "name": port.get("name"),
                "port": port.get("port"),
                "protocol": port.get("protocol") or "TCP",
                "targetPort": port.get("targetPort") or port.get("port"),
                "appProtocol": port.get("appProtocol"),
            }
            for port in ports
        ]
    return json.dumps(sorted(ports, key=lambda port: str(port.get("name") or "")), sort_keys=True)


ANALYZER: Final = configuration_analyzer(
    "inconsistent_service", kinds=("Service",), codes=(INCONSISTENT,), check=check, documentation=__doc__ or ""
)
