"""AuthorizationPolicies that select no workload, or name namespaces that do not exist.

**What.** A policy's selector picks no pod of the mesh in its scope (its namespace; all of them in the root
namespace), or a rule's source names a namespace that there is none of.

**Why it matters.** Such a policy protects nothing, or admits nobody, and says so nowhere.

**Evidence.** The selector, or the name.

**Fix.** Compare the selector with the pods' labels (`kubectl get pods --show-labels`), and the names with the
namespaces there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import in_mesh, is_captured, istio_code, selector_text
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, mapping, mappings, strings, texts
from analyzers.mesh.selectors import carries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_WORKLOAD: Final = istio_code(
    127, "Policy without a workload", "warning", "The policy's selector picks no pod in its scope.", "KIA0004"
)
NO_NAMESPACE: Final = Code(
    "ML1902",
    "Referenced namespace not found",
    "error",
    "A rule's source names a namespace that does not exist.",
    ("IST0101", "KIA0101"),
)


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every AuthorizationPolicy against pods and namespaces of its cluster."""
    for cluster in mesh.clusters:
        labels = _labels_by_namespace(mesh, cluster)
        names = [item.name for item in mesh.of_kind("Namespace", cluster=cluster)]
        root = mesh.settings(cluster).root_namespace
        for item in mesh.of_kind("AuthorizationPolicy", cluster=cluster):
            if rules.istio or not _has_target(item):
                yield from _selected(item, labels, root)
            yield from _namespaces(item, names)


def _has_target(item: MeshObject) -> bool:
    """A policy that is attached to a Gateway or Service selects no pods."""
    return "targetRef" in item.spec or "targetRefs" in item.spec


def _labels_by_namespace(mesh: Mesh, cluster: str) -> Mapping[str, list[Mapping[str, str]]]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for pod in mesh.of_kind("Pod", cluster=cluster):
        known = found.setdefault(pod.namespace, [])
        if in_mesh(mesh, pod, pod.labels, pod.annotations, init=True) or is_captured(pod):
            known.append(pod.labels)
    return found


def _selected(item: MeshObject, labels: Mapping[str, list[Mapping[str, str]]], root: str) -> Iterator[Finding]:
    selector = item.spec.get("selector")
    wanted = strings(mapping(selector).get("matchLabels"))
    here = labels.get(item.namespace, [])
    if item.namespace == root:
        everywhere = (found for known in labels.values() for found in known)
        missing = selector is not None and not _any(wanted, everywhere)
    elif selector is None:
        missing = not here
    else:
        missing = not _any(wanted, here)
    if missing:
        scope = "the mesh" if item.namespace == root else f"namespace {item.namespace}"
        picked = f"with {selector_text(wanted)} " if wanted else ""
        yield finding(NO_WORKLOAD, item, f"no pod {picked}is in {scope}", path="spec/selector")


def _any(wanted: Mapping[str, str], known: Iterable[Mapping[str, str]]) -> bool:
    return any(carries(labels, wanted) for labels in known)


def _namespaces(item: MeshObject, names: list[str]) -> Iterator[Finding]:
    for number, rule in mappings(item.spec.get("rules")):
        for place, source in mappings(rule.get("from")):
            for key in ("namespaces", "notNamespaces"):
                for position, pattern in enumerate(texts(at(source, "source", key))):
                    if not any(_matches(name, pattern) for name in names):
                        path = f"spec/rules[{number}]/from[{place}]/source/{key}[{position}]"
                        message = f"namespace {pattern} of a rule's source does not exist"
                        yield finding(NO_NAMESPACE, item, message, path=path)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name.lower() == pattern.lower()


ANALYZER: Final = configuration_analyzer(
    "policy_without_workload",
    kinds=("AuthorizationPolicy",),
    codes=(NO_WORKLOAD, NO_NAMESPACE),
    check=check,
    documentation=__doc__ or "",
)
