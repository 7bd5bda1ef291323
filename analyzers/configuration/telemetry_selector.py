"""Telemetry objects that select no pod or the same pod as another, or that name no provider.

**What.** A Telemetry's selector picks no pod of its namespace; two of them pick one pod; a namespace has more than one
without a selector; access logging is asked for without a provider, and the mesh has no default one.

**Why it matters.** Which of two objects counts is undefined; logging without a provider logs nothing.

**Evidence.** The selector, the pods, the other objects.

**Fix.** One Telemetry for each workload and one for a namespace; name a provider, or set `defaultProviders`.

Beyond Istio's check: objects that speak about different things (tracing here, metrics there) do not conflict, and
neither do those attached to a gateway or Service by `targetRefs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.common import is_finished, istio_code, selector_text
from analyzers.configuration.report import finding
from analyzers.configuration.workload_selectors import selections
from analyzers.framework.analyzer import Code
from analyzers.mesh.objects import at, mappings, sequence, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject

NO_POD: Final = Code("ML1910", "Telemetry without a workload", "error", "The selector picks no pod.", ("IST0101",))
CONFLICT: Final = istio_code(
    159, "Conflicting Telemetry", "error", "Two Telemetry objects select one pod: which one counts is undefined."
)
SEVERAL: Final = istio_code(
    160, "Several Telemetry objects for a namespace", "error", "More than one Telemetry of a namespace has no selector."
)
NO_PROVIDER: Final = istio_code(
    157, "Access logging without a provider", "warning", "Access logging names no provider, and there is no default."
)
_TOPICS: Final = ("accessLogging", "metrics", "tracing")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """All that is wrong with Telemetry objects."""
    yield from selected(mesh, rules)
    yield from whole_namespaces(mesh, rules)
    yield from providers(mesh, rules)


def selected(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Selectors that pick no pod, or a pod that another object picks."""
    found = selections(mesh, "Telemetry", _labels, is_alive=lambda pod: rules.istio or not is_finished(pod))
    for item, wanted in found.unselected:
        yield finding(NO_POD, item, f"selector {selector_text(wanted)} picks no pod", path="spec/selector")
    told: set[tuple[str, ...]] = set()
    for pod, items in found.by_pod:
        at_odds = _at_odds(items, rules)
        names = tuple(sorted(item.name for item in at_odds))
        key = (pod.cluster, pod.namespace, *names)
        if len(at_odds) < 2 or (not rules.istio and key in told):
            continue
        told.add(key)
        for item in at_odds:
            message = f"Telemetry objects {', '.join(names)} select pod {pod.name}"
            identity = (pod.name,) if rules.istio else names
            yield finding(CONFLICT, item, message, path="spec/selector", identity=identity)


def whole_namespaces(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Namespaces with more than one object without a selector."""
    for namespace in sorted({item.namespace for item in mesh.of_kind("Telemetry")}):
        for cluster in mesh.clusters:
            near = mesh.in_namespace("Telemetry", namespace, cluster=cluster)
            items = _at_odds([item for item in near if _is_whole(item, rules)], rules)
            if len(items) > 1:
                names = ", ".join(sorted(item.name for item in items))
                for item in items:
                    message = f"Telemetry objects {names} of namespace {namespace} have no selector"
                    yield finding(SEVERAL, item, message, path="metadata/name")


def providers(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Access logging without a provider where the mesh has no default one."""
    for item in mesh.of_kind("Telemetry"):
        settings = mesh.settings(item.cluster)
        if sequence(settings.default_providers.get("accessLogging")):
            continue
        # Beyond Istio's check: a log file in the MeshConfig is a default, too.
        if not rules.istio and settings.access_log_file:
            continue
        for position, logging in mappings(item.spec.get("accessLogging")):
            if logging.get("disabled") is not True and not sequence(logging.get("providers")):
                message = "access logging names no provider, and the mesh has no default one"
                yield finding(NO_PROVIDER, item, message, path=f"spec/accessLogging[{position}]/providers")


def _labels(item: MeshObject) -> Mapping[str, str]:
    return strings(at(item.spec, "selector", "matchLabels"))


def _is_whole(item: MeshObject, rules: Rules) -> bool:
    if rules.istio:
        return item.spec.get("selector") is None
    return not _labels(item) and "targetRef" not in item.spec and not item.spec.get("targetRefs")


def _at_odds(items: Sequence[MeshObject], rules: Rules) -> Sequence[MeshObject]:
    """Those of the objects that have a topic in common with another one."""
    if rules.istio:
        return items
    return [
        item
        for item in items
        if any(other is not item and any(key in item.spec and key in other.spec for key in _TOPICS) for other in items)
    ]


ANALYZER: Final = configuration_analyzer(
    "telemetry_selector",
    kinds=("Telemetry",),
    codes=(NO_POD, CONFLICT, SEVERAL, NO_PROVIDER),
    check=check,
    documentation=__doc__ or "",
)
