"""Which pods one Sidecar is for: those that share the narrowest selector without a version label.

A selector is made of the labels that name a workload, never of one that tells its versions apart, so that the next
version is covered before it exists. Controllers whose selectors take in each other's pods share one Sidecar.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from analyzers.scoping.model import Excluded, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipelines.lake.session import Session

#: Labels that name a workload; the first two both count where both are there, the others where neither is.
NAME_LABELS: Final = ("app.kubernetes.io/name", "app")
FALLBACK_NAME_LABELS: Final = ("service.istio.io/canonical-name", "k8s-app", "name")
#: Labels that tell workloads of one name apart.
DISCRIMINATING_LABELS: Final = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "component",
    "tier",
    "role",
    "release",
)
#: Labels that tell versions of one workload apart.
VERSION_LABELS: Final = ("version", "app.kubernetes.io/version", "service.istio.io/canonical-revision")

Labels = tuple[tuple[str, str], ...]

#: What a Sidecar has no effect on, and the warning where one is meant for it.
_NEVER_SCOPED: Final = {
    "gateway": ("GATEWAY_IGNORED",),
    "waypoint": ("GATEWAY_IGNORED",),
    "ambient": ("AMBIENT",),
}

_NO_NAME: Final = re.compile(r"[^a-z0-9.-]")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the inventory has it; `ended_at` is null while it lives."""

    namespace: str
    name: str
    controller: str
    controller_kind: str
    labels: Mapping[str, str]
    has_sidecar: bool = True
    is_gateway: bool = False
    is_ambient: bool = False
    is_crashing: bool = False
    revision: str | None = None
    istio_version: tuple[int, int] | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    service_account: str | None = None
    proxy_config: str | None = None
    is_waypoint: bool = False
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """The pods of one selector. `name` is what the Sidecar would be called."""

    namespace: str
    name: str
    selector: Mapping[str, str]
    pods: tuple[Pod, ...]
    reasons: tuple[Reason, ...] = field(default=())
    controllers: tuple[str, ...] = ()

    @property
    def living(self) -> tuple[Pod, ...]:
        """The pods that still exist."""
        return tuple(pod for pod in self.pods if pod.ended_at is None)

    @property
    def label_sets(self) -> tuple[Mapping[str, str], ...]:
        """The different label sets of its pods, those of pods that ended too."""
        return tuple({tuple(sorted(pod.labels.items())): pod.labels for pod in self.pods}.values())

    @property
    def newest_version(self) -> tuple[int, int] | None:
        """The newest version among its proxies, which differs from the oldest while they are upgraded."""
        return max((pod.istio_version for pod in self.living if pod.istio_version), default=None)

    @property
    def istio_version(self) -> tuple[int, int] | None:
        """The oldest version among its proxies; null where none says."""
        return min((pod.istio_version for pod in self.living if pod.istio_version), default=None)


def read_pods(session: Session) -> list[Pod]:
    """Every pod of the inventory."""
    return [_pod(row) for row in session.query("scoping_pods").to_pylist()]


def read_workloads(session: Session) -> tuple[tuple[Workload, ...], tuple[Excluded, ...]]:
    """The workloads that can have a Sidecar, sorted by namespace and name, and the others with the reason."""
    pods = read_pods(session)
    workloads = grouped(pod for pod in pods if pod.has_sidecar and not pod.is_gateway)
    selectors: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
    for workload in workloads:
        selectors[workload.namespace].append(workload.selector)
    idle = [
        _without_pods(row)
        for row in session.query("scoping_controllers").to_pylist()
        # Where its pods would fall under a selector that is there already, it is one more version of that workload.
        if not any(found.items() <= _labels(row["labels"]).items() for found in selectors[row["namespace"]] if found)
    ]
    workloads = tuple(_with_mode(workload, pods) for workload in workloads)
    both = sorted((*workloads, *idle), key=lambda workload: (workload.namespace, workload.name))
    return tuple(both), tuple(_excluded(pods))


def grouped(pods: Iterable[Pod]) -> tuple[Workload, ...]:
    """Pods with a sidecar, grouped by selector; selectors that overlap are united under the wider one."""
    by_namespace: defaultdict[str, dict[Labels, list[Pod]]] = defaultdict(dict)
    for pod in pods:
        by_namespace[pod.namespace].setdefault(selector_of(pod.labels), []).append(pod)
    workloads: list[Workload] = []
    for namespace, groups in sorted(by_namespace.items()):
        workloads.extend(_named(namespace, _united(groups)))
    return tuple(workloads)


def selector_of(labels: Mapping[str, str]) -> Labels:
    """The labels that name a pod's workload; empty where none does."""
    names = [key for key in NAME_LABELS if labels.get(key)]
    if not names:
        names = [key for key in FALLBACK_NAME_LABELS if labels.get(key)][:1]
    if not names:
        return ()
    return tuple(
        (key, labels[key]) for key in sorted((*names, *(key for key in DISCRIMINATING_LABELS if labels.get(key))))
    )


def _united(groups: Mapping[Labels, list[Pod]]) -> Iterator[tuple[Labels, list[Pod], bool]]:
    """Each selector with the pods of every selector that it takes in; those that match the most come first.

    The last member says whether the selector also matches pods that went to another one: it then stands for nobody.
    """
    carriers: defaultdict[tuple[str, str], set[Labels]] = defaultdict(set)
    for selector, pods in groups.items():
        for pod in pods:
            for pair in pod.labels.items():
                carriers[pair].add(selector)
    inside: dict[Labels, list[Labels]] = {}
    for selector in groups:
        near = set.intersection(*(carriers[pair] for pair in selector)) if selector else {selector}
        wanted = set(selector)
        inside[selector] = sorted(
            other for other in near if any(wanted <= pod.labels.items() for pod in groups[other]) or other == selector
        )
    left = dict(groups)
    for selector in sorted(groups, key=lambda labels: (-len(inside[labels]), len(labels), labels)):
        if selector in left:
            taken = any(other not in left for other in inside[selector])
            yield selector, [pod for other in inside[selector] for pod in left.pop(other, [])], taken


def _named(namespace: str, groups: Iterable[tuple[Labels, list[Pod], bool]]) -> Iterator[Workload]:
    taken: set[str] = set()
    for selector, pods, is_ambiguous in groups:
        if not selector:
            yield from _unselectable(namespace, pods)
            continue
        chosen = dict(selector)
        name = next(name for name in _names(chosen) if name not in taken)
        taken.add(name)
        controllers = tuple(sorted({pod.controller for pod in pods}))
        yield Workload(
            namespace,
            name,
            chosen,
            tuple(pods),
            tuple(_ambiguous(chosen) if is_ambiguous else _overlap(chosen, pods)),
            controllers,
        )


def _workload_name(selector: Mapping[str, str]) -> str:
    return next(selector[key] for key in ("app", *NAME_LABELS, *FALLBACK_NAME_LABELS) if key in selector)


def _names(selector: Mapping[str, str]) -> Iterator[str]:
    """Object names for a selector, the plainest first; without end."""
    plain = _workload_name(selector)
    others = [value for key, value in sorted(selector.items()) if value != plain]
    for name in (plain, "-".join((plain, *others))):
        yield object_name(name)
    for number in itertools.count(2):
        yield object_name(f"{plain}-{number}")


def object_name(text: str) -> str:
    """`text` as a Kubernetes object may be called."""
    return _NO_NAME.sub("-", text.lower())[:253].strip("-.")


def _overlap(selector: Mapping[str, str], pods: Sequence[Pod]) -> Iterator[Reason]:
    """A reason to look where one selector covers controllers that are not just versions of one another."""
    versions: defaultdict[tuple[str, str], set[str | None]] = defaultdict(set)
    for pod in pods:
        if pod.ended_at is None:
            versions[pod.controller_kind, pod.controller].add(_version(pod.labels))
    distinct = {version for found in versions.values() for version in found}
    are_versions = None not in distinct and sum(map(len, versions.values())) == len(distinct)
    if len(versions) > 1 and not (are_versions and len({kind for kind, _ in versions}) == 1):
        listed = ", ".join(f"{kind} {name}" for kind, name in sorted(versions))
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        yield Reason(
            "EMIT_REVIEW",
            f"{listed} all carry {wanted} and nothing else that tells them apart: one Sidecar must hold the hosts of"
            " all; a label of its own on each would allow one for each",
            "SELECTOR_OVERLAP",
        )


def _ambiguous(selector: Mapping[str, str]) -> Iterator[Reason]:
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    message = f"{wanted} also matches pods of another workload: give these pods a label of their own"
    yield Reason("ABSTAIN", message, "SELECTOR_OVERLAP")


def _version(labels: Mapping[str, str]) -> str | None:
    return next((labels[key] for key in VERSION_LABELS if labels.get(key)), None)


def _unselectable(namespace: str, pods: Iterable[Pod]) -> Iterator[Workload]:
    by_controller: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        by_controller[pod.controller].append(pod)
    for controller, owned in sorted(by_controller.items()):
        reason = Reason(
            "ABSTAIN",
            f"no label names this workload (one of {', '.join((*NAME_LABELS, *FALLBACK_NAME_LABELS))}):"
            " a Sidecar cannot select its pods",
        )
        yield Workload(namespace, controller, {}, tuple(owned), (reason,), (controller,))


def _without_pods(row: Mapping[str, object]) -> Workload:
    labels = _labels(row["labels"])
    chosen = dict(selector_of(labels))
    reason = Reason("ABSTAIN", f"{row['workload_kind']} {row['workload']} has no pod to observe", "NO_OBSERVATION")
    name = object_name(_workload_name(chosen) if chosen else str(row["workload"]))
    return Workload(str(row["namespace"]), name, chosen, (), (reason,), (str(row["workload"]),))


def _excluded(pods: Iterable[Pod]) -> Iterator[Excluded]:
    found: defaultdict[tuple[str, str, str], list[Pod]] = defaultdict(list)
    for pod in pods:
        if pod.ended_at is not None or (pod.has_sidecar and not pod.is_gateway):
            continue
        kind = "waypoint" if pod.is_waypoint else "gateway" if pod.is_gateway else "ambient" if pod.is_ambient else ""
        found[pod.namespace, pod.controller, kind].append(pod)
    for (namespace, controller, kind), owned in sorted(found.items()):
        yield Excluded(
            namespace=namespace,
            workload=controller,
            pods=len(owned),
            because=kind or "no sidecar",
            warnings=_NEVER_SCOPED.get(kind, ()),
            label_sets=tuple({tuple(sorted(pod.labels.items())): pod.labels for pod in owned}.values()),
        )


def _with_mode(workload: Workload, pods: Iterable[Pod]) -> Workload:
    """With a warning where some of its pods have left, or will leave, their sidecars for ambient mode."""
    near = [pod for pod in pods if pod.namespace == workload.namespace and pod.is_ambient and pod.ended_at is None]
    if not near:
        return workload
    without = {pod.controller for pod in near if not pod.has_sidecar} & set(workload.controllers)
    if without:
        message = f"pods of {', '.join(sorted(without))} without a sidecar are in ambient mode, where no Sidecar counts"
    elif any(pod.has_sidecar and pod in near for pod in workload.living):
        message = "its namespace is in ambient mode: pods that come back without a sidecar are beyond any Sidecar"
    else:
        return workload
    return replace(workload, reasons=(*workload.reasons, Reason("EMIT_REVIEW", message, "AMBIENT")))


def _labels(entries: object) -> dict[str, str]:
    return {entry["key"]: entry["value"] or "" for entry in entries} if isinstance(entries, list) else {}


def _pod(row: dict[str, object]) -> Pod:
    known = {
        key: row[key] for key in ("has_sidecar", "is_gateway", "is_ambient", "is_crashing", "created_at", "ended_at")
    }
    pod = Pod(
        namespace=str(row["namespace"]),
        name=str(row["pod"]),
        controller=str(row["workload"]),
        controller_kind=str(row["workload_kind"]),
        labels=_labels(row["labels"]),
    )
    major, _, minor = str(row["istio_version"] or "").partition(".")
    version = (int(major), int(minor)) if major and minor else None
    revision = row["revision"]
    known |= {"service_account": row["service_account"], "proxy_config": row["proxy_config"]}
    known |= {"is_waypoint": bool(row["is_waypoint"]), "cluster": row["cluster"] or ""}
    return replace(pod, **known, istio_version=version, revision=str(revision) if revision else None)  # type: ignore[arg-type]  # columns of scoping_pods have these types
