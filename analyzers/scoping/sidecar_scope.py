"""Sidecars in force that do not do what they look like, or that leave out what is called.

What: ML0501 is a call that the Sidecar in force leaves out of scope. ML0502 to ML0504 are Sidecars that mean something
else than they say: no `egress`, an empty `workloadSelector`, `~` beside imports. ML0505 are two Sidecars for one pod.
ML0506 and ML0507 are Sidecars for pods that none has an effect on, ML0508 a namespace with sidecars that istiod does
not read.
Recommendations themselves come from `meshlens recommend`, which uses the same rules.

Why it matters: a call out of scope goes through PassthroughCluster, without mTLS, retries and load balancing, and
fails where the callee demands mTLS; under REGISTRY_ONLY it is answered with 502. Of two Sidecars only the older counts.

Evidence: calls through PassthroughCluster or BlackHoleCluster whose name or address is a host of the registry, and
the Sidecars that match the caller's pods in the order in which istiod tries them.

Fix: `meshlens recommend --explain WORKLOAD` shows the hosts that the workload needs and the patch that adds them.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Analyzer, Code, Input, Options
from analyzers.framework.finding import Edge, Finding, fingerprint
from analyzers.scoping.dependencies import decide
from analyzers.scoping.existing import REVISION, hazards, hosts_of, ignored_by, standing
from analyzers.scoping.mesh import read_mesh
from analyzers.scoping.names import imports
from analyzers.scoping.observation import read_telemetry
from analyzers.scoping.workloads import read_workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.scoping.configuration import Configuration, MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Excluded
    from analyzers.scoping.observation import Observed
    from analyzers.scoping.workloads import Workload
    from pipelines.lake.session import Session

OUT_OF_SCOPE = Code(
    "ML0501", "A called service is out of the caller's scope", "error", "The Sidecar in force does not import it."
)
EGRESS_OMITTED = Code(
    "ML0502", "A Sidecar without egress imports everything", "warning", "istiod reads it as `*/*` (istio/istio#59376)."
)
EMPTY_SELECTOR = Code(
    "ML0503", "An empty workloadSelector matches every pod", "warning", "By age it wins over those with labels."
)
TILDE_MIX = Code(
    "ML0504", "A Sidecar mixes `~` with imports", "warning", "Releases read it differently (istio/istio#60581)."
)
OVERLAP = Code(
    "ML0505",
    "Two Sidecars are for the same pods",
    "warning",
    "Only the older one counts; nothing is merged.",
    ("IST0110", "IST0111"),
)
GATEWAY_IGNORED = Code(
    "ML0506", "A Sidecar is meant for a gateway", "warning", "Gateways and waypoints always use a default scope."
)
AMBIENT = Code(
    "ML0507", "A Sidecar is meant for ambient pods", "warning", "Without a sidecar proxy there is nothing to scope."
)
DISCOVERY_BLOCK = Code(
    "ML0508",
    "discoverySelectors leave out a namespace with sidecars",
    "error",
    "istiod gives its proxies no configuration, and new ones no CA certificate.",
)
_BY_WARNING: Final = {"EGRESS_OMITTED": EGRESS_OMITTED, "EMPTY_SELECTOR": EMPTY_SELECTOR, "TILDE_MIX": TILDE_MIX}
_NEXT: Final = "Run `meshlens recommend --explain WORKLOAD` for the hosts that the pods need."


def run(session: Session, options: Options) -> Iterator[Finding]:
    """Findings on every Sidecar in force, and on calls that it leaves out."""
    every, excluded = read_workloads(session)
    mesh = read_mesh(session, max((item.newest_version for item in every if item.newest_version), default=None))
    wanted = set(options.namespaces)
    sidecars = [item for item in mesh.configuration.of("Sidecar") if not wanted or item.namespace in wanted]
    for sidecar in sidecars:
        for reason in hazards(sidecar):
            yield _finding(_BY_WARNING[reason.code or ""], sidecar, reason.message)
    workloads = [item for item in every if not wanted or item.namespace in wanted]
    yield from _without_effect(mesh.configuration, excluded, {item.namespace for item in every}, wanted)
    yield from _undiscovered(mesh, workloads)
    yield from _overlaps(mesh.configuration, sidecars, workloads)
    telemetry = read_telemetry(session, workloads, mesh.names())
    for workload, observed in zip(workloads, telemetry.observed, strict=True):
        yield from _out_of_scope(mesh, workload, observed)


def _without_effect(
    configuration: Configuration, excluded: Sequence[Excluded], scoped: set[str], wanted: set[str]
) -> Iterator[Finding]:
    for item in excluded:
        if not item.warnings or (wanted and item.namespace not in wanted):
            continue
        for sidecar in ignored_by(configuration, item, alone=item.namespace not in scoped):
            code = AMBIENT if item.because == "ambient" else GATEWAY_IGNORED
            name = f"Sidecar {sidecar.namespace}/{sidecar.name}"
            message = f"{name} has no effect on {item.workload} ({item.because}), which always gets a default scope."
            yield _finding(code, sidecar, message, item.workload, cause=item.warnings[0])


def _undiscovered(mesh: Mesh, workloads: Sequence[Workload]) -> Iterator[Finding]:
    """Namespaces with proxies that no discoverySelector of their cluster picks."""
    places = {(pod.cluster, item.namespace) for item in workloads for pod in item.living}
    namespace = mesh.configuration.control_plane_namespace
    for cluster, deselected in sorted(place for place in places if not mesh.discovery.picks(*place)):
        where = f" of cluster {cluster}" if cluster else ""
        subject = f"namespace {deselected}{where}"
        yield Finding(
            analyzer="sidecar_scope",
            code=DISCOVERY_BLOCK.code,
            severity=DISCOVERY_BLOCK.severity,
            subject=subject,
            message=f"No discoverySelector{where} picks {deselected}, whose pods have sidecars.",
            fingerprint=fingerprint(DISCOVERY_BLOCK.code, subject),
            cause="DISCOVERY_BLOCK",
            side="configuration",
            object=f"ConfigMap/{namespace}/istio",
            path="data/mesh/discoverySelectors",
            next_step=f"Give {deselected} a label that a selector picks, or take its pods out of the mesh.",
        )


def _overlaps(
    configuration: Configuration, sidecars: Sequence[MeshObject], workloads: Sequence[Workload]
) -> Iterator[Finding]:
    found: set[tuple[str, str, str]] = set()
    for workload in workloads:
        exists = standing(configuration, workload)
        rivals = sorted(
            (*exists.clashing, *exists.shadowing, *((exists.own,) if exists.own else ())), key=lambda item: item.name
        )
        for one, other in combinations(rivals, 2):
            found.add((workload.namespace, one.name, other.name))
    plain = [item for item in sidecars if item.selector is None]
    for one, other in combinations(sorted(plain, key=lambda item: (item.namespace, item.name)), 2):
        if one.namespace == other.namespace and one.labels.get(REVISION) == other.labels.get(REVISION):
            found.add((one.namespace, one.name, other.name))
    by_name = {(item.namespace, item.name): item for item in sidecars}
    for namespace, one_name, other_name in sorted(found):
        pair = f"{namespace}/{one_name} and {namespace}/{other_name}"
        message = f"Sidecars {pair} match the same pods: the older one counts."
        yield _finding(OVERLAP, by_name[namespace, one_name], message, other_name, cause="SELECTOR_OVERLAP")


def _out_of_scope(mesh: Mesh, workload: Workload, observed: Observed) -> Iterator[Finding]:
    ruling = standing(mesh.configuration, workload).ruling
    if ruling is None:
        return
    for service, call in decide(mesh, workload.namespace, observed.calls, workload.istio_version).bypassed:
        if imports(hosts_of(ruling), service.namespace, service.host, workload.namespace):
            continue
        subject = f"{workload.namespace}/{workload.name} -> {service.host}"
        yield Finding(
            analyzer="sidecar_scope",
            code=OUT_OF_SCOPE.code,
            severity=OUT_OF_SCOPE.severity,
            subject=subject,
            message=f"Sidecar {ruling.namespace}/{ruling.name} leaves out {service.entry}, called {call.calls} times.",
            fingerprint=fingerprint(OUT_OF_SCOPE.code, subject, str(call.port), call.route),
            evidence={"calls": call.calls, "port": call.port, "route": call.route, "host": service.entry},
            first_seen=call.first_seen,
            last_seen=call.last_seen,
            cause="OUT_OF_SCOPE_HIT",
            side="configuration",
            object=f"Sidecar/{ruling.namespace}/{ruling.name}",
            path="spec/egress",
            edges=(Edge(workload.name, service.host),),
            next_step=f"Add {service.entry} to its hosts (`meshlens recommend --explain {workload.name}`).",
        )


def _finding(code: Code, sidecar: MeshObject, message: str, *identity: str, cause: str | None = None) -> Finding:
    subject = f"Sidecar {sidecar.namespace}/{sidecar.name}"
    return Finding(
        analyzer="sidecar_scope",
        code=code.code,
        severity=code.severity,
        subject=subject,
        message=message,
        fingerprint=fingerprint(code.code, subject, *identity),
        cause=cause or next((warning for warning, found in _BY_WARNING.items() if found is code), None),
        side="configuration",
        object=f"Sidecar/{sidecar.namespace}/{sidecar.name}",
        next_step=_NEXT,
    )


ANALYZER = Analyzer(
    name="sidecar_scope",
    family="scoping",
    inputs=(
        Input(("mesh_objects",), kinds=("Sidecar",), reason="no Sidecar is in force, so none can be wrong"),
        Input(("mesh_objects",), kinds=("Pod",), optional=True, reason="which pods a Sidecar is for stays unknown"),
        Input(("access_logs",), optional=True, reason="calls out of scope are not seen"),
    ),
    codes=(OUT_OF_SCOPE, EGRESS_OMITTED, EMPTY_SELECTOR, TILDE_MIX, OVERLAP, GATEWAY_IGNORED, AMBIENT, DISCOVERY_BLOCK),
    run=run,
    documentation=__doc__ or "",
)
