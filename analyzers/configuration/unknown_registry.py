"""Mesh networks whose endpoints come from a registry that nobody knows.

**What.** `meshNetworks` names a registry (`fromRegistry`) for which no remote secret (label
`istio/multiCluster: "true"`) exists.

**Why it matters.** The endpoints of that cluster belong to no network: proxies call them directly and time out.

**Evidence.** The network and the registry.

**Fix.** `istioctl create-remote-secret --name REGISTRY`, or correct the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import MeshObject, at, mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

UNKNOWN: Final = istio_code(
    126, "Unknown registry in mesh networks", "error", "A network's endpoints come from a registry nobody knows."
)
_ALWAYS_KNOWN: Final = frozenset({"Mock", "Kubernetes", "External"})
_REMOTE: Final = "istio/multiCluster"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every registry that the mesh networks of a cluster name."""
    for cluster in mesh.clusters:
        known = _ALWAYS_KNOWN | {
            name
            for secret in mesh.of_kind("Secret", cluster=cluster)
            if secret.labels.get(_REMOTE) == "true"
            for name in mapping(secret.document.get("data"))
        }
        if not rules.istio:
            if not mesh.of_kind("Secret", cluster=cluster):
                continue
            # A cluster's own registry needs no secret.
            known |= {cluster} if cluster else frozenset()
        networks = mesh.settings(cluster).mesh_networks
        for network in sorted(networks):
            for position, endpoint in mappings(at(networks[network], "endpoints")):
                name = text(endpoint.get("fromRegistry"))
                if name is not None and name not in known:
                    path = f"networks/{network}/endpoints[{position}]/fromRegistry"
                    message = f"registry {name} of network {network} has no remote secret"
                    yield finding(UNKNOWN, _holder(mesh, cluster), message, path=path)


def _holder(mesh: Mesh, cluster: str) -> MeshObject:
    """The ConfigMap that says the mesh networks; where it is not at hand, the networks themselves."""
    for item in mesh.of_kind("ConfigMap", cluster=cluster):
        if item.name == "istio" and text(at(item.document, "data", "meshNetworks")):
            return item
    return MeshObject("MeshNetworks", mesh.settings(cluster).control_plane_namespace, "meshnetworks", "", cluster)


ANALYZER: Final = configuration_analyzer(
    "unknown_registry", kinds=("ConfigMap",), codes=(UNKNOWN,), check=check, documentation=__doc__ or ""
)
