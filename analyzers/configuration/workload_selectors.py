"""Which pods the objects of a kind select, and which of those objects select the same pod or none."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzers.mesh.selectors import LabelIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import MeshObject


@dataclass(frozen=True, slots=True)
class Selections:
    """What the objects of a kind select in their own namespaces.

    `unselected` have a selector that picks no pod; `by_pod` holds every selected pod with those that select it;
    `whole` are those without a selector, by cluster and namespace.
    """

    unselected: list[tuple[MeshObject, Mapping[str, str]]] = field(default_factory=list)
    by_pod: list[tuple[MeshObject, list[MeshObject]]] = field(default_factory=list)
    whole: dict[tuple[str, str], list[MeshObject]] = field(default_factory=dict)


def selections(
    mesh: Mesh,
    kind: str,
    labels_of: Callable[[MeshObject], Mapping[str, str]],
    *,
    is_alive: Callable[[MeshObject], bool],
) -> Selections:
    """What the objects of `kind` select, by the labels that `labels_of` reads from them, among the pods `is_alive`."""
    found = Selections()
    indices: dict[tuple[str, str], LabelIndex[MeshObject]] = {}
    by_pod: defaultdict[str, list[MeshObject]] = defaultdict(list)
    pods: dict[str, MeshObject] = {}
    for item in mesh.of_kind(kind):
        place = (item.cluster, item.namespace)
        wanted = labels_of(item)
        if not wanted:
            found.whole.setdefault(place, []).append(item)
            continue
        if place not in indices:
            near = mesh.in_namespace("Pod", item.namespace, cluster=item.cluster)
            indices[place] = LabelIndex(filter(is_alive, near), lambda pod: pod.labels)
        picked = indices[place].carrying(wanted)
        if not picked:
            found.unselected.append((item, wanted))
        for pod in picked:
            key = f"{pod.cluster}/{pod.identity}"
            pods[key] = pod
            by_pod[key].append(item)
    found.by_pod.extend((pods[key], items) for key, items in by_pod.items())
    return found
