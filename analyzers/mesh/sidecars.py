"""Sidecar objects: which one a proxy has, and what its egress listeners import.

Source: istio/istio `pilot/pkg/model/push_context.go` (initSidecarScopes, getSidecarScope) and `sidecar.go`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh import hosts
from analyzers.mesh.objects import at, integer, mapping, mappings, strings, text, texts
from analyzers.mesh.selectors import carries
from analyzers.mesh.services import age_order, is_selected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

#: The first release in which `~` before a namespace excludes, also beside other hosts (istio/istio#60581).
EXCLUSIONS_SINCE: Final = (1, 31)
_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Host patterns of one namespace: names for look-up, wildcards to compare."""

    names: frozenset[str]
    wildcards: tuple[str, ...]

    def cover(self, host: str) -> bool:
        """Whether one of them takes in a host or pattern."""
        return host in self.names or any(hosts.covers(pattern, host) for pattern in self.wildcards)

    def overlap(self, host: str) -> bool:
        """Whether one of them shares a host with `host`."""
        if self.cover(host):
            return True
        return host.startswith("*") and any(hosts.covers(host, name) for name in (*self.names, *self.wildcards))


@dataclass(frozen=True, slots=True)
class Imports:
    """What the `hosts` of an egress listener import and exclude, by namespace (`*`: every namespace)."""

    included: Mapping[str, Patterns]
    excluded: Mapping[str, Patterns]

    def takes_service(self, namespace: str, host: str) -> bool:
        """Whether a service of a namespace is imported."""
        return self._any(self.included, namespace, host) and not self._any(self.excluded, namespace, host)

    def takes_virtual_service(self, namespace: str, host: str, *, is_gateway_api: bool) -> bool:
        """Whether a VirtualService of a namespace is imported for one of its hosts.

        A VirtualService is found in both directions, by wider hosts and by narrower; a Gateway API route only by wider.
        """
        near = (self.included.get(key) for key in (namespace, _ANY))
        found = any(
            patterns.cover(host) if is_gateway_api else patterns.overlap(host)
            for patterns in near
            if patterns is not None
        )
        return found and not self._any(self.excluded, namespace, host)

    @staticmethod
    def _any(patterns: Mapping[str, Patterns], namespace: str, host: str) -> bool:
        return any(patterns[key].cover(host) for key in (namespace, _ANY) if key in patterns)


@dataclass(frozen=True, slots=True)
class EgressListener:
    """One egress listener; `port` is null for the one that catches all. `position` is -1 where no object states it."""

    imports: Imports
    port: int | None = None
    protocol: str = ""
    position: int = -1

    @property
    def is_bound_to_port(self) -> bool:
        """Whether only services with its port are imported; an HTTP proxy's port is its own."""
        return bool(self.port) and self.protocol.upper() != "HTTP_PROXY"


def sidecar_for(mesh: Mesh, namespace: str, labels: Mapping[str, str], cluster: str = "") -> MeshObject | None:
    """The Sidecar of a sidecar proxy: with a selector before without, older before newer, then the root namespace's."""
    known, root = mesh.cached(f"sidecars {cluster}", lambda found: _sidecars(found, cluster))
    for item in known.get(namespace, ()):
        if not has_selector(item) or carries(labels, selector_labels(item)):
            return item
    return root


def has_selector(item: MeshObject) -> bool:
    """Whether a Sidecar has a workloadSelector; an empty one counts, and picks all."""
    return item.spec.get("workloadSelector") is not None


def selector_labels(item: MeshObject) -> Mapping[str, str]:
    """The labels of a Sidecar's workloadSelector."""
    return strings(at(item.spec, "workloadSelector", "labels"))


def egress_listeners(
    item: MeshObject | None, namespace: str, istio_version: tuple[int, int] | None = None
) -> tuple[EgressListener, ...]:
    """The egress listeners of a proxy of `namespace`; without a Sidecar, or one without egress, all hosts.

    Where the release is not known, a lone `~` beside other hosts is taken to exclude nothing, as it was before 1.31.
    """
    found = [
        EgressListener(
            imports=imports_of(texts(egress.get("hosts")), namespace, istio_version),
            port=integer(at(egress, "port", "number")),
            protocol=text(at(egress, "port", "protocol")) or "",
            position=position,
        )
        for position, egress in mappings(item.spec.get("egress") if item else None)
    ]
    return tuple(found) or (EgressListener(imports_of(("*/*",), namespace)),)


def imports_of(entries: Iterable[str], namespace: str, istio_version: tuple[int, int] | None = None) -> Imports:
    """What host entries (`namespace/dnsName`) mean for a proxy of `namespace`. Entries of another form are ignored."""
    included: defaultdict[str, list[str]] = defaultdict(list)
    excluded: defaultdict[str, list[str]] = defaultdict(list)
    for entry in entries:
        wanted, slash, host = entry.lower().partition("/")
        if not slash or "/" in host:
            continue
        if not wanted.startswith("~"):
            included[namespace if wanted == "." else wanted].append(host)
        elif wanted != "~":
            excluded[wanted[1:]].append(host)
        elif istio_version is not None and istio_version >= EXCLUSIONS_SINCE:
            excluded[_ANY].append(host)
    return Imports(_patterns(included), _patterns(excluded))


def outbound_policy(item: MeshObject | None, mesh_default: str) -> str:
    """`ALLOW_ANY` or `REGISTRY_ONLY`. A policy that is present without a mode means REGISTRY_ONLY, protobuf's zero."""
    stated = item.spec.get("outboundTrafficPolicy") if item else None
    if stated is None:
        return mesh_default
    return text(mapping(stated).get("mode")) or "REGISTRY_ONLY"


def _patterns(by_namespace: Mapping[str, list[str]]) -> Mapping[str, Patterns]:
    return {
        name: Patterns(
            frozenset(host for host in found if not host.startswith("*")),
            tuple(host for host in found if host.startswith("*")),
        )
        for name, found in by_namespace.items()
    }


def _sidecars(mesh: Mesh, cluster: str) -> tuple[Mapping[str, list[MeshObject]], MeshObject | None]:
    items = [item for item in mesh.of_kind("Sidecar", cluster=cluster) if is_selected(mesh, item.namespace, cluster)]
    found: defaultdict[str, list[MeshObject]] = defaultdict(list)
    for item in sorted(items, key=lambda known: (not has_selector(known), age_order(known))):
        found[item.namespace].append(item)
    root = mesh.settings(cluster).root_namespace
    return dict(found), next((item for item in found.get(root, ()) if not has_selector(item)), None)
