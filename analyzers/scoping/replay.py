"""A recommendation made from one part of the calls, checked on the part it has not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.scoping.dependencies import decide
from analyzers.scoping.model import Reason, Replay
from analyzers.scoping.scope import lost, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from analyzers.scoping.mesh import Mesh
    from analyzers.scoping.model import Observation


def replay(
    mesh: Mesh,
    namespace: str,
    calls: Iterable[Observation],
    split_at: datetime | None,
    fixed: Iterable[str],
    version: tuple[int, int] | None,
) -> Replay:
    """Recommend from the calls before `split_at`, count the later calls that would leave scope.

    `fixed` are hosts that come from configuration and so would be there anyway. Metrics have no split and stay out.
    """
    logged = [call for call in calls if call.evidence != "metrics"]
    early = [replace(call, calls=call.calls_before) for call in logged if call.calls_before]
    later = [call for call in logged if call.calls > call.calls_before]
    scope = scope_of(mesh, namespace, {*decide(mesh, namespace, early, version).hosts, *fixed})
    failing = [(call, because) for call in later if (because := lost(mesh, scope, call)) is not None]
    return Replay(
        split_at=split_at,
        calls_before=sum(call.calls for call in early),
        calls_after=sum(call.calls - call.calls_before for call in later),
        calls_out_of_scope=sum(call.calls - call.calls_before for call, _ in failing),
        out_of_scope=tuple(sorted({because for _, because in failing})),
    )


def broken(mesh: Mesh, namespace: str, calls: Iterable[Observation], hosts: Iterable[str]) -> tuple[str, ...]:
    """What the finished recommendation would take from any call observed: nothing, or it must not be emitted."""
    scope = scope_of(mesh, namespace, hosts)
    return tuple(sorted({because for call in calls if (because := lost(mesh, scope, call)) is not None}))


def judge(result: Replay) -> Iterable[Reason]:
    """A replay that lost calls says that the first half did not yet know every dependency."""
    if result.calls_out_of_scope:
        yield Reason(
            "EMIT_REVIEW",
            f"from the first half of the window alone, {result.calls_out_of_scope} of {result.calls_after} later calls"
            f" would have left scope ({'; '.join(result.out_of_scope)}): dependencies are still turning up",
        )
