"""What istiod says of a DestinationRule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.configuration.validation.destinations import subset_name
from analyzers.configuration.validation.problems import Problem, at, refusals
from analyzers.configuration.validation.shared import elements, export_to, label_problems, match_labels
from analyzers.configuration.validation.traffic_policy import traffic_policy
from analyzers.configuration.validation.values import wildcard_domain
from analyzers.mesh.objects import mapping, text

if TYPE_CHECKING:
    from analyzers.configuration.validation.problems import Problems
    from analyzers.mesh.objects import Json, MeshObject


def destination_rule(item: MeshObject) -> Problems:
    """Every problem of a DestinationRule. What istiod warns of inside a subset it drops."""
    yield from at("spec/host", wildcard_domain(text(item.spec.get("host")) or ""))
    yield from traffic_policy("spec/trafficPolicy", item.spec.get("trafficPolicy"), item.namespace)
    known: set[str] = set()
    for position, subset in enumerate(elements(item.spec.get("subsets"))):
        path = f"spec/subsets[{position}]"
        if subset is None:
            yield Problem(path, "a subset may not be null")
            continue
        name = text(mapping(subset).get("name")) or ""
        if name in known:
            yield Problem(f"{path}/name", f"subset {name} is defined twice")
        known.add(name)
        yield from refusals(_subset(path, name, subset, item.namespace))
    selector = item.spec.get("workloadSelector")
    yield from export_to(item, has_selector=selector is not None)
    yield from match_labels(selector)


def _subset(path: str, name: str, subset: Json, namespace: str) -> Problems:
    yield from at(f"{path}/name", subset_name(name))
    yield from label_problems(f"{path}/labels", mapping(subset).get("labels"))
    yield from traffic_policy(f"{path}/trafficPolicy", mapping(subset).get("trafficPolicy"), namespace)
