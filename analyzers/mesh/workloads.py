"""Workloads: pods that are alike, what makes them, and how the mesh takes part in their traffic.

Pods of one namespace with the same labels (but for those that controllers add) and the same data plane are one
workload, so that checks look at thousands of pods once a workload. Where a controller's pods are not known its
template stands for them; WorkloadEntries stand for themselves.
Source: istio/istio `pkg/kube/inject/inject.go` (injectRequired) and `cni/pkg/util/podutil.go` (PodRedirectionEnabled).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from analyzers.mesh.objects import Json, at, integer, mapping, mappings, strings, text
from analyzers.mesh.selectors import LabelIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject
    from analyzers.mesh.services import Service

#: How traffic of a pod passes the mesh: its own proxy, its node's ztunnel, or not at all.
DataPlane = Literal["sidecar", "ambient", "gateway", "waypoint", "none"]

PROXY_CONTAINER: Final = "istio-proxy"
INJECT: Final = "sidecar.istio.io/inject"
INJECTION_NAMESPACE_LABEL: Final = "istio-injection"
REVISION_LABEL: Final = "istio.io/rev"
DATAPLANE_MODE: Final = "istio.io/dataplane-mode"
REDIRECTION: Final = "ambient.istio.io/redirection"
_EXCLUDED_PORTS: Final = "traffic.sidecar.istio.io/excludeInboundPorts"
_STATUS: Final = "sidecar.istio.io/status"
_MANAGED: Final = "gateway.istio.io/managed"
_WAYPOINT_CONTROLLER: Final = "istio.io-mesh-controller"
_NEVER_INJECTED: Final = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
#: Labels that controllers add to tell pods of one template apart.
_VOLATILE: Final = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "controller-revision-hash",
        "controller-uid",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
_TEMPLATES: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job")
_TRUE: Final = frozenset({"true", "enabled", "on", "yes", "y"})
_FALSE: Final = frozenset({"false", "disabled", "off", "no", "n"})


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods that are alike. `item` is the first pod, or what would make it; `pods` is empty where none is known."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    data_plane: DataPlane
    service_account: str
    item: MeshObject
    pods: tuple[MeshObject, ...]
    cluster: str = ""

    @property
    def is_in_mesh(self) -> bool:
        """Whether the mesh takes part in its traffic."""
        return self.data_plane != "none"

    @property
    def spec(self) -> Mapping[str, Json]:
        """The pod spec."""
        return mapping(at(self.item.spec, "template", "spec")) or self.item.spec

    @property
    def uncaptured_ports(self) -> frozenset[int]:
        """The ports at which traffic goes past the proxy, by the pod's own annotation."""
        metadata = mapping(at(self.item.spec, "template", "metadata"))
        annotations = strings(metadata.get("annotations")) if metadata else self.item.annotations
        stated = annotations.get(_EXCLUDED_PORTS, "").split(",")
        return frozenset(int(port) for port in map(str.strip, stated) if port.isascii() and port.isdigit())

    def port_named(self, name: str) -> int | None:
        """The number of a container's port by its name."""
        for part in ("containers", "initContainers"):
            for _, container in mappings(self.spec.get(part)):
                for _, port in mappings(container.get("ports")):
                    if text(port.get("name")) == name:
                        return integer(port.get("containerPort"))
        return None


class Workloads:
    """All workloads of a cluster. Get it with `workloads_of`."""

    def __init__(self, workloads: tuple[Workload, ...]) -> None:
        self.all = workloads
        grouped: defaultdict[str, list[Workload]] = defaultdict(list)
        for workload in workloads:
            grouped[workload.namespace].append(workload)
        self.by_namespace: Mapping[str, tuple[Workload, ...]] = {name: tuple(found) for name, found in grouped.items()}
        self._indexes = {name: LabelIndex(found, lambda one: one.labels) for name, found in grouped.items()}
        self._everywhere = LabelIndex(workloads, lambda one: one.labels)
        self.by_pod: Mapping[tuple[str, str], Workload] = {
            (pod.namespace, pod.name): workload for workload in workloads for pod in workload.pods
        }

    def selected(self, namespace: str | None, labels: Mapping[str, str]) -> tuple[Workload, ...]:
        """The workloads of a namespace (null: all) that carry all `labels`; no labels: all of them."""
        if namespace is None:
            return self._everywhere.carrying(labels)
        index = self._indexes.get(namespace)
        return index.carrying(labels) if index is not None else ()

    def behind(self, service: Service) -> tuple[Workload, ...]:
        """The workloads that a Service or ServiceEntry selects; empty where it selects none by labels."""
        if service.is_kubernetes:
            selector = strings(service.item.spec.get("selector"))
        else:
            selector = strings(at(service.item.spec, "workloadSelector", "labels"))
        return self.selected(service.namespace, selector) if selector else ()


def workloads_of(mesh: Mesh, cluster: str = "") -> Workloads:
    """The workloads of a cluster, made once."""
    return mesh.cached(f"workloads {cluster}", lambda known: Workloads(tuple(_workloads(known, cluster))))


def data_plane_of(mesh: Mesh, item: MeshObject) -> DataPlane:
    """The data plane of a pod, or of the pods that an object's template would make."""
    spec = mapping(at(item.spec, "template", "spec")) or item.spec
    metadata = mapping(at(item.spec, "template", "metadata"))
    labels = strings(metadata.get("labels")) if metadata else item.labels
    annotations = strings(metadata.get("annotations")) if metadata else item.annotations
    if labels.get(_MANAGED) == _WAYPOINT_CONTROLLER:
        return "waypoint"
    proxy = _proxy(spec)
    if proxy is not None:
        return "gateway" if _is_router(proxy, spec) else "sidecar"
    if _STATUS in annotations:
        return "sidecar"
    namespace = mesh.get("Namespace", "", item.namespace, cluster=item.cluster)
    around = namespace.labels if namespace is not None else {}
    if is_ambient(labels, annotations, around):
        return "ambient"
    # A pod that runs without a proxy was not injected, whatever the labels say now.
    is_running = item.kind == "Pod"
    return "sidecar" if not is_running and is_injected(item.namespace, labels, annotations, around) else "none"


def is_injected(
    namespace: str, labels: Mapping[str, str], annotations: Mapping[str, str], namespace_labels: Mapping[str, str]
) -> bool:
    """Whether a new pod with these labels gets a sidecar, by Istio's own webhook rules."""
    if namespace in _NEVER_INJECTED:
        return False
    stated = (labels.get(INJECT) or annotations.get(INJECT) or "").lower()
    around = namespace_labels.get(INJECTION_NAMESPACE_LABEL, "").lower()
    if stated in _FALSE or around == "disabled":
        return False
    if around == "enabled" or REVISION_LABEL in namespace_labels:
        return True
    return labels.get(INJECT, "").lower() in _TRUE or REVISION_LABEL in labels


def is_ambient(labels: Mapping[str, str], annotations: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
    """Whether a pod without a sidecar is redirected to its node's ztunnel."""
    if annotations.get(REDIRECTION) == "enabled":
        return True
    return (labels.get(DATAPLANE_MODE) or namespace_labels.get(DATAPLANE_MODE)) == "ambient"


def _workloads(mesh: Mesh, cluster: str) -> Iterator[Workload]:
    groups: dict[tuple[object, ...], list[MeshObject]] = {}
    planes: dict[int, DataPlane] = {}
    for pod in mesh.of_kind("Pod", cluster=cluster):
        planes[id(pod)] = data_plane_of(mesh, pod)
        key = (pod.namespace, frozenset(_stable(pod.labels).items()), planes[id(pod)], _account(pod.spec))
        groups.setdefault(key, []).append(pod)
    for pods in groups.values():
        first = pods[0]
        yield _workload(first, _owner_name(first), first.labels, planes[id(first)], tuple(pods))
    known = LabelIndex((pods[0] for pods in groups.values()), lambda pod: pod.labels)
    for kind in _TEMPLATES:
        for item in mesh.of_kind(kind, cluster=cluster):
            labels = strings(at(item.spec, "template", "metadata", "labels"))
            if not any(pod.namespace == item.namespace for pod in known.carrying(labels)):
                yield _workload(item, item.name, labels, data_plane_of(mesh, item), ())
    for item in mesh.of_kind("WorkloadEntry", cluster=cluster):
        # A machine outside the cluster has a proxy where it has an identity of the mesh.
        plane: DataPlane = "sidecar" if text(item.spec.get("serviceAccount")) else "none"
        yield _workload(item, item.name, strings(item.spec.get("labels")), plane, ())


def _workload(
    item: MeshObject, name: str, labels: Mapping[str, str], plane: DataPlane, pods: tuple[MeshObject, ...]
) -> Workload:
    spec = mapping(at(item.spec, "template", "spec")) or item.spec
    return Workload(item.namespace, name, _stable(labels), plane, _account(spec), item, pods, item.cluster)


def _stable(labels: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value for key, value in labels.items() if key not in _VOLATILE}


def _account(spec: Mapping[str, Json]) -> str:
    return text(spec.get("serviceAccountName")) or text(spec.get("serviceAccount")) or "default"


def _owner_name(pod: MeshObject) -> str:
    for _, owner in mappings(at(pod.document, "metadata", "ownerReferences")):
        name = text(owner.get("name")) or pod.name
        template_hash = pod.labels.get("pod-template-hash")
        return name.removesuffix(f"-{template_hash}") if template_hash else name
    return pod.name


def _proxy(spec: Mapping[str, Json]) -> Mapping[str, Json] | None:
    for part in ("containers", "initContainers"):
        for _, container in mappings(spec.get(part)):
            if text(container.get("name")) == PROXY_CONTAINER:
                return container
    return None


def _is_router(proxy: Mapping[str, Json], spec: Mapping[str, Json]) -> bool:
    """Whether a proxy container is a gateway: it says so, or it is all that the pod has."""
    arguments = proxy.get("args")
    if isinstance(arguments, list) and "router" in arguments:
        return True
    if isinstance(arguments, list) and "sidecar" in arguments:
        return False
    return len([*mappings(spec.get("containers"))]) == 1 and not any(
        text(container.get("name")) == PROXY_CONTAINER for _, container in mappings(spec.get("initContainers"))
    )
