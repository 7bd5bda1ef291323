"""Which namespaces istiod reads at all: the mesh's `discoverySelectors`, cluster by cluster.

The list is an OR, the terms of one selector an AND; there is no exception for the root or the control plane's namespace
(`pkg/kube/namespace/filter.go`). What lives in a namespace that no selector picks is unknown to istiod: services,
ServiceEntries and, from 1.22 on, Istio's own objects. Injection is another matter: it goes on there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from analyzers.mesh.selectors import selects
from analyzers.scoping.configuration import items, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.scoping.configuration import Configuration

#: Since 1.22 the selectors hold for Istio's own objects too (ENABLE_ENHANCED_RESOURCE_SCOPING).
ENHANCED_SINCE: Final = (1, 22)
NAME_LABEL: Final = "kubernetes.io/metadata.name"
_OPERATORS: Final = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}


@dataclass(frozen=True, slots=True)
class Discovery:
    """Selectors and namespaces by cluster; `is_enhanced`: they hold for Istio's objects too."""

    selectors: Mapping[str, tuple[Mapping[str, object], ...]] = field(default_factory=lambda: MappingProxyType({}))
    namespaces: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=lambda: MappingProxyType({}))
    is_enhanced: bool = True

    def picks(self, cluster: str, namespace: str) -> bool:
        """Whether istiod of a cluster reads a namespace. Without Namespace objects nothing is known, so it does."""
        selectors = self.selectors.get(cluster, ())
        known = self.namespaces.get(cluster, {})
        if not selectors or not known:
            return True
        labels = {NAME_LABEL: namespace, **known.get(namespace, {})}
        return any(selects(selector, labels) for selector in selectors)

    def knows(self, namespace: str) -> bool:
        """Whether a namespace is read in any of the clusters that have it."""
        clusters = [cluster for cluster, known in self.namespaces.items() if namespace in known]
        return any(self.picks(cluster, namespace) for cluster in clusters or self.selectors) or not self.selectors

    def deselected(self) -> tuple[tuple[str, str], ...]:
        """Cluster and namespace of every one that is not read, sorted."""
        return tuple(
            (cluster, namespace)
            for cluster in sorted(self.selectors)
            for namespace in sorted(self.namespaces.get(cluster, {}))
            if not self.picks(cluster, namespace)
        )


def discovery_of(configuration: Configuration, version: tuple[int, int] | None = None) -> Discovery:
    """What the mesh's settings select; `version` is that of the control plane, where it is known."""
    selectors = {}
    for cluster, settings in configuration.mesh_by_cluster.items():
        given = [mapping(selector) for selector in items(settings.get("discoverySelectors"))]
        selectors[cluster] = tuple(filter(_is_valid, given))
    return Discovery(
        selectors=selectors,
        namespaces=configuration.namespaces_by_cluster,
        is_enhanced=version is None or version >= ENHANCED_SINCE,
    )


def _is_valid(selector: Mapping[str, object]) -> bool:
    """Istiod logs a selector that Kubernetes refuses, and goes on without it."""
    for expression in map(mapping, items(selector.get("matchExpressions"))):
        operator = str(expression.get("operator"))
        if operator not in _OPERATORS or bool(items(expression.get("values"))) != _OPERATORS[operator]:
            return False
    return True
