"""In which order to apply recommendations, what to check between the steps, what to watch, and how to go back.

Applying a Sidecar is itself a push, and a wrong one breaks calls at once. So: what is sure before what wants a review,
namespaces one by one with the one that loses least first (the canary), Sidecars of workloads before the default that
everything else falls under, and what changes the whole mesh (its default, exportTo, selectors) last.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.scoping.model import Recommendation, ScopingResult
    from analyzers.scoping.proposal import Proposal

_LEFT: Final = (
    "sum by (source_workload) (rate(istio_requests_total{"
    'destination_service_name=~"PassthroughCluster|BlackHoleCluster"}[5m]))'
)
#: Between two steps: no call out of scope, by the log and by the counters.
CHECKS: Final = (
    "wait one batch of access logs, then `meshlens recommend`: no OUT_OF_SCOPE_HIT in the namespaces of this step",
    "`meshlens diagnose`: no new finding on their edges",
    f"PassthroughCluster and BlackHoleCluster do not grow: {_LEFT}",
)
WATCH: Final = (
    "error rate of the callers (`meshlens alerts`), response flags UH, NC, NR and 502 with route `block_all`",
    "pilot_xds_pushes and pilot_proxy_convergence_time while Sidecars are applied: each is a push of its own",
    "envoy_server_memory_allocated and envoy_cluster_manager_active_clusters of the scoped proxies: both fall",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is, the objects (kind, namespace and name) and how many proxies it touches."""

    title: str
    objects: tuple[str, ...]
    proxies: int
    needs_review: bool = False


def steps(result: ScopingResult) -> tuple[Step, ...]:
    """The order of application; empty where nothing may be applied."""
    return tuple(_steps(result))


def _steps(result: ScopingResult) -> Iterator[Step]:
    ready: defaultdict[str, list[Recommendation]] = defaultdict(list)
    review: defaultdict[str, list[Recommendation]] = defaultdict(list)
    for item in result.recommendations:
        if item.manifest is not None:
            (ready if item.verdict == "EMIT" else review)[item.namespace].append(item)
    for place, namespace in enumerate(sorted(ready, key=lambda name: _calls(ready[name]))):
        role = "canary: " if place == 0 else ""
        yield Step(f"{role}workloads of {namespace}", _named(ready[namespace]), _proxies(ready[namespace]))
    for namespace in sorted(review, key=lambda name: _calls(review[name])):
        found = review[namespace]
        yield Step(f"after a review: workloads of {namespace}", _named(found), _proxies(found), needs_review=True)
    for kind, title in (
        ("NamespaceSidecar", "what else is in each namespace"),
        ("ExportTo", "exportTo, object by object"),
        ("DiscoverySelectors", "what istiod reads"),
        ("RootSidecar", "the mesh's default"),
    ):
        given = [item for item in result.proposals if item.kind == kind and item.manifest is not None]
        if given:
            yield _whole(title, given)


def _whole(title: str, given: Sequence[Proposal]) -> Step:
    proxies = sum(item.benefit.proxies for item in given if item.benefit)
    review = any(item.verdict != "EMIT" for item in given)
    return Step(title, tuple(f"{item.kind} {item.target}" for item in given), proxies, review)


def _calls(found: Sequence[Recommendation]) -> tuple[int, str]:
    return sum(item.coverage.calls for item in found), found[0].namespace


def _named(found: Sequence[Recommendation]) -> tuple[str, ...]:
    return tuple(f"{item.kind} {item.namespace}/{item.name}" for item in found)


def _proxies(found: Sequence[Recommendation]) -> int:
    return sum(item.benefit.proxies for item in found if item.benefit)
