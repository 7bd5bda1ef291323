"""Calls that telemetry saw, for checks of configuration along call chains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analyzers.configuration.analyzer import mesh_of
from analyzers.framework.analyzer import Analyzer, Code, Input
from analyzers.framework.finding import Finding
from analyzers.mesh.budgets import Budget, budget_of
from analyzers.mesh.model import Mesh
from analyzers.mesh.mtls import proxy_of
from analyzers.mesh.route_matches import Request
from analyzers.mesh.routing import route_in_mesh
from analyzers.mesh.services import preferred, services_of
from analyzers.mesh.workloads import Workload, workloads_of
from analyzers.topology.service_graph import available_sources, edges_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from analyzers.framework.analyzer import Options
    from analyzers.mesh.objects import MeshObject
    from pipelines.lake.session import Session


@dataclass(frozen=True, slots=True)
class Call:
    """Calls of a workload (namespace and name) to a host, as telemetry names both; `port` is null where not known."""

    namespace: str
    caller: str
    callee: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """A call with the route that it takes by configuration, that route's budget, and the workloads that it ends at."""

    call: Call
    budget: Budget
    item: MeshObject | None
    path: str
    ends_at: tuple[tuple[str, str], ...]

    @property
    def named(self) -> str:
        """`caller -> callee` in words."""
        return f"{self.call.caller} -> {self.call.callee}"


Check = Callable[[Mesh, Iterable[Call]], Iterable[Finding]]


def observed_analyzer(name: str, *, codes: tuple[Code, ...], check: Check, documentation: str) -> Analyzer:
    """An analyzer that runs `check` over the mesh and the calls of every source of telemetry."""

    def run(session: Session, options: Options) -> Iterator[Finding]:
        mesh = mesh_of(session, options)
        for found in check(mesh, observed_calls(session, options)):
            if not options.namespaces or (found.object or "//").split("/")[1] in {"", *options.namespaces}:
                yield replace(found, analyzer=name)

    return Analyzer(
        name=name,
        family="diagnosis",
        inputs=(
            Input(("mesh_objects",), kinds=("VirtualService",), reason="Routes say what a call may take."),
            Input(("access_logs", "spans", "metric_samples"), reason="Who calls whom is seen in telemetry alone."),
        ),
        codes=codes,
        run=run,
        documentation=documentation,
    )


def observed_calls(session: Session, options: Options) -> tuple[Call, ...]:
    """Every edge of any source whose caller is known, once."""
    found: dict[Call, None] = {}
    for source in available_sources(session):
        for edge in edges_of(session, source, options):
            if edge.caller_namespace and edge.protocol != "tcp":
                found[Call(edge.caller_namespace, edge.caller, edge.callee.lower(), edge.port)] = None
    return tuple(found)


def hops(mesh: Mesh, calls: Iterable[Call]) -> Mapping[tuple[str, str], list[Hop]]:
    """The hops by the workload that makes them; calls of workloads and to hosts that are not known are left out."""
    found: defaultdict[tuple[str, str], list[Hop]] = defaultdict(list)
    by_name = mesh.cached("workloads by name", _by_name)
    for call in calls:
        caller = by_name.get((call.namespace, call.caller))
        hop = _hop(mesh, caller, call) if caller is not None else None
        if hop is not None:
            found[call.namespace, call.caller].append(hop)
    return found


def _hop(mesh: Mesh, caller: Workload, call: Call) -> Hop | None:
    services = services_of(mesh, caller.cluster)
    service = preferred(services.by_host.of(call.callee), call.namespace)
    if service is None or not service.ports:
        return None
    port = call.port if call.port is not None and service.port(call.port) else service.ports[0].number
    # Of a request nothing but the host is known: the route that surely takes all of them, or none.
    route = route_in_mesh(mesh, proxy_of(caller), Request(call.callee, port))
    known = route.kind == "rule" and route.is_certain
    behind = {(one.namespace, one.name) for end in route.destinations for one in end.workloads}
    behind |= {(one.namespace, one.name) for one in workloads_of(mesh, caller.cluster).behind(service)}
    return Hop(
        call,
        budget_of(route.value) if known else Budget(),
        route.item if known else None,
        route.path if known else "",
        tuple(sorted(behind)),
    )


def _by_name(mesh: Mesh) -> Mapping[tuple[str, str], Workload]:
    return {(one.namespace, one.name): one for cluster in mesh.clusters for one in workloads_of(mesh, cluster).all}
