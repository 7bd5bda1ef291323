"""Objects and settings that differ between the clusters of a mesh.

**What.** One of Istio's objects that several clusters have under one namespace and name, with different specs; one
that a cluster lacks although it has the namespace and other clusters all have the object; mesh settings that must be
the same (trust domain, root namespace, auto-mTLS, outbound policy).

**Why it matters.** The same request is treated differently, depending on the cluster that it starts in: after a
failover nothing behaves as before.

**Evidence.** The clusters, the first place that differs and both values.

**Fix.** Apply one set of files to all clusters.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.kinds import ISTIO_GROUPS
from analyzers.mesh.objects import Json, mapping, sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

DIFFERS: Final = Code("ML3030", "Object differs between clusters", "warning", "The spec is not the same everywhere.")
MISSING: Final = Code("ML3031", "Object missing in a cluster", "info", "All other clusters have the object.")
SETTINGS: Final = Code("ML3032", "Mesh settings differ", "warning", "A setting of the mesh differs between clusters.")

_SETTINGS: Final = ("trust_domain", "root_namespace", "enable_auto_mtls", "outbound_traffic_policy")
_SHOWN: Final = 80


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every object of Istio's API that more than one cluster has, and the settings."""
    del rules
    if len(mesh.clusters) == 1:
        return
    namespaces = {(item.cluster, item.name) for item in mesh.of_kind("Namespace")}
    for kind in mesh.kinds:
        grouped: defaultdict[tuple[str, str], list[MeshObject]] = defaultdict(list)
        for item in mesh.of_kind(kind):
            if item.group in ISTIO_GROUPS:
                grouped[item.namespace, item.name].append(item)
        for items in grouped.values():
            if len(items) > 1:
                yield from _differing(items)
                yield from _missing(mesh, items, namespaces)
    yield from _settings(mesh)


def _differing(items: list[MeshObject]) -> Iterator[Finding]:
    written = {id(item): json.dumps(item.spec, sort_keys=True, default=str) for item in items}
    usual = Counter(written.values()).most_common(1)[0][0]
    model = next(item for item in items if written[id(item)] == usual)
    for item in items:
        if written[id(item)] != usual:
            path, own, other = _first_difference(item.spec, model.spec, "spec")
            message = f"{path} is {own} in cluster {item.cluster}, and {other} in {model.cluster}"
            yield finding(DIFFERS, item, message, path=path, evidence={"compared_with": model.cluster})


def _first_difference(one: Json, other: Json, path: str) -> tuple[str, str, str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{path}/{key}")
    left, right = sequence(one), sequence(other)
    if left and len(left) == len(right):
        for position, (mine, theirs) in enumerate(zip(left, right, strict=True)):
            if mine != theirs:
                return _first_difference(mine, theirs, f"{path}[{position}]")
    return path, _shown(one), _shown(other)


def _shown(value: Json) -> str:
    written = "not set" if value is None else json.dumps(value, default=str)
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}..."


def _missing(mesh: Mesh, items: list[MeshObject], namespaces: set[tuple[str, str]]) -> Iterator[Finding]:
    lacking = sorted(set(mesh.clusters) - {item.cluster for item in items})
    if len(lacking) == 1 and (lacking[0], items[0].namespace) in namespaces:
        message = f"cluster {lacking[0]} has the namespace, and not this object"
        yield finding(MISSING, items[0], message, evidence={"missing_in": lacking[0]}, identity=(lacking[0],))


def _settings(mesh: Mesh) -> Iterator[Finding]:
    model = mesh.settings(mesh.clusters[0])
    for cluster in mesh.clusters[1:]:
        own = mesh.settings(cluster)
        item = mesh.get("ConfigMap", own.control_plane_namespace, "istio", cluster=cluster)
        for name in _SETTINGS if item is not None and mapping(own.raw) and mapping(model.raw) else ():
            mine, theirs = getattr(own, name), getattr(model, name)
            if item is not None and mine != theirs:
                message = f"{name} is {mine} in cluster {cluster}, and {theirs} in {mesh.clusters[0]}"
                yield finding(SETTINGS, item, message, path="data/mesh", identity=(name,))


ANALYZER: Final = configuration_analyzer(
    "cluster_drift",
    kinds=("DestinationRule", "VirtualService", "AuthorizationPolicy", "PeerAuthentication", "ConfigMap"),
    codes=(DIFFERS, MISSING, SETTINGS),
    check=check,
    documentation=__doc__ or "",
)
