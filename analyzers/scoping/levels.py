"""Sidecars of whole namespaces and of the mesh.

A Sidecar without a selector is for every pod of its namespace that no other one selects; in the root namespace it is
for every namespace without one. The coarser level is preferred where the finer one saves little more, or where too
little is known of single workloads; the mesh's default comes last, when all that needs more has a Sidecar of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from analyzers.scoping import manifest as manifests
from analyzers.scoping.benefit import Loads, benefit
from analyzers.scoping.existing import carried, hosts_of, is_ours, patched_egress
from analyzers.scoping.model import Reason, worst
from analyzers.scoping.names import NOTHING, normalised, split
from analyzers.scoping.outcomes import Conditions, outbound_mode
from analyzers.scoping.proposal import Observed, Proposal
from analyzers.scoping.replay import in_force, replay_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from analyzers.scoping.assessment import Assessment
    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Benefit, Excluded, ProxyLoad

#: A namespace's Sidecar is preferred where it saves at least this share of what its workloads' Sidecars would.
ENOUGH: Final = 0.9
#: ... or where a proxy would not be spared more than this by them.
LITTLE_BYTES: Final = 1_000_000
#: Warnings that say that single workloads are not known well: the pooled evidence of a namespace misses less.
_UNSURE: Final = frozenset({"LOW_COVERAGE", "RARE_DEP"})
_EVERYTHING: Final = ("*/*",)
_OWN: Final = "./*"


def namespace_sidecars(
    mesh: Mesh, assessed: Sequence[Assessment], excluded: Sequence[Excluded], loads: Loads
) -> Iterator[Proposal]:
    """One Sidecar for each namespace with workloads, from what all of them need; sorted by namespace."""
    members: defaultdict[str, list[Assessment]] = defaultdict(list)
    for item in assessed:
        members[item.workload.namespace].append(item)
    for namespace, found in sorted(members.items()):
        if namespace != mesh.configuration.root_namespace:
            gateways = [item.workload for item in excluded if item.namespace == namespace and item.warnings]
            yield _of_namespace(mesh, namespace, found, gateways, loads)


def root_sidecar(mesh: Mesh, assessed: Sequence[Assessment], loads: Loads) -> Proposal:
    """The mesh's default: a namespace's own services and BASE, once everything else has a Sidecar of its own."""
    root = mesh.configuration.root_namespace
    present = _selectorless(mesh, root)
    hosts = normalised((_OWN, *(host for item in assessed for host in item.base)))
    falling = [item for item in assessed if item.standing.ruling is None or item.standing.rules_by_root]
    needs = tuple(
        sorted(f"{item.workload.namespace}/{item.workload.name}" for item in _exceptions(mesh, falling, hosts))
    )
    reasons = [
        Reason("EMIT_REVIEW", f"for every namespace without a Sidecar: {len(falling)} workloads now", "ROOT_WIDE"),
    ]
    if needs:
        message = f"first these need a Sidecar of their own in force: {', '.join(needs)}"
        reasons.append(Reason("ABSTAIN", message, "ROOT_WIDE"))
    plan = _Plan(root, "Mesh", "RootSidecar", hosts, tuple(falling), present, tuple(reasons))
    return replace(_written(mesh, plan, loads), needs=needs)


def _exceptions(mesh: Mesh, falling: Iterable[Assessment], hosts: tuple[str, ...]) -> Iterator[Assessment]:
    """Workloads that the default would break, and those of which too little is known to say."""
    for item in falling:
        namespace = item.workload.namespace
        conditions = Conditions(outbound_mode(mesh.configuration.mesh, None))
        calls = in_force(mesh, namespace, item.observed.calls, hosts, conditions)
        missing = [entry for entry in item.needed if split(entry)[0] != namespace and not _covered(hosts, entry)]
        if worst(item.reasons) == "ABSTAIN" or calls.calls_out_of_scope or missing:
            yield item


def _covered(hosts: Iterable[str], entry: str) -> bool:
    namespace, host = split(entry)
    return any(split(wanted) in {(namespace, host), (namespace, "*")} for wanted in hosts)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A Sidecar without a selector before it is written."""

    namespace: str
    target: str
    kind: str
    hosts: tuple[str, ...]
    members: tuple[Assessment, ...]
    present: MeshObject | None
    reasons: tuple[Reason, ...]


def _of_namespace(
    mesh: Mesh, namespace: str, members: Sequence[Assessment], gateways: Sequence[str], loads: Loads
) -> Proposal:
    # Those with a selector Sidecar of their own in force do not fall under it.
    falling = [item for item in members if not _has_own(item)]
    needed = normalised(host for item in falling for host in (*item.needed, *item.base)) or (NOTHING,)
    reasons = list(_pooled(falling))
    if not falling:
        reasons.append(Reason("ABSTAIN", "every workload here has a Sidecar of its own in force"))
    if gateways:
        reasons.append(Reason("EMIT", f"{', '.join(sorted(set(gateways)))} will ignore it", "GATEWAY_IGNORED"))
    present = _selectorless(mesh, namespace)
    plan = _Plan(namespace, "Namespace", "NamespaceSidecar", needed, tuple(falling), present, tuple(reasons))
    found = _written(mesh, plan, loads)
    finer = sum(loads.of(namespace, item.hosts).memory_bytes * len(item.workload.living) for item in falling)
    return _preferred(found, falling, finer)


def _preferred(found: Proposal, members: Sequence[Assessment], finer_bytes: int) -> Proposal:
    """Whether this level will do, and why."""
    if found.benefit is None:
        return found
    proxies = found.benefit.proxies
    before, after = (load.memory_bytes * proxies for load in (found.benefit.before, found.benefit.after))
    more = max(after - finer_bytes, 0)
    is_enough = before - after >= ENOUGH * (before - finer_bytes) or more <= LITTLE_BYTES * proxies
    unsure = any(reason.code in _UNSURE for item in members for reason in item.reasons)
    message = f"Sidecars for single workloads would save {more / 1e6:.1f} MB more over {proxies} proxies"
    if unsure:
        message += "; of some too little is known for that"
    reasons = (*found.reasons, Reason("EMIT", message))
    return replace(found, reasons=reasons, is_preferred=is_enough or unsure)


def _pooled(members: Sequence[Assessment]) -> Iterator[Reason]:
    """Each member's reasons that lower the verdict, told with whose they are."""
    for item in members:
        for reason in item.reasons:
            if reason.verdict != "EMIT":
                yield replace(reason, message=f"{item.workload.name}: {reason.message}")


def _has_own(item: Assessment) -> bool:
    return item.standing.own is not None or bool(item.standing.clashing) or bool(item.standing.shadowing)


def _selectorless(mesh: Mesh, namespace: str) -> MeshObject | None:
    found = [item for item in mesh.configuration.of("Sidecar") if item.namespace == namespace and item.selector is None]
    return min(found, key=lambda item: (item.created_at is None, item.created_at, item.name), default=None)


def _written(mesh: Mesh, plan: _Plan, loads: Loads) -> Proposal:
    present = plan.present
    reasons = list(plan.reasons)
    conditions = Conditions(outbound_mode(mesh.configuration.mesh, present))
    again = replay_together(mesh, plan.members, plan.hosts, conditions)
    if again.calls_out_of_scope:
        lost = f"{again.calls_out_of_scope} of {again.calls_after} calls: {'; '.join(again.out_of_scope)}"
        reasons.append(Reason("EMIT_REVIEW", f"these hosts would lose {lost}"))
    name = present.name if present is not None else _free_name(mesh, plan.namespace)
    if present is not None and not is_ours(present):
        message = f"Sidecar {plan.namespace}/{name} is there already, by somebody else: add to it by hand"
        reasons.append(Reason("EMIT_REVIEW", message, "UNMANAGED_SIDECAR"))
    known = [item for item in plan.members if worst(item.reasons) != "ABSTAIN"]
    windows = [item.coverage for item in known if item.coverage.window_start and item.coverage.window_end]
    observed = Observed(
        workloads=len(plan.members),
        workloads_known=len(known),
        window_start=min((one.window_start for one in windows if one.window_start), default=None),
        window_end=max((one.window_end for one in windows if one.window_end), default=None),
    )
    target = "Mesh" if plan.kind == "RootSidecar" else f"Namespace/{plan.namespace}"
    draft = Proposal(
        kind="RootSidecar" if plan.kind == "RootSidecar" else "NamespaceSidecar",
        namespace=plan.namespace,
        name=name,
        target=target,
        verdict=worst(reasons),
        reasons=tuple(dict.fromkeys(reasons)),
        values=plan.hosts,
        observed=observed,
        replay=again,
    )
    if draft.verdict == "ABSTAIN":
        return draft
    version = min((item.workload.istio_version for item in known if item.workload.istio_version), default=None)
    egress: Sequence[object] = [{"hosts": list(plan.hosts)}]
    if present is not None and not is_ours(present):
        egress, _ = patched_egress(present, plan.hosts)
    manifest = manifests.default_sidecar(draft, version, egress, carried(present))
    rollback = manifests.as_it_is(present, version) if present is not None else None
    return replace(draft, manifest=manifest, rollback=rollback, benefit=_benefit(plan, loads))


def _benefit(plan: _Plan, loads: Loads) -> Benefit | None:
    """One proxy on average, before and after, over all that would fall under it."""
    rows: list[tuple[ProxyLoad, ProxyLoad, int]] = []
    for item in plan.members:
        ruling = item.standing.ruling
        before = loads.of(item.workload.namespace, _EVERYTHING if ruling is None else hosts_of(ruling))
        rows.append((before, loads.of(item.workload.namespace, plan.hosts), len(item.workload.living)))
    proxies = sum(count for _, _, count in rows)
    if not proxies:
        return None
    first = loads.mean([(before, count) for before, _, count in rows])
    return benefit(first, loads.mean([(after, count) for _, after, count in rows]), proxies)


def _free_name(mesh: Mesh, namespace: str) -> str:
    taken = {item.name for item in mesh.configuration.of("Sidecar") if item.namespace == namespace}
    return next(name for name in ("default", "default-meshlens", *map(str, range(len(taken)))) if name not in taken)
