"""What several checks share: names as people write them, namespaces to leave alone, containers, mesh membership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, mapping, mappings, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.framework.finding import Severity
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

PROXY: Final = "istio-proxy"
INJECTION_LABEL: Final = "istio-injection"
REVISION_LABEL: Final = "istio.io/rev"
INJECT_KEY: Final = "sidecar.istio.io/inject"
DATAPLANE_LABEL: Final = "istio.io/dataplane-mode"
AMBIENT_ANNOTATION: Final = "ambient.istio.io/redirection"
GATEWAY_NAME_LABEL: Final = "gateway.networking.k8s.io/gateway-name"
EVERYWHERE: Final = "*"
HERE: Final = "."

#: Namespaces that Istio never injects (`pkg/kube/inject`, IgnoredNamespaces).
IGNORED_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})


def istio_code(number: int, title: str, severity: Severity, documentation: str, *aliases: str) -> Code:
    """The code of a check that Istio has as `IST0nnn`: `ML1nnn`, with that and Kiali's codes as aliases."""
    return Code(f"ML1{number:03d}", title, severity, documentation, (f"IST0{number:03d}", *aliases))


def full_name(item: MeshObject) -> str:
    """`namespace/name`, or the name alone."""
    return f"{item.namespace}/{item.name}" if item.namespace else item.name


def qualified_name(namespace: str, name: str) -> tuple[str, str]:
    """Namespace and name of a reference written `name` or `namespace/name` in `namespace`."""
    before, slash, after = name.partition("/")
    return (before, after) if slash else (namespace, name)


def selector_text(labels: Mapping[str, str]) -> str:
    """Labels as kubectl writes a selector: `app=web,tier=front`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels))


def is_control_plane(item: MeshObject) -> bool:
    """Whether an object is part of Istio itself, by its labels."""
    return "istio" in item.labels or item.labels.get("release") == "istio"


def is_finished(pod: MeshObject) -> bool:
    """Whether a pod has ended (a Job's, say)."""
    return pod.status.get("phase") in {"Succeeded", "Failed"}


def export_scopes(export_to: Iterable[str], namespace: str) -> frozenset[str]:
    """Namespaces that an exportTo list names; `*` where it is empty or holds `*`."""
    scopes = list(export_to)
    if not scopes or EVERYWHERE in scopes:
        return frozenset({EVERYWHERE})
    return frozenset(namespace if scope == HERE else scope for scope in scopes)


def spec_export_to(item: MeshObject) -> tuple[str, ...]:
    """`spec.exportTo`, as written."""
    return texts(item.spec.get("exportTo"))


def injector_name(revision: str) -> str:
    """The name of the ConfigMap that an injector of this revision reads its values from."""
    return "istio-sidecar-injector" + ("" if revision in {"", "default"} else f"-{revision}")


def pod_spec(item: MeshObject) -> Mapping[str, Json]:
    """The pod spec of a Pod, or of the template of what makes pods."""
    template = mapping(at(item.spec, "template", "spec"))
    return template or item.spec


def template_labels(item: MeshObject) -> Mapping[str, str]:
    """The labels of the pods that a Deployment makes."""
    given = mapping(at(item.spec, "template", "metadata", "labels"))
    return {key: value for key, value in given.items() if isinstance(value, str)}


def containers(spec: Mapping[str, Json], *, init: bool = False) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Path below the pod spec and value of each container, init containers too where asked for."""
    for part in ("containers", *(("initContainers",) if init else ())):
        for position, container in mappings(spec.get(part)):
            yield f"{part}[{position}]", container


def proxy_image(spec: Mapping[str, Json], *, init: bool = True) -> str | None:
    """The image of the pod's proxy; null where it has none."""
    for _, container in containers(spec, init=init):
        if text(container.get("name")) == PROXY:
            return text(container.get("image")) or None
    return None


def namespace_labels(mesh: Mesh, namespace: str, cluster: str) -> Mapping[str, str] | None:
    """The labels of a namespace; null where it is not known."""
    found = mesh.get("Namespace", "", namespace or "default", cluster=cluster)
    return None if found is None else found.labels


def in_mesh(
    mesh: Mesh, item: MeshObject, labels: Mapping[str, str], annotations: Mapping[str, str], *, init: bool
) -> bool:
    """Whether a pod has, or would get, a sidecar: its containers, its label, its annotation, its namespace's label.

    Source: `pkg/config/analysis/analyzers/util/in_mesh.go`.
    """
    if proxy_image(pod_spec(item), init=init) is not None:
        return True
    for given in (labels, annotations):
        if INJECT_KEY in given:
            return given[INJECT_KEY] == "true"
    found = mesh.get("Namespace", "", item.namespace, cluster=item.cluster)
    return found is not None and found.labels.get(INJECTION_LABEL) == "enabled"


def is_captured(pod: MeshObject) -> bool:
    """Whether a pod's traffic goes through ztunnel."""
    return pod.annotations.get(AMBIENT_ANNOTATION) == "enabled"


def is_ambient_namespace(labels: Mapping[str, str] | None) -> bool:
    """Whether a namespace's labels put its pods into ambient mode (a label for sidecars wins)."""
    if labels is None or labels.get(INJECTION_LABEL) == "enabled" or labels.get(REVISION_LABEL):
        return False
    return labels.get(DATAPLANE_LABEL) == "ambient"
