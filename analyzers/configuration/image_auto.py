"""`image: auto` that no injector replaces.

**What.** A Deployment whose template has a proxy container with `image: auto` and whose pods no injector's webhook
takes; a Pod that still has it.

**Why it matters.** `auto` is a placeholder: there is no such image, and the pod never starts. Gateways are installed
so.

**Evidence.** The object.

**Fix.** Label the namespace for injection, or the pod template with `sidecar.istio.io/inject: "true"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import PROXY, containers, istio_code, namespace_labels, pod_spec, template_labels
from analyzers.configuration.report import finding
from analyzers.mesh.objects import mappings, text
from analyzers.mesh.selectors import selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json, MeshObject

DEPLOYMENT: Final = istio_code(
    146, "image: auto without injection", "warning", "No injector will replace the placeholder in a Deployment's pods."
)
POD: Final = istio_code(147, "image: auto in a pod", "error", "A pod has the placeholder still: it cannot start.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every Pod and Deployment with the placeholder."""
    del rules
    for item in mesh.of_kind("Pod"):
        path = _auto(item)
        if path is not None:
            yield finding(
                POD, item, "its proxy's image is still `auto`: it was not injected", path=f"spec/{path}/image"
            )
    for item in mesh.of_kind("Deployment"):
        path = _auto(item)
        if path is not None and not _is_injected(mesh, item):
            message = "its proxy's image is `auto`, and no injector takes its pods"
            yield finding(DEPLOYMENT, item, message, path=f"spec/template/spec/{path}/image")


def _auto(item: MeshObject) -> str | None:
    for path, container in containers(pod_spec(item)):
        if container.get("name") == PROXY and container.get("image") == "auto":
            return path
    return None


def _is_injected(mesh: Mesh, item: MeshObject) -> bool:
    labels = namespace_labels(mesh, item.namespace, item.cluster) or {}
    for configuration in mesh.of_kind("MutatingWebhookConfiguration", cluster=item.cluster):
        for _, webhook in mappings(configuration.document.get("webhooks")):
            if (text(webhook.get("name")) or "").endswith("istio.io") and _takes(webhook, labels, item):
                return True
    return False


def _takes(webhook: Mapping[str, Json], labels: Mapping[str, str], item: MeshObject) -> bool:
    picks_namespace = selects(webhook.get("namespaceSelector"), labels)
    return picks_namespace and selects(webhook.get("objectSelector"), template_labels(item))


ANALYZER: Final = configuration_analyzer(
    "image_auto",
    kinds=("Pod", "Deployment"),
    codes=(DEPLOYMENT, POD),
    check=check,
    documentation=__doc__ or "",
)
