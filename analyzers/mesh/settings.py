"""Mesh-wide settings: MeshConfig with Istio's defaults, the networks, and what the control plane says of itself.

Defaults are those of `pkg/config/mesh/mesh.go` (istio/istio).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import yaml

from analyzers.mesh.objects import Json, MeshObject, at, mapping, sequence, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_VERSION: Final = re.compile(r"(?:^|:)v?(\d+)\.(\d+)(?:\.(\d+))?")
_NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """What holds for a whole mesh. `raw` is the MeshConfig as written; `istio_version` is (major, minor) of istiod."""

    root_namespace: str = "istio-system"
    control_plane_namespace: str = "istio-system"
    cluster_domain: str = "cluster.local"
    trust_domain: str = "cluster.local"
    trust_domain_aliases: tuple[str, ...] = ()
    default_service_export_to: tuple[str, ...] = ("*",)
    default_virtual_service_export_to: tuple[str, ...] = ("*",)
    default_destination_rule_export_to: tuple[str, ...] = ("*",)
    outbound_traffic_policy: str = "ALLOW_ANY"
    enable_auto_mtls: bool = True
    discovery_selectors: Sequence[Json] = ()
    extension_providers: Sequence[Json] = ()
    default_providers: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    ingress_controller_mode: str = "STRICT"
    ingress_class: str = "istio"
    ingress_service: str = "istio-ingressgateway"
    ingress_selector: str = "ingressgateway"
    access_log_file: str = ""
    access_log_format: str = ""
    access_log_encoding: str = "TEXT"
    mesh_networks: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    istio_version: tuple[int, int] | None = None
    raw: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)


def settings_of(
    mesh_config: Mapping[str, Json],
    *,
    control_plane_namespace: str = "istio-system",
    networks: Mapping[str, Json] = _NOTHING,
    cluster_domain: str = "cluster.local",
    istio_version: tuple[int, int] | None = None,
) -> MeshSettings:
    """Settings from a MeshConfig document; what it leaves out has Istio's default."""
    value = mesh_config.get
    auto = value("enableAutoMtls")
    return MeshSettings(
        root_namespace=text(value("rootNamespace")) or control_plane_namespace,
        control_plane_namespace=control_plane_namespace,
        cluster_domain=cluster_domain,
        trust_domain=text(value("trustDomain")) or "cluster.local",
        trust_domain_aliases=texts(value("trustDomainAliases")),
        default_service_export_to=texts(value("defaultServiceExportTo")) or ("*",),
        default_virtual_service_export_to=texts(value("defaultVirtualServiceExportTo")) or ("*",),
        default_destination_rule_export_to=texts(value("defaultDestinationRuleExportTo")) or ("*",),
        outbound_traffic_policy=text(at(mesh_config, "outboundTrafficPolicy", "mode")) or "ALLOW_ANY",
        enable_auto_mtls=auto if isinstance(auto, bool) else True,
        discovery_selectors=sequence(value("discoverySelectors")),
        extension_providers=sequence(value("extensionProviders")),
        default_providers=mapping(value("defaultProviders")),
        ingress_controller_mode=text(value("ingressControllerMode")) or "STRICT",
        ingress_class=text(value("ingressClass")) or "istio",
        ingress_service=text(value("ingressService")) or "istio-ingressgateway",
        ingress_selector=text(value("ingressSelector")) or "ingressgateway",
        access_log_file=text(value("accessLogFile")) or "",
        access_log_format=text(value("accessLogFormat")) or "",
        access_log_encoding=text(value("accessLogEncoding")) or "TEXT",
        mesh_networks=networks or mapping(value("networks")),
        istio_version=istio_version,
        raw=mesh_config,
    )


def settings_from_objects(objects: Iterable[MeshObject]) -> MeshSettings:
    """Settings from the control plane's ConfigMaps and istiod's image.

    Of several revisions' ConfigMaps the default one's (`istio`, the shortest name) counts.
    """
    maps: list[MeshObject] = []
    domain: str | None = None
    version: tuple[int, int] | None = None
    for item in objects:
        if item.kind == "ConfigMap" and (item.name == "istio" or item.name.startswith("istio-")):
            if text(at(item.document, "data", "mesh")) is not None:
                maps.append(item)
            values = text(at(item.document, "data", "values")) if "sidecar-injector" in item.name else None
            domain = domain or text(at(_loaded(values), "global", "proxy", "clusterDomain"))
        elif item.kind in {"Deployment", "Pod"} and item.labels.get("app") == "istiod":
            version = max(filter(None, (version, _istiod_version(item))), default=None)
    if not maps:
        return MeshSettings(cluster_domain=domain or "cluster.local", istio_version=version)
    chosen = min(maps, key=lambda item: (len(item.name), item.name))
    data = mapping(chosen.document.get("data"))
    return settings_of(
        _loaded(text(data.get("mesh"))),
        control_plane_namespace=chosen.namespace or "istio-system",
        networks=mapping(_loaded(text(data.get("meshNetworks"))).get("networks")),
        cluster_domain=domain or "cluster.local",
        istio_version=version,
    )


def version_of_image(image: str) -> tuple[int, int] | None:
    """(major, minor) of an image's tag; null where the tag is no version."""
    found = _VERSION.search(image.rpartition("/")[2])
    return (int(found[1]), int(found[2])) if found else None


def _istiod_version(item: MeshObject) -> tuple[int, int] | None:
    spec = mapping(at(item.spec, "template", "spec")) or item.spec
    images = [text(at(container, "image")) or "" for container in sequence(spec.get("containers"))]
    return max(filter(None, map(version_of_image, images)), default=None)


def _loaded(value: str | None) -> Mapping[str, Json]:
    try:
        return mapping(yaml.safe_load(value)) if value else {}
    except yaml.YAMLError:
        return {}
