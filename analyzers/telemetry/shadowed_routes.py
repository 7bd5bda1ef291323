"""Requests take a broad route although a narrower one that they match stands below it.

**What.** The logged methods and paths of each host are tried on its VirtualService's routes in order. A request that
the first route takes by a shorter path (or by none), while a later route asks for its path more exactly, never reaches
the route that was written for it.

**Why it matters.** The order of routes decides, not how exact they are. The later route is dead: its timeout, its
version, its authorization by path do not hold, and nothing fails.

**Evidence.** Requests, by method and path, the route that takes them and the one that would fit better. Routes that ask
for headers, query parameters, callers or ports are left out: the log does not tell these, and they may be meant.

**Fix.** Put the narrower route first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from analyzers.configuration.analyzer import mesh_of
from analyzers.framework.analyzer import Analyzer, Code, Input
from analyzers.mesh.objects import mapping, mappings, text
from analyzers.mesh.route_matches import Request, request_matches
from analyzers.mesh.virtual_services import virtual_services_of
from analyzers.telemetry.report import CALLS, edge_finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from analyzers.framework.analyzer import Options
    from analyzers.framework.finding import Finding
    from analyzers.mesh.delegates import HttpRoute
    from analyzers.mesh.model import Mesh
    from analyzers.mesh.objects import Json
    from analyzers.mesh.virtual_services import VirtualService
    from analyzers.telemetry.report import Row
    from pipelines.lake.session import Session

SHADOWED: Final = Code(
    "ML0623",
    "Requests never reach the narrower route",
    "warning",
    "A broader route above it takes them. Put the narrower one first.",
    ("IST0131",),
)

#: What a log line tells of a request.
_TOLD: Final = frozenset({"uri", "method", "name", "ignoreUriCase", "statPrefix"})
_PATHS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class _Shadow:
    winner: HttpRoute
    fitting: HttpRoute


def run(session: Session, options: Options) -> Iterator[Finding]:
    """One finding for each pair of routes of which the first takes requests that the other fits better."""
    rows = session.query(
        "requested_paths", since=options.since, until=options.until, namespaces=list(options.namespaces)
    ).to_pylist()
    mesh = mesh_of(session, options)
    by_host: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_host[row["callee"]].append(row)
    for host, asked in by_host.items():
        for service in _virtual_services(mesh, host):
            yield from _shadows(service, asked)


def _virtual_services(mesh: Mesh, host: str) -> Iterator[VirtualService]:
    """Those that apply to sidecars and have more than one route for the host."""
    for cluster in mesh.clusters:
        for service in virtual_services_of(mesh, cluster).all:
            if service.is_in_mesh and host in service.hosts and len(service.http) > 1:
                yield service


def _shadows(service: VirtualService, asked: Iterable[Row]) -> Iterator[Finding]:
    found: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    pairs: dict[tuple[str, str], _Shadow] = {}
    for row in asked:
        request = Request(row["callee"], row["port"] or 80, row["method"], row["path"])
        shadow = _shadow(service.http, request)
        if shadow is not None:
            key = (shadow.winner.path, shadow.fitting.path)
            pairs[key] = shadow
            found[key].append(row)
    for key, rows in found.items():
        yield _finding(service, pairs[key], rows)


def _shadow(routes: Iterable[HttpRoute], request: Request) -> _Shadow | None:
    """The route that takes a request and a later one that asks for it more exactly; null where there is none."""
    winner: tuple[HttpRoute, int] | None = None
    for route in routes:
        exactness = _exactness(route, request)
        if exactness is None:
            if winner is None and _may_take(route):
                return None
            continue
        if winner is None:
            winner = (route, exactness)
        elif exactness > winner[1]:
            return _Shadow(winner[0], route)
    return None


def _exactness(route: HttpRoute, request: Request) -> int | None:
    """How exactly a route asks for the request's path, by what a log tells alone; null: it does not take it so."""
    matches = [match for _, match in mappings(route.value.get("match"))]
    if not matches:
        return 0
    fitting = [
        _length(match)
        for match in matches
        if {key for key, value in match.items() if value} <= _TOLD and request_matches(match, request) is True
    ]
    return max(fitting, default=None)


def _length(match: Mapping[str, Json]) -> int:
    """A longer prefix is more exact, the path itself more than any prefix; an expression says nothing of the kind."""
    uri = mapping(match.get("uri"))
    exact, prefix = text(uri.get("exact")), text(uri.get("prefix"))
    if exact is not None:
        return 2 * len(exact) + 1
    return 2 * len(prefix) if prefix is not None else 0


def _may_take(route: HttpRoute) -> bool:
    """Whether a route asks for what no log tells: it may be the one that took the request."""
    return any(
        {key for key, value in match.items() if value} - _TOLD for _, match in mappings(route.value.get("match"))
    )


def _finding(service: VirtualService, shadow: _Shadow, rows: list[Row]) -> Finding:
    calls = sum(row["calls"] for row in rows)
    item = shadow.fitting.owner
    paths = [f"{row['method']} {row['path']}" for row in rows[:_PATHS_SHOWN]]
    message = (
        f"{calls} requests to {rows[0]['callee']} ({', '.join(paths)}{', ...' * (len(rows) > _PATHS_SHOWN)}) took "
        f"{shadow.winner.path}, which stands above {shadow.fitting.path}, written for them."
    )
    row = {
        **rows[0],
        "first_seen": min(row["first_seen"] for row in rows),
        "last_seen": max(row["last_seen"] for row in rows),
    }
    return edge_finding(
        "shadowed_routes",
        SHADOWED,
        row,
        message,
        more={"calls": calls, "paths": paths, "taken_by": shadow.winner.path},
        subject=f"VirtualService {service.item.namespace}/{service.item.name}",
        # The order of routes is a fact, however short the recording.
        severity="warning",
        side="configuration",
        at=item.identity,
        path=shadow.fitting.path,
        identity=(shadow.winner.path,),
    )


ANALYZER: Final = Analyzer(
    name="shadowed_routes",
    family="diagnosis",
    inputs=(
        CALLS,
        Input(("mesh_objects",), kinds=("VirtualService",), reason="Routes are those of VirtualServices."),
    ),
    codes=(SHADOWED,),
    run=run,
    documentation=__doc__ or "",
)
