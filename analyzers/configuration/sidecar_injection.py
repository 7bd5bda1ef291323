"""Namespaces and pods outside the mesh, or in it by accident.

**What.** A namespace without any injection label; one that is injected only because the installation injects
everywhere; labels that contradict each other; a pod without a proxy in a namespace that injects.

**Why it matters.** A pod without its proxy has no mTLS, no policy and no telemetry, and nothing says so.

**Evidence.** The labels; the pod.

**Fix.** Label the namespace (`istio-injection=enabled`, `istio.io/rev`, or `istio.io/dataplane-mode=ambient`: one of
them), and restart pods that were made before (`kubectl rollout restart`).

Beyond Istio's check: pods of namespaces with a revision label, pods that ended, and native sidecars are judged
rightly.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import (
    DATAPLANE_LABEL,
    INJECT_KEY,
    INJECTION_LABEL,
    REVISION_LABEL,
    injector_name,
    is_finished,
    istio_code,
    proxy_image,
)
from analyzers.configuration.report import finding
from analyzers.mesh.objects import at, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NOT_INJECTED: Final = istio_code(
    102, "Namespace not injected", "info", "A namespace has no injection label: its pods stay outside the mesh."
)
NO_PROXY: Final = istio_code(
    103, "Pod without a proxy", "warning", "A pod of an injected namespace has no proxy.", "KIA0006"
)
SEVERAL_LABELS: Final = istio_code(
    123, "Contradicting injection labels", "warning", "A namespace's labels ask for more than one way into the mesh."
)
BY_DEFAULT: Final = istio_code(
    148, "Namespace injected by default", "info", "The installation injects every namespace that does not refuse."
)

_CONTROL_PLANE: Final = "istio-system"


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every namespace, then every pod of those that inject."""
    for cluster in mesh.clusters:
        injected: set[str] = set()
        yield from _namespaces(mesh, cluster, rules, injected)
        for pod in mesh.of_kind("Pod", cluster=cluster):
            if pod.namespace in injected and _lacks_proxy(pod, rules):
                message = "has no proxy although its namespace injects one; it was probably made before"
                yield finding(NO_PROXY, pod, message)


def _namespaces(mesh: Mesh, cluster: str, rules: Rules, injected: set[str]) -> Iterator[Finding]:
    """What is wrong with namespaces; adds those that inject to `injected`."""
    by_default = False
    for item in mesh.of_kind("Namespace", cluster=cluster):
        if item.name == _CONTROL_PLANE:
            continue
        if len(_labels(item)) > 1:
            message = f"{' and '.join(_labels(item))} contradict each other"
            yield finding(SEVERAL_LABELS, item, message, path="metadata/labels")
        if item.labels.get(DATAPLANE_LABEL) == "ambient":
            continue
        by_default = _by_default(mesh, cluster, item.labels.get(REVISION_LABEL, ""), by_default)
        if not item.labels.get(INJECTION_LABEL) and REVISION_LABEL not in item.labels:
            yield _unlabelled(item, by_default=by_default)
            if by_default and not rules.istio:
                injected.add(item.name)
        elif _injects(item, rules):
            injected.add(item.name)


def _labels(item: MeshObject) -> list[str]:
    injection = item.labels.get(INJECTION_LABEL)
    found = [f"{INJECTION_LABEL}={injection}"] if injection is not None else []
    if injection in {None, "enabled"}:
        found += [f"{key}={item.labels[key]}" for key in (REVISION_LABEL, DATAPLANE_LABEL) if key in item.labels]
    return found


def _unlabelled(item: MeshObject, *, by_default: bool) -> Finding:
    if by_default:
        return finding(BY_DEFAULT, item, "is injected although it has no label for it", path="metadata/labels")
    message = f"has no injection label; kubectl label namespace {item.name} istio-injection=enabled"
    return finding(NOT_INJECTED, item, message, path="metadata/labels")


def _injects(item: MeshObject, rules: Rules) -> bool:
    injection = item.labels.get(INJECTION_LABEL)
    # Istio's check overlooks namespaces with a revision label alone.
    return injection == "enabled" or (not rules.istio and not injection and bool(item.labels.get(REVISION_LABEL)))


def _by_default(mesh: Mesh, cluster: str, revision: str, known: bool) -> bool:  # noqa: FBT001 - the value so far
    """Whether the injector of this revision takes every namespace; `known` where there is no such injector."""
    for item in mesh.of_kind("ConfigMap", cluster=cluster):
        if item.name == injector_name(revision):
            try:
                values = json.loads(text(at(item.document, "data", "values")) or "{}")
            except ValueError:
                return False
            return at(values, "sidecarInjectorWebhook", "enableNamespacesByDefault") is True
    return known


def _lacks_proxy(pod: MeshObject, rules: Rules) -> bool:
    asked = pod.labels.get(INJECT_KEY, pod.annotations.get(INJECT_KEY, ""))
    if asked.lower() == "false" or pod.spec.get("hostNetwork") is True:
        return False
    if not rules.istio and is_finished(pod):
        return False
    return proxy_image(pod.spec, init=True) is None


ANALYZER: Final = configuration_analyzer(
    "sidecar_injection",
    kinds=("Namespace",),
    codes=(NOT_INJECTED, NO_PROXY, SEVERAL_LABELS, BY_DEFAULT),
    check=check,
    documentation=__doc__ or "",
)
