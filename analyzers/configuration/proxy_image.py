"""Pods whose proxy is of another image than the injector would give them now.

**What.** Pods of injected namespaces whose `istio-proxy` image differs from the injector's present one (hub, tag and
image type). Pods that choose an image by annotation are left alone.

**Why it matters.** After an upgrade old proxies stay until their pods are made anew; fixes do not reach them.

**Evidence.** The namespace, the pods, both images.

**Fix.** `kubectl -n NAMESPACE rollout restart deployment`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import INJECTION_LABEL, PROXY, REVISION_LABEL, containers, istio_code
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, strings, text
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

MISMATCH: Final = istio_code(
    158, "Proxy image out of date", "warning", "Pods run another proxy image than the injector would give them now."
)
_NAMED: Final = 5
_TYPES: Final = ("distroless", "debug")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """One finding for each namespace with such pods."""
    for cluster in mesh.clusters:
        images = {
            item.name: image
            for item in mesh.of_kind("ConfigMap", cluster=cluster)
            if item.name.startswith("istio-sidecar-injector") and (image := _image(item)) is not None
        }
        if not images:
            continue
        revisions = {item.name: _revision(item) for item in mesh.of_kind("Namespace", cluster=cluster)}
        stale: defaultdict[str, list[str]] = defaultdict(list)
        for pod in mesh.of_kind("Pod", cluster=cluster):
            revision = revisions.get(pod.namespace)
            if revision is None or pod.annotations.get("sidecar.istio.io/proxyImage"):
                continue
            name = "istio-sidecar-injector" + ("" if revision in {"", "default"} else f"-{revision}")
            wanted = images.get(name)
            if wanted is None:
                continue
            wanted = _typed(wanted, _image_type(mesh, pod))
            for _, container in containers(pod.spec, init=not rules.istio):
                image = text(container.get("image"))
                if container.get("name") == PROXY and image != wanted:
                    stale[pod.namespace].append(pod.name)
        for namespace, pods in sorted(stale.items()):
            item = mesh.get("Namespace", "", namespace, cluster=cluster)
            if item is not None:
                more = f" and {len(pods) - _NAMED} more" if len(pods) > _NAMED else ""
                message = f"pods {', '.join(pods[:_NAMED])}{more} run another proxy image than the injector's"
                yield finding(MISMATCH, item, message, evidence={"pods": sorted(pods)})


def _revision(item: MeshObject) -> str | None:
    if REVISION_LABEL in item.labels:
        return item.labels[REVISION_LABEL]
    return "default" if item.labels.get(INJECTION_LABEL) == "enabled" else None


def _image(item: MeshObject) -> str | None:
    try:
        values = json.loads(text(at(item.document, "data", "values")) or "{}")
    except ValueError:
        return None
    hub, image, tag = at(values, "global", "hub"), at(values, "global", "proxy", "image"), at(values, "global", "tag")
    if isinstance(image, str) and "/" in image:
        return image
    return f"{hub or ''}/{image or ''}:{tag or ''}"


def _image_type(mesh: Mesh, pod: MeshObject) -> str | None:
    """The image type in force for a pod: its ProxyConfig's, else its namespace's, the mesh's, the MeshConfig's."""
    settings = mesh.settings(pod.cluster)
    found: dict[int, str] = {}
    for item in (
        *mesh.in_namespace("ProxyConfig", settings.root_namespace, cluster=pod.cluster),
        *mesh.in_namespace("ProxyConfig", pod.namespace, cluster=pod.cluster),
    ):
        kind = text(at(item.spec, "image", "imageType"))
        wanted = strings(at(item.spec, "selector", "matchLabels"))
        if kind and carries(pod.labels, wanted):
            found[(2 if wanted else 1) if item.namespace == pod.namespace else 0] = kind
    annotated = _annotated_type(pod.annotations)
    if annotated:
        return annotated
    return found[max(found)] if found else text(at(settings.raw, "defaultConfig", "image", "imageType"))


def _annotated_type(annotations: Mapping[str, str]) -> str | None:
    return annotations.get("sidecar.istio.io/proxyImageType") or None


def _typed(image: str, kind: str | None) -> str:
    """An image of a type, as the injector names it: `TAG-TYPE`; `default` is the plain tag."""
    if not kind:
        return image
    for suffix in _TYPES:
        image = image.removesuffix(f"-{suffix}")
    return image if kind == "default" else f"{image}-{kind}"


ANALYZER: Final = configuration_analyzer(
    "proxy_image",
    kinds=("ConfigMap",),
    codes=(MISMATCH,),
    check=check,
    documentation=__doc__ or "",
)
