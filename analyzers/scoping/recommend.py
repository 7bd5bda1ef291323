"""Recommendations for a lake: read once, assess every workload, and settle what new and existing Sidecars may say."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from analyzers.scoping import manifest as manifests
from analyzers.scoping.assessment import Assessment, Settings, assess
from analyzers.scoping.benefit import Loads, benefit
from analyzers.scoping.consumers import consumers_of
from analyzers.scoping.discovery_selectors import discovery_proposals
from analyzers.scoping.existing import carried, hosts_of, ignored_by, patched_egress
from analyzers.scoping.exports import export_proposals
from analyzers.scoping.history import read_history
from analyzers.scoping.levels import namespace_sidecars, root_sidecar
from analyzers.scoping.mesh import Mesh, read_mesh
from analyzers.scoping.model import Reason, Recommendation, ScopingResult, worst
from analyzers.scoping.names import normalised
from analyzers.scoping.observation import Telemetry, read_telemetry
from analyzers.scoping.patching import clash, outbound_policy, shadowed
from analyzers.scoping.proposal import Observed, Proposal
from analyzers.scoping.service_entries import drafts
from analyzers.scoping.workloads import Workload, object_name, read_pods, read_workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from analyzers.scoping.configuration import Configuration, MeshObject
    from analyzers.scoping.model import Benefit, Excluded
    from analyzers.scoping.workloads import Pod
    from pipelines.lake.session import Session

_EVERYTHING: Final = ("*/*",)


def recommend(session: Session, settings: Settings) -> ScopingResult:
    """Every recommendation for the lake at the session's state, sorted by namespace and name."""
    missing = tuple(_missing(session))
    if missing:
        return ScopingResult((), (), skipped=missing)
    workloads, excluded = read_workloads(session)
    mesh = read_mesh(session, max((item.newest_version for item in workloads if item.newest_version), default=None))
    wanted = set(settings.namespaces)
    # A patch of an existing Sidecar must hold what every workload under it needs, so whole namespaces are assessed.
    chosen = [workload for workload in workloads if not wanted or workload.namespace in wanted]
    telemetry = read_telemetry(session, chosen, mesh.names(), settings.source)
    history = read_history(session)
    assessed = [
        assess(mesh, workload, observed, settings, telemetry.end, history, tcp_measured=telemetry.tcp_measured)
        for workload, observed in zip(chosen, telemetry.observed, strict=True)
    ]
    loads = Loads(mesh)
    found = _Writer(mesh, loads).write(assessed)
    names = set(settings.workloads)
    proposals: tuple[Proposal, ...] = ()
    if not names:
        pods = [] if wanted else read_pods(session)
        proposals = tuple(_proposals(session, mesh, assessed, excluded, pods, loads))
    return ScopingResult(
        recommendations=tuple(
            item for item in found if not names or item.workload in names or not names.isdisjoint(item.controllers)
        ),
        excluded=tuple(
            _with_ignored(mesh.configuration, item, workloads)
            for item in excluded
            if not wanted or item.namespace in wanted
        ),
        notes=tuple(_notes(telemetry, mesh)),
        proposals=proposals,
    )


def _proposals(
    session: Session,
    mesh: Mesh,
    assessed: Sequence[Assessment],
    excluded: Sequence[Excluded],
    pods: Sequence[Pod],
    loads: Loads,
) -> Iterator[Proposal]:
    """What goes beyond single workloads; what is for the whole mesh only where all of it was assessed (`pods`)."""
    yield from namespace_sidecars(mesh, assessed, excluded, loads)
    if not pods or not assessed:
        return
    yield root_sidecar(mesh, assessed, loads)
    known = [item for item in assessed if worst(item.reasons) != "ABSTAIN"]
    observed = Observed(
        workloads=len(assessed),
        workloads_known=len(known),
        window_start=min((item.observed.start for item in known if item.observed.start), default=None),
        window_end=max((item.observed.end for item in known if item.observed.end), default=None),
    )
    consumers = consumers_of(session, mesh, assessed, pods)
    yield from export_proposals(mesh, consumers, observed)
    yield from discovery_proposals(session, mesh, assessed, consumers, observed, loads)


def _with_ignored(configuration: Configuration, item: Excluded, workloads: Sequence[Workload]) -> Excluded:
    if not item.warnings:
        return item
    alone = all(workload.namespace != item.namespace for workload in workloads)
    found = ignored_by(configuration, item, alone=alone)
    return replace(item, ignored=tuple(f"Sidecar {sidecar.namespace}/{sidecar.name}" for sidecar in found))


def _missing(session: Session) -> Iterator[str]:
    kinds = session.query("object_kinds").column("kind").to_pylist() if session.rows("mesh_objects") else []
    for kind in ("Pod", "Service"):
        if kind not in kinds:
            yield f"mesh_objects of kind {kind}: without them no workload and no host is known"
    if not any(session.rows(table) for table in ("access_logs", "edges_1m", "metric_samples")):
        yield "access_logs, edges_1m or metric_samples: without them no call is known"


def _notes(telemetry: Telemetry, mesh: Mesh) -> Iterator[str]:
    if not any(mesh.configuration.of(kind) for kind in ("DestinationRule", "Sidecar", "VirtualService")):
        yield (
            "no VirtualService, DestinationRule or Sidecar was ingested: where the mesh has any, ingest them and run"
            " this again"
        )
    if telemetry.lines_without_writer:
        yield (
            f"{telemetry.lines_without_writer} of {telemetry.lines} access-log lines have no known writer and count for"
            " no workload: name their pod in the path, or with --pod or --map at ingest"
        )


class _Writer:
    """Turns assessments into recommendations."""

    def __init__(self, mesh: Mesh, loads: Loads) -> None:
        self._loads = loads
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        for sidecar in mesh.configuration.of("Sidecar"):
            self._taken[sidecar.namespace].add(sidecar.name)

    def write(self, assessed: Sequence[Assessment]) -> tuple[Recommendation, ...]:
        under: defaultdict[tuple[str, str], list[Assessment]] = defaultdict(list)
        for item in assessed:
            for sidecar in item.standing.clashing:
                under[sidecar.namespace, sidecar.name].append(item)
        found = []
        for item in assessed:
            clashing = item.standing.clashing
            if clashing:
                target = clashing[0]
                found.append(self._patch(item, target, under[target.namespace, target.name]))
            else:
                found.append(self._new(item))
        return tuple(sorted(found, key=lambda item: (item.namespace, item.name, item.workload)))

    def _new(self, item: Assessment) -> Recommendation:
        workload = item.workload
        standing = item.standing
        repeated = carried(standing.own or standing.parent)
        reasons = [*item.reasons, *shadowed(standing.shadowing)]
        if repeated and standing.own is None and standing.parent is not None:
            parent = f"Sidecar {standing.parent.namespace}/{standing.parent.name}"
            message = f"repeats {', '.join(repeated)} of {parent}, which a Sidecar with a selector does not inherit"
            reasons.append(Reason("EMIT", message, "FIELD_LOSS"))
        name = standing.own.name if standing.own else self._free_name(workload)
        draft = self._recommendation(item, name, item.hosts, reasons)
        if draft.verdict == "ABSTAIN":
            return draft
        annotations = manifests.evidence(draft.recommendation_id, draft.verdict, draft.coverage)
        written = _checked(draft, manifests.sidecar(workload, name, draft.hosts, repeated, annotations))
        return _with_way_back(written, workload, standing.own)

    def _patch(self, item: Assessment, target: MeshObject, members: Sequence[Assessment]) -> Recommendation:
        """A patch of the Sidecar that selects the workload already, with the hosts of every workload it selects."""
        hosts = normalised(host for member in members for host in (*member.needed, *member.base))
        reasons = [*item.reasons, *clash(item, target, members), *shadowed(item.standing.shadowing, patched=True)]
        egress, missing = patched_egress(target, hosts)
        policy, loss = outbound_policy(target, item.standing.parent, members)
        reasons.extend(loss)
        draft = self._recommendation(item, target.name, hosts, reasons)
        draft = replace(draft, kind="SidecarPatch")
        if draft.verdict == "ABSTAIN":
            return draft
        if not missing and target.spec.get("egress") and policy is None:
            name = f"Sidecar {target.namespace}/{target.name}"
            done = Reason("EMIT_REVIEW", f"{name} imports every observed host already")
            return replace(draft, reasons=(*draft.reasons, done))
        written = _checked(draft, manifests.patch(item.workload, target.name, egress, policy))
        return _with_way_back(written, item.workload, target)

    def _recommendation(
        self, item: Assessment, name: str, hosts: tuple[str, ...], reasons: Sequence[Reason]
    ) -> Recommendation:
        workload = item.workload
        verdict = worst(reasons)
        given = () if verdict == "ABSTAIN" else hosts
        return Recommendation(
            kind="Sidecar",
            namespace=workload.namespace,
            name=name,
            workload=workload.name,
            controllers=workload.controllers,
            selector=workload.selector,
            verdict=verdict,
            reasons=tuple(dict.fromkeys(reasons)),
            hosts=given,
            base=item.base,
            decisions=item.decisions,
            refusals=item.dependencies.refusals,
            coverage=item.coverage,
            recommendation_id=manifests.recommendation_id(workload.namespace, name, workload.selector, given),
            replay=item.replay,
            in_force=item.in_force,
            benefit=self._benefit(item, hosts) if verdict != "ABSTAIN" else None,
            service_entries=drafts(workload.namespace, item.dependencies.external),
        )

    def _benefit(self, item: Assessment, hosts: tuple[str, ...]) -> Benefit:
        ruling = item.standing.ruling
        before = _EVERYTHING if ruling is None else hosts_of(ruling)
        namespace = item.workload.namespace
        loads = self._loads
        return benefit(loads.of(namespace, before), loads.of(namespace, hosts), len(item.workload.living))

    def _free_name(self, workload: Workload) -> str:
        taken = self._taken[workload.namespace]
        suffixes = ("", "-meshlens", *(f"-meshlens-{number}" for number in range(2, len(taken) + 3)))
        names = (object_name(f"{workload.name}{suffix}") for suffix in suffixes)
        name = next(name for name in names if name not in taken)
        taken.add(name)
        return name


def _with_way_back(item: Recommendation, workload: Workload, in_force: MeshObject | None) -> Recommendation:
    """With the Sidecar that it would change, to go back to, and a wide one where calls leave scope now."""
    if item.manifest is None:
        return item
    rollback = None
    if in_force is not None and set(hosts_of(in_force)) != set(item.hosts):
        rollback = manifests.restored(workload, in_force)
    widen = None
    if "OUT_OF_SCOPE_HIT" in item.warnings:
        namespaces = sorted({f"{host.partition('/')[0]}/*" for host in item.hosts if not host.startswith("~")})
        kept = carried(in_force)
        widen = manifests.sidecar(workload, item.name, ("./*", *namespaces), kept, {"meshlens.io/verdict": "EMERGENCY"})
    return replace(item, rollback=rollback, widen=widen)


def _checked(draft: Recommendation, manifest: Mapping[str, object]) -> Recommendation:
    """The recommendation with its manifest, or an abstention where the manifest would not be accepted."""
    try:
        manifests.validate(manifest)
    except manifests.ManifestError as error:
        reason = Reason("ABSTAIN", f"the manifest would be refused: {error}")
        return replace(draft, verdict="ABSTAIN", hosts=(), benefit=None, reasons=(*draft.reasons, reason))
    for entry in draft.service_entries:
        manifests.validate(entry)
    return replace(draft, manifest=manifest)
