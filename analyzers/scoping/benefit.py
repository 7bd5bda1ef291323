"""What a scope saves one proxy: clusters, endpoints and memory, before and after.

Clusters are the services' ports times one and the subsets of the DestinationRule in force. Memory is a prior measured
on real Envoy 1.40 proxies (RSS), to be replaced by a fit where a mesh's own figures are there. Fixed clusters and
listeners are the same before and after and are left out.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import items
from analyzers.scoping.model import Benefit, ProxyLoad
from analyzers.scoping.names import full_name
from analyzers.scoping.scope import Scope, scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.registry import Service

#: Bytes. The prior of issue 6: RSS = 71 MB + N x (48 KB + 19 KB with mTLS + 3.3 KB per endpoint).
PROXY_BYTES: Final = 71_000_000
CLUSTER_BYTES: Final = 48_000
MTLS_BYTES: Final = 19_000
ENDPOINT_BYTES: Final = 3_300

FORMULA: Final = (
    "clusters = sum over services of ports x (1 + subsets); memory_bytes = proxy_bytes + sum over clusters of"
    " (cluster_bytes + mtls_bytes where endpoints have sidecars + endpoint_bytes x endpoints)"
)


def benefit(before: ProxyLoad, after: ProxyLoad, proxies: int) -> Benefit:
    """One proxy under both scopes, with the formula and its inputs."""
    return Benefit(
        before=before,
        after=after,
        proxies=proxies,
        formula=FORMULA,
        inputs={
            "proxy_bytes": PROXY_BYTES,
            "cluster_bytes": CLUSTER_BYTES,
            "mtls_bytes": MTLS_BYTES,
            "endpoint_bytes": ENDPOINT_BYTES,
        },
    )


class Loads:
    """What proxies hold under given hosts; each namespace's hosts are computed once."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._subsets = subset_counts(mesh)
        self._known: dict[tuple[str, tuple[str, ...]], ProxyLoad] = {}

    def of(self, namespace: str, hosts: tuple[str, ...]) -> ProxyLoad:
        """The load of a proxy of the namespace whose Sidecar has these hosts."""
        key = (namespace, hosts)
        if key not in self._known:
            scope = scope_of(self._mesh, namespace, hosts)
            self._known[key] = load(scope, self._subsets, self._mesh.configuration.root_namespace)
        return self._known[key]

    @staticmethod
    def mean(loads: Sequence[tuple[ProxyLoad, int]]) -> ProxyLoad:
        """The mean over proxies, from loads and how many proxies have each."""
        count = sum(number for _, number in loads)
        sums = [sum(getattr(one, field.name) * number for one, number in loads) for field in fields(ProxyLoad)]
        return ProxyLoad(*(round(value / count) for value in sums))


def load(scope: Scope, subsets: Mapping[tuple[str, str], int], root_namespace: str) -> ProxyLoad:
    """What a proxy with this scope holds. A subset's cluster holds its share of the endpoints."""
    clusters = endpoints = memory = 0
    for service in scope.clusters.values():
        parts = _subsets(service, scope.namespace, subsets, root_namespace)
        ports = len(service.ports)
        clusters += ports * (1 + parts)
        copies = ports * service.endpoints * (2 if parts else 1)
        endpoints += copies
        mtls = MTLS_BYTES if service.meshed_endpoints else 0
        memory += ports * (1 + parts) * (CLUSTER_BYTES + mtls) + copies * ENDPOINT_BYTES
    return ProxyLoad(len(scope.clusters), clusters, endpoints, PROXY_BYTES + memory)


def subset_counts(mesh: Mesh) -> Mapping[tuple[str, str], int]:
    """Namespace and host of each DestinationRule -> its number of subsets."""
    return {
        (rule.namespace, full_name(str(rule.spec.get("host", "")), rule.namespace, mesh.registry.domain)): len(
            items(rule.spec.get("subsets"))
        )
        for rule in mesh.configuration.of("DestinationRule")
    }


def _subsets(
    service: Service, client_namespace: str, subsets: Mapping[tuple[str, str], int], root_namespace: str
) -> int:
    for namespace in (client_namespace, service.namespace, root_namespace):
        found = subsets.get((namespace, service.host))
        if found is not None:
            return found
    return 0
