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
from analyzers.configuration.common import INJECTION_LABEL, REVISION_LABEL, injector_name, istio_code, proxy_image
from analyzers.configuration.image_types import image_type
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, text

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            item.name: _image(item)
            for item in mesh.of_kind("ConfigMap", cluster=cluster)
            if item.name.startswith("istio-sidecar-injector")
        }
        revisions = {item.name: _revision(item) for item in mesh.of_kind("Namespace", cluster=cluster)}
        stale: defaultdict[str, list[str]] = defaultdict(list)
        for pod in mesh.of_kind("Pod", cluster=cluster):
            revision = revisions.get(pod.namespace)
            if revision is None or pod.annotations.get("sidecar.istio.io/proxyImage"):
                continue
            wanted = images.get(injector_name(revision))
            if wanted is None or not (wanted or rules.istio):
                continue
            image = proxy_image(pod.spec, init=True)
            if image is not None and image not in _accepted(wanted, mesh, pod, rules):
                stale[pod.namespace].append(pod.name)
        for namespace, pods in sorted(stale.items()):
            item = mesh.get("Namespace", "", namespace, cluster=cluster)
            if item is not None:
                more = f" and {len(pods) - _NAMED} more" if len(pods) > _NAMED else ""
                message = f"pods {', '.join(pods[:_NAMED])}{more} run another proxy image than the injector's"
                yield finding(MISMATCH, item, message, evidence={"pods": sorted(pods)})


def _accepted(wanted: str, mesh: Mesh, pod: MeshObject, rules: Rules) -> frozenset[str]:
    """The images that a pod may have, the injector's being `wanted`. Istio's check takes the plain one everywhere."""
    kind = image_type(mesh, pod, rules)
    return frozenset({wanted, f"{wanted}-{kind or ''}"}) if rules.istio else frozenset({_typed(wanted, kind)})


def _revision(item: MeshObject) -> str | None:
    if REVISION_LABEL in item.labels:
        return item.labels[REVISION_LABEL]
    return "default" if item.labels.get(INJECTION_LABEL) == "enabled" else None


def _image(item: MeshObject) -> str:
    """The image that an injector's values name; empty where they cannot be read."""
    try:
        values = json.loads(text(at(item.document, "data", "values")) or "{}")
    except ValueError:
        return ""
    hub, image, tag = at(values, "global", "hub"), at(values, "global", "proxy", "image"), at(values, "global", "tag")
    if isinstance(image, str) and "/" in image:
        return image
    return f"{hub or ''}/{image or ''}:{tag or ''}"


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
