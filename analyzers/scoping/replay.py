"""A recommendation made from one part of the calls, checked on the part it has not seen; and Sidecars in force."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.scoping.dependencies import decide
from analyzers.scoping.model import Reason, Replay
from analyzers.scoping.outcomes import SAID, Conditions, outcome
from analyzers.scoping.scope import Scope, lost, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from analyzers.scoping.assessment import Assessment
    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Observation, Outcome
    from analyzers.scoping.scope import Loss


def replay(
    mesh: Mesh,
    namespace: str,
    calls: Iterable[Observation],
    split_at: datetime | None,
    fixed: Iterable[str],
    version: tuple[int, int] | None,
    conditions: Conditions = Conditions(),  # noqa: B008 - a frozen value
) -> Replay:
    """Recommend from the calls before `split_at`, count the later calls that would leave scope.

    `fixed` are hosts that come from configuration and so would be there anyway. Metrics have no split and stay out.
    """
    logged = [call for call in calls if call.evidence != "metrics"]
    early = [replace(call, calls=call.calls_before) for call in logged if call.calls_before]
    later = [replace(call, calls=call.calls - call.calls_before) for call in logged if call.calls > call.calls_before]
    scope = scope_of(mesh, namespace, {*decide(mesh, namespace, early, version).hosts, *fixed})
    found = _checked(mesh, scope, later, conditions)
    return replace(found, split_at=split_at, calls_before=sum(call.calls for call in early))


def replay_together(
    mesh: Mesh, members: Iterable[Assessment], hosts: tuple[str, ...], conditions: Conditions
) -> Replay:
    """What hosts that several workloads share do to all calls of each of them."""
    found = [
        in_force(mesh, item.workload.namespace, item.observed.calls, hosts, conditions)
        for item in members
        if item.observed.calls
    ]
    ends: Counter[Outcome] = Counter()
    for one in found:
        ends.update(one.outcomes)
    return Replay(
        split_at=None,
        calls_before=0,
        calls_after=sum(one.calls_after for one in found),
        calls_out_of_scope=sum(one.calls_out_of_scope for one in found),
        out_of_scope=tuple(sorted({lost for one in found for lost in one.out_of_scope})),
        outcomes=dict(sorted(ends.items())),
    )


def in_force(
    mesh: Mesh, namespace: str, calls: Iterable[Observation], hosts: Iterable[str], conditions: Conditions
) -> Replay:
    """What the hosts of a Sidecar in force, whoever wrote it, do to every call observed."""
    return _checked(mesh, scope_of(mesh, namespace, hosts), list(calls), conditions)


def broken(
    mesh: Mesh,
    namespace: str,
    calls: Iterable[Observation],
    hosts: Iterable[str],
    conditions: Conditions = Conditions(),  # noqa: B008 - a frozen value
) -> tuple[str, ...]:
    """What the finished recommendation would take from any call observed: nothing, or it must not be emitted."""
    return _checked(mesh, scope_of(mesh, namespace, hosts), list(calls), conditions).out_of_scope


def judge(result: Replay) -> Iterable[Reason]:
    """A replay that lost calls says that the first half did not yet know every dependency."""
    if result.calls_out_of_scope:
        yield Reason(
            "EMIT_REVIEW",
            f"from the first half of the window alone, {result.calls_out_of_scope} of {result.calls_after} later calls"
            f" would have left scope ({'; '.join(result.out_of_scope)}): dependencies are still turning up",
        )


def _checked(mesh: Mesh, scope: Scope, calls: Sequence[Observation], conditions: Conditions) -> Replay:
    failing = list(_losses(mesh, scope, calls))
    ends: Counter[Outcome] = Counter()
    said = set()
    for call, loss in failing:
        end = outcome(mesh, conditions, call, loss)
        ends[end] += call.calls
        said.add(f"{loss.because}: {SAID[end]}")
    return Replay(
        split_at=None,
        calls_before=0,
        calls_after=sum(call.calls for call in calls),
        calls_out_of_scope=sum(call.calls for call, _ in failing),
        out_of_scope=tuple(sorted(said)),
        outcomes=dict(sorted(ends.items())),
    )


def _losses(mesh: Mesh, scope: Scope, calls: Sequence[Observation]) -> Iterator[tuple[Observation, Loss]]:
    for call in calls:
        loss = lost(mesh, scope, call)
        if loss is not None:
            yield call, loss
