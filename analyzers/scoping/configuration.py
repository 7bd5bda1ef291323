"""The mesh configuration that decides scopes, read once: Istio objects, mesh settings, namespaces.

Objects of users hold anything; a field of an unexpected type counts as absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pipelines.lake.session import Session

KINDS: Final = (
    "AuthorizationPolicy",
    "ConfigMap",
    "DestinationRule",
    "EnvoyFilter",
    "GRPCRoute",
    "Gateway",
    "HTTPRoute",
    "Namespace",
    "NetworkPolicy",
    "PeerAuthentication",
    "ProxyConfig",
    "RequestAuthentication",
    "ServiceEntry",
    "Sidecar",
    "TCPRoute",
    "TLSRoute",
    "Telemetry",
    "VirtualService",
)


@dataclass(frozen=True, slots=True)
class MeshObject:
    """One object: its identity, labels and `spec`; `group` is the API group, which tells two kinds of Gateway apart."""

    kind: str
    namespace: str
    name: str
    created_at: datetime | None
    labels: Mapping[str, str]
    spec: Mapping[str, object]
    group: str = ""
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def selector(self) -> Mapping[str, str] | None:
        """The labels by which it selects pods, whatever the kind calls the field; null where it has no selector."""
        selector = mapping(self.spec.get("workloadSelector", self.spec.get("selector")))
        if "workloadSelector" not in self.spec and "selector" not in self.spec:
            return None
        return strings(selector.get("labels", selector.get("matchLabels")))

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it applies to a pod with these labels."""
        return all(labels.get(key) == value for key, value in (self.selector or {}).items())


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of it. `control_plane_namespace` is where the mesh's ConfigMap lives.

    Where clusters share objects (same kind, namespace and name) the first cluster's count; what differs by nature is
    kept for each: the mesh's settings and the labels of namespaces. `""` is a cluster without a name.
    """

    objects: Mapping[str, tuple[MeshObject, ...]]
    mesh: Mapping[str, object]
    root_namespace: str
    control_plane_namespace: str
    namespace_labels: Mapping[str, Mapping[str, str]]
    mesh_by_cluster: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: MappingProxyType({}))
    namespaces_by_cluster: Mapping[str, Mapping[str, Mapping[str, str]]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def of(self, kind: str) -> tuple[MeshObject, ...]:
        """The objects of one kind, sorted by namespace and name."""
        return self.objects.get(kind, ())

    def applying(self, kind: str, namespace: str, labels: Mapping[str, str]) -> tuple[MeshObject, ...]:
        """The objects of a kind that apply to a pod, the widest first: root namespace, namespace, selector."""
        chosen = [
            item
            for item in self.of(kind)
            if item.namespace in {namespace, self.root_namespace} and item.selects(labels)
        ]
        return tuple(sorted(chosen, key=lambda item: (item.namespace == namespace, bool(item.selector))))


def read_configuration(session: Session) -> Configuration:
    """The configuration in force at the end of what was ingested."""
    objects: dict[str, dict[tuple[str, str, str], MeshObject]] = {}
    mesh_maps: dict[str, list[tuple[str, str, Mapping[str, object]]]] = {}
    namespaces: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in session.query("scoping_objects", kinds=list(KINDS)).to_pylist():
        document = mapping(json.loads(row["object_json"]))
        labels = _entries(row["labels"])
        cluster = row["cluster"] or ""
        if row["kind"] == "Namespace":
            namespaces.setdefault(cluster, {})[row["name"]] = labels
        elif row["kind"] == "ConfigMap":
            found_map = (row["name"], row["namespace"] or "", _mesh_settings(document))
            mesh_maps.setdefault(cluster, []).append(found_map)
        else:
            namespace = row["namespace"] or "default"
            found = MeshObject(
                kind=row["kind"],
                namespace=namespace,
                name=row["name"],
                created_at=row["created_at"],
                labels=labels,
                spec=mapping(document.get("spec")),
                group=row["api_group"],
                annotations=_entries(row["annotations"]),
            )
            objects.setdefault(row["kind"], {}).setdefault((row["api_group"], namespace, row["name"]), found)
    # Of several control planes' settings the default one's (`istio`, without a revision) counts.
    chosen = {
        cluster: min(found, key=lambda one: (len(one[0]), one[0])) for cluster, found in sorted(mesh_maps.items())
    }
    _, control_plane, mesh = next(iter(chosen.values()), ("", "", {}))
    return Configuration(
        objects={kind: tuple(found.values()) for kind, found in objects.items()},
        mesh=mesh,
        root_namespace=str(mesh.get("rootNamespace") or control_plane or "istio-system"),
        control_plane_namespace=control_plane or "istio-system",
        namespace_labels={name: labels for found in namespaces.values() for name, labels in found.items()},
        mesh_by_cluster={cluster: settings for cluster, (_, _, settings) in chosen.items()},
        namespaces_by_cluster=namespaces,
    )


def _entries(value: object) -> Mapping[str, str]:
    return {entry["key"]: entry["value"] or "" for entry in value} if isinstance(value, list) else {}


def mapping(value: object) -> Mapping[str, object]:
    """`value` where it is an object with string keys, else an empty one."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def strings(value: object) -> Mapping[str, str]:
    """The members of an object that are strings."""
    return {key: item for key, item in mapping(value).items() if isinstance(item, str)}


def items(value: object) -> tuple[object, ...]:
    """The elements of a list, else none."""
    return tuple(value) if isinstance(value, list) else ()


def texts(value: object) -> tuple[str, ...]:
    """The elements of a list that are strings."""
    return tuple(item for item in items(value) if isinstance(item, str))


def walk(value: object) -> Iterator[Mapping[str, object]]:
    """Every object inside `value`, itself first."""
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, dict):
            found = mapping(here)
            yield found
            pending.extend(found.values())
        elif isinstance(here, list):
            pending.extend(here)


def _mesh_settings(document: Mapping[str, object]) -> Mapping[str, object]:
    text = mapping(document.get("data")).get("mesh")
    try:
        return mapping(yaml.safe_load(text)) if isinstance(text, str) else {}
    except yaml.YAMLError:
        return {}
