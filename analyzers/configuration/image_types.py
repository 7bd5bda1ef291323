"""Which type of proxy image (`distroless`, `debug`) is in force for a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import yaml

from analyzers.mesh.objects import at, mapping, strings, text
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

_PLAIN: Final = "default"


def image_type(mesh: Mesh, pod: MeshObject, rules: Rules) -> str | None:
    """The image type of a pod; null where it is the plain image.

    The last word has its annotation, then a ProxyConfig for it, for its namespace, for the mesh, then the MeshConfig.
    """
    kind = next(_sayings(mesh, pod, rules), None)
    return None if kind == _PLAIN else kind


def _sayings(mesh: Mesh, pod: MeshObject, rules: Rules) -> Iterator[str]:
    settings = mesh.settings(pod.cluster)
    plain = pod.annotations.get("sidecar.istio.io/proxyImageType")
    if plain and not rules.istio:
        yield plain
    kind = _of_proxy_config(pod.annotations.get("proxy.istio.io/config", ""))
    if kind:
        yield kind
    near = mesh.in_namespace("ProxyConfig", pod.namespace, cluster=pod.cluster)
    root = mesh.in_namespace("ProxyConfig", settings.root_namespace, cluster=pod.cluster)
    if pod.namespace != settings.root_namespace:
        yield from _types([item for item in near if _selects(item, pod, rules)])
        yield from _types([item for item in near if item.spec.get("selector") is None])
    yield from _types([item for item in root if rules.istio or _selects(item, pod, rules) or not _wanted(item)])
    kind = text(at(settings.raw, "defaultConfig", "image", "imageType"))
    if kind:
        yield kind


def _types(items: list[MeshObject]) -> Iterator[str]:
    """The types that the objects name, the last object's first."""
    return (kind for item in reversed(items) if (kind := text(at(item.spec, "image", "imageType"))))


def _wanted(item: MeshObject) -> dict[str, str]:
    return dict(strings(at(item.spec, "selector", "matchLabels")))


def _selects(item: MeshObject, pod: MeshObject, rules: Rules) -> bool:
    if item.spec.get("selector") is None:
        return False
    # Istio's check has the two sides the wrong way round.
    return carries(_wanted(item), pod.labels) if rules.istio else carries(pod.labels, _wanted(item))


def _of_proxy_config(value: str) -> str | None:
    try:
        return text(at(mapping(yaml.safe_load(value)), "image", "imageType"))
    except yaml.YAMLError:
        return None
