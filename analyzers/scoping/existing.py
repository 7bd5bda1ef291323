"""Sidecars that exist already: which one rules a workload, which would clash with a new one, and how to patch one.

Precedence (`pilot/pkg/model/push_context.go`, initSidecarScopes): those with a selector (an empty one counts and
matches every pod) by age, then those without, by age, then the root namespace's without a selector. First match wins;
nothing is merged. A Sidecar with `istio.io/rev` exists for that revision alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from analyzers.scoping.configuration import items, mapping, texts
from analyzers.scoping.model import Reason
from analyzers.scoping.names import imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.scoping.configuration import Configuration, MeshObject
    from analyzers.scoping.model import Excluded
    from analyzers.scoping.workloads import Workload

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "meshlens"
REVISION: Final = "istio.io/rev"
_YOUNGEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """What exists for one workload. `ruling` decides its scope now (null: everything is imported).

    `own` is ours with the same selector, to be written anew; `clashing` match its pods with a selector of their own
    (the oldest first), `shadowing` those with an empty one; `parent` is the one whose fields a new Sidecar would lose;
    `rules_by_root`: the ruling one is the mesh's default.
    """

    ruling: MeshObject | None = None
    own: MeshObject | None = None
    clashing: tuple[MeshObject, ...] = ()
    shadowing: tuple[MeshObject, ...] = ()
    parent: MeshObject | None = None
    rules_by_root: bool = False


def standing(configuration: Configuration, workload: Workload) -> Standing:
    """The Sidecars that matter to a workload."""
    here = _by_age(configuration, workload, workload.namespace)
    matching = [item for item in here if item.selector is not None and _matches(item, workload)]
    default = [item for item in here if item.selector is None]
    root = _by_age(configuration, workload, configuration.root_namespace)
    parents = [*default, *(item for item in root if item.selector is None)]
    own = next((item for item in matching if is_ours(item) and item.selector == dict(workload.selector)), None)
    ruling = next(iter([*matching, *parents]), None)
    return Standing(
        ruling=ruling,
        own=own,
        clashing=tuple(item for item in matching if item.selector and item is not own),
        shadowing=tuple(item for item in matching if not item.selector),
        parent=next(iter(parents), None),
        rules_by_root=ruling is not None and ruling.namespace != workload.namespace,
    )


def is_ours(sidecar: MeshObject) -> bool:
    """Whether Meshlens wrote it."""
    return sidecar.labels.get(MANAGED_BY) == MANAGER


def hosts_of(sidecar: MeshObject) -> tuple[str, ...]:
    """The hosts of every egress listener; without `egress` istiod imports everything."""
    listeners = [mapping(listener) for listener in items(sidecar.spec.get("egress"))]
    return tuple(host for listener in listeners for host in texts(listener.get("hosts"))) if listeners else ("*/*",)


def ignored_by(configuration: Configuration, excluded: Excluded, *, alone: bool) -> tuple[MeshObject, ...]:
    """The Sidecars that are meant for pods which no Sidecar has an effect on: gateways, waypoints, ambient pods.

    One without a selector is meant for them where they are `alone` in their namespace.
    """
    return tuple(
        item
        for item in configuration.of("Sidecar")
        if item.namespace == excluded.namespace
        and (
            (item.selector and any(item.selects(labels) for labels in excluded.label_sets))
            or (not item.selector and alone and item.namespace != configuration.root_namespace)
        )
    )


def carried(parent: MeshObject | None) -> Mapping[str, object]:
    """The fields that a workload's Sidecar must repeat, since it never inherits from the namespace's or the mesh's."""
    if parent is None:
        return {}
    return {key: parent.spec[key] for key in sorted(parent.spec) if key not in {"egress", "workloadSelector"}}


def hazards(sidecar: MeshObject) -> Iterator[Reason]:
    """What is wrong with a Sidecar by itself."""
    name = f"Sidecar {sidecar.namespace}/{sidecar.name}"
    if not items(sidecar.spec.get("egress")):
        message = f"{name} has no egress: istiod imports everything (`*/*`), although the API text says it inherits"
        yield Reason("EMIT_REVIEW", message, "EGRESS_OMITTED")
    if sidecar.selector is not None and not sidecar.selector:
        message = f"{name} has an empty workloadSelector: it matches every pod, and by age wins over those with labels"
        yield Reason("EMIT_REVIEW", message, "EMPTY_SELECTOR")
    hosts = hosts_of(sidecar)
    excluded = [host for host in hosts if host.startswith("~")]
    if excluded and len(excluded) < len(hosts):
        message = (
            f"{name} mixes {', '.join(excluded)} with imports: releases before July 2026 ignore or refuse it,"
            " later ones exclude what it names, `~/*` everything"
        )
        yield Reason("EMIT_REVIEW", message, "TILDE_MIX")


def patched_egress(sidecar: MeshObject, wanted: Iterable[str]) -> tuple[list[object], tuple[str, ...]]:
    """The whole `egress` of an existing Sidecar with the missing hosts added to its listener without a port, and those
    hosts. Hosts that people wrote stay. Without `egress` the list is new.
    """
    listeners: list[object] = list(items(sidecar.spec.get("egress")))
    present = hosts_of(sidecar) if listeners else ()
    missing = tuple(host for host in wanted if not _imported(present, host, sidecar.namespace))
    if missing or not listeners:
        last = mapping(listeners[-1]) if listeners else {}
        if listeners and "port" not in last:
            kept = [host for host in texts(last.get("hosts")) if host not in {"~", "~/*"}]  # would undo every import
            listeners[-1] = {**last, "hosts": sorted({*kept, *missing})}
        else:
            listeners.append({"hosts": sorted(missing)})  # one without a port must be the last
    return listeners, missing


def _imported(present: tuple[str, ...], entry: str, own_namespace: str) -> bool:
    namespace, _, host = entry.partition("/")
    return imports(present, namespace, host, own_namespace)


def _by_age(configuration: Configuration, workload: Workload, namespace: str) -> list[MeshObject]:
    found = [
        item
        for item in configuration.of("Sidecar")
        if item.namespace == namespace and _same_revision(configuration, item, workload)
    ]
    return sorted(found, key=lambda item: (item.created_at or _YOUNGEST, item.name))


def _matches(sidecar: MeshObject, workload: Workload) -> bool:
    return any(sidecar.selects(labels) for labels in workload.label_sets)


def _same_revision(configuration: Configuration, sidecar: MeshObject, workload: Workload) -> bool:
    revision = sidecar.labels.get(REVISION)
    if revision is None:
        return True
    namespace = configuration.namespace_labels.get(workload.namespace, {}).get(REVISION)
    return any((pod.revision or namespace or "default") == revision for pod in workload.living)
