"""One workload, assessed: what it needs, what its proxies need, what is known of it and what exists for it already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzers.scoping import coverage as coverages
from analyzers.scoping import dns_proxy, headless, long_lived
from analyzers.scoping.access_logging import access_logging
from analyzers.scoping.configuration import mapping
from analyzers.scoping.dependencies import Dependencies, decide
from analyzers.scoping.existing import Standing, hazards, hosts_of, standing
from analyzers.scoping.frequency import judge as rareness
from analyzers.scoping.history import History
from analyzers.scoping.model import Coverage, HostDecision, Reason, Replay
from analyzers.scoping.names import NOTHING, full_name, imports, normalised, qualified
from analyzers.scoping.outcomes import Conditions, outbound_mode
from analyzers.scoping.peer_authentication import is_strict
from analyzers.scoping.providers import proxy_hosts
from analyzers.scoping.replay import broken, in_force, replay
from analyzers.scoping.replay import judge as judge_replay
from analyzers.scoping.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    from analyzers.scoping.configuration import MeshObject
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.observation import Observed, Source
    from analyzers.scoping.workloads import Workload


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may say: namespaces and workloads (empty: all), the window asked for, whether BASE takes in the
    whole control-plane namespace or only what configuration names, and what calls are read from.
    """

    minimum_window: timedelta
    namespaces: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    control_plane_base: bool = True
    source: Source = "auto"


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything known of one workload. `needed` are hosts without BASE; `base` those of the proxy."""

    workload: Workload
    observed: Observed
    coverage: Coverage
    dependencies: Dependencies
    decisions: tuple[HostDecision, ...]
    needed: tuple[str, ...]
    base: tuple[str, ...]
    standing: Standing
    replay: Replay | None
    in_force: Replay | None
    reasons: tuple[Reason, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a Sidecar for it imports; `~/*` where it needs nothing at all."""
        return normalised((*self.needed, *self.base)) or (NOTHING,)


def assess(
    mesh: Mesh,
    workload: Workload,
    observed: Observed,
    settings: Settings,
    end: datetime | None,
    history: History | None = None,
    *,
    tcp_measured: bool = True,
) -> Assessment:
    """Assess one workload.

    `end` is the end of all telemetry, `history` what was recommended before; `tcp_measured`: see `Telemetry`.
    """
    logging = access_logging(mesh.configuration, workload)
    dependencies = decide(mesh, workload.namespace, observed.calls, workload.istio_version, workload.newest_version)
    proxy, proxy_reasons = proxy_hosts(mesh, workload)
    exists = standing(mesh.configuration, workload)
    applied, departed = _applied(mesh, workload, exists, dependencies.hosts, observed, history or History())
    own = (*_own_services(mesh, workload), *applied)
    control_plane = _control_plane(mesh) if settings.control_plane_base else ()
    base = normalised(decision.host for decision in (*control_plane, *proxy))
    needed = tuple(sorted({*dependencies.hosts, *(decision.host for decision in own)}))
    hosts = normalised((*needed, *base))
    fixed = (*base, *(decision.host for decision in own))
    captured = dns_proxy.captured(mesh, workload)
    # What a new Sidecar would repeat, and what the one in force says.
    kept = Conditions(outbound_mode(mesh.configuration.mesh, exists.own or exists.parent), captured)
    now = Conditions(outbound_mode(mesh.configuration.mesh, exists.ruling), captured)
    again = ruled = None
    if observed.lines.middle is not None:
        split = observed.lines.middle
        again = replay(mesh, workload.namespace, observed.calls, split, fixed, workload.istio_version, kept)
    if exists.ruling is not None:
        ruled = in_force(mesh, workload.namespace, observed.calls, hosts_of(exists.ruling), now)
    reasons = (
        *workload.reasons,
        *coverages.judge(workload, observed, logging, settings.minimum_window, end, dependencies.mirrored),
        *dependencies.reasons,
        *proxy_reasons,
        *departed,
        *rareness(dependencies.decisions, observed.length),
        *long_lived.judge(mesh, workload, observed, dependencies.decisions, tcp_measured=tcp_measured),
        *_outside(dependencies),
        *_leaf(observed, dependencies),
        *_bypassed(mesh, dependencies, exists),
        *_ruled(exists, ruled, dependencies),
        *_undiscovered(mesh, workload),
        *_costs(mesh, workload, hosts, captured=captured),
        *(judge_replay(again) if again else ()),
        *_broken(mesh, workload, observed, hosts, kept),
        *(reason for sidecar in _relevant(exists) for reason in hazards(sidecar)),
    )
    return Assessment(
        workload=workload,
        observed=observed,
        coverage=coverages.coverage_of(workload, observed, logging, mesh, dependencies.mirrored),
        dependencies=dependencies,
        decisions=_sorted((*dependencies.decisions, *own, *control_plane, *proxy)),
        needed=needed,
        base=base,
        standing=exists,
        replay=again,
        in_force=ruled,
        reasons=tuple(dict.fromkeys(reasons)),
    )


def _sorted(decisions: Iterable[HostDecision]) -> tuple[HostDecision, ...]:
    first: dict[str, HostDecision] = {}
    for decision in decisions:
        first.setdefault(decision.host, decision)
    return tuple(first[host] for host in sorted(first))


def _control_plane(mesh: Mesh) -> tuple[HostDecision, ...]:
    namespace = mesh.configuration.control_plane_namespace
    return (
        HostDecision(f"{namespace}/*", "base", "the control plane's namespace, a superset of what proxies need there"),
    )


def _own_services(mesh: Mesh, workload: Workload) -> Iterator[HostDecision]:
    """Own services whose DestinationRule limits connections: its inbound pool is lost where they are not imported."""
    limited = {
        full_name(str(rule.spec.get("host", "")), rule.namespace, mesh.registry.domain): rule
        for rule in mesh.configuration.of("DestinationRule")
        if rule.namespace in {workload.namespace, mesh.configuration.root_namespace} and _limits_connections(rule.spec)
    }
    for host in mesh.served(workload):
        if host in limited:
            because = (
                f"its own service: DestinationRule {limited[host].namespace}/{limited[host].name} sets its inbound pool"
            )
            yield HostDecision(qualified(workload.namespace, host), "own_service", because)


def _limits_connections(spec: object) -> bool:
    policy = mapping(mapping(spec).get("trafficPolicy"))
    ports = policy.get("portLevelSettings")
    return "connectionPool" in policy or (
        isinstance(ports, list) and any("connectionPool" in mapping(port) for port in ports)
    )


def _applied(
    mesh: Mesh,
    workload: Workload,
    exists: Standing,
    needed: tuple[str, ...],
    observed: Observed,
    history: History,
) -> tuple[list[HostDecision], list[Reason]]:
    """Hosts of our Sidecar in force that were not called: kept, or dropped after a second quiet window."""
    kept: list[HostDecision] = []
    departed: list[Reason] = []
    for entry in hosts_of(exists.own) if exists.own is not None else ():
        namespace, _, host = entry.partition("/")
        declared = mesh.registry.resolve(host, workload.namespace)
        if entry in needed or not any(service.namespace == namespace for service in declared):
            continue
        name = exists.own.name if exists.own is not None else ""
        because = history.departure((workload.namespace, name), entry, observed.start, observed.end)
        if because is None:
            kept.append(HostDecision(entry, "applied", "in the Sidecar in force; not called in this window"))
        else:
            departed.append(Reason("EMIT_REVIEW", f"{entry} is dropped: {because}", "STALE_DEP"))
    return kept, departed


def _outside(dependencies: Dependencies) -> Iterator[Reason]:
    counts: dict[str, int] = {}
    direct = {call.callee for call in dependencies.direct}
    for call in dependencies.external:
        name = call.callee or "other names"
        counts[name] = counts.get(name, 0) + call.calls
    if counts:
        listed = ", ".join(f"{name} ({counts[name]} calls)" for name in sorted(counts))
        yield Reason("EMIT", f"reached outside the registry, so no host is imported: {listed}", "NO_SERVICE_ENTRY")
    if counts or direct:
        message = f"outboundTrafficPolicy REGISTRY_ONLY would break: {', '.join(sorted({*counts, *direct}))}"
        yield Reason("EMIT", message, "REGISTRY_ONLY_BREAK")


def _leaf(observed: Observed, dependencies: Dependencies) -> Iterator[Reason]:
    if observed.lines.lines and not dependencies.decisions:
        message = f"its proxies logged {observed.lines.lines} lines and no call to a host of the registry: BASE only"
        yield Reason("EMIT_REVIEW", message)


def _bypassed(mesh: Mesh, dependencies: Dependencies, exists: Standing) -> Iterator[Reason]:
    for service, call in dependencies.bypassed:
        since = f" since {coverages.utc(call.first_seen)}" if call.first_seen else ""
        if exists.ruling is not None and not imports(
            hosts_of(exists.ruling), service.namespace, service.host, exists.ruling.namespace
        ):
            name = f"Sidecar {exists.ruling.namespace}/{exists.ruling.name}"
            message = f"{name} leaves out {service.entry}, called {call.calls} times{since} through {call.route}"
            yield Reason("EMIT_REVIEW", message, "OUT_OF_SCOPE_HIT")
            if exists.rules_by_root:
                message = f"{name} is the mesh's default: it narrows every namespace without a Sidecar of its own"
                yield Reason("EMIT_REVIEW", message, "ROOT_WIDE")
            if call.route == "passthrough" and service.meshed_endpoints and is_strict(mesh, service.namespace):
                message = f"{service.namespace} demands mTLS (STRICT), and such calls to {service.entry} are plain text"
                yield Reason("EMIT_REVIEW", message, "MTLS_LOSS")
        else:
            message = f"{service.entry} was called {call.calls} times{since} through {call.route}, past its own cluster"
            yield Reason("EMIT_REVIEW", message)


def _ruled(exists: Standing, ruled: Replay | None, dependencies: Dependencies) -> Iterator[Reason]:
    """Calls that the Sidecar in force would lose by the rules, although none was seen to go past its cluster."""
    if exists.ruling is not None and ruled is not None and ruled.calls_out_of_scope and not dependencies.bypassed:
        name = f"Sidecar {exists.ruling.namespace}/{exists.ruling.name}"
        lost = f"{ruled.calls_out_of_scope} of {ruled.calls_after} calls observed"
        yield Reason("EMIT_REVIEW", f"{name} in force would lose {lost}: {'; '.join(ruled.out_of_scope)}")


def _undiscovered(mesh: Mesh, workload: Workload) -> Iterator[Reason]:
    for cluster in sorted({pod.cluster for pod in workload.living}):
        if not mesh.discovery.picks(cluster, workload.namespace):
            where = f" of cluster {cluster}" if cluster else ""
            message = f"no discoverySelector{where} picks {workload.namespace}: istiod does not configure its proxies"
            yield Reason("ABSTAIN", message, "DISCOVERY_BLOCK")


def _costs(mesh: Mesh, workload: Workload, hosts: tuple[str, ...], *, captured: bool) -> Iterator[Reason]:
    scope = scope_of(mesh, workload.namespace, hosts)
    yield from headless.judge(scope.listeners.values())
    if captured:
        inferred = (service for entry, service in scope.clusters.items() if entry not in scope.listeners)
        yield from dns_proxy.judge(scope.listeners.values(), inferred)


def _broken(
    mesh: Mesh, workload: Workload, observed: Observed, hosts: tuple[str, ...], conditions: Conditions
) -> Iterator[Reason]:
    for because in broken(mesh, workload.namespace, observed.calls, hosts, conditions):
        yield Reason("EMIT_REVIEW", f"these hosts would still lose a call: {because}")


def _relevant(exists: Standing) -> tuple[MeshObject, ...]:
    found = (exists.ruling, exists.parent, *exists.clashing, *exists.shadowing)
    return tuple({(item.namespace, item.name): item for item in found if item is not None}.values())
