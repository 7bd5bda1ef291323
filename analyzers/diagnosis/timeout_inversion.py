"""Timeouts that grow along a call chain.

**What.** A workload that is given less time by its caller than it gives its own callee: the caller's route allows a
try less than the callee's route allows the call beneath, along edges that telemetry saw.

**Why it matters.** The caller gives up first. The work beneath goes on for nobody, and the caller's retries start it
anew while the first is still running.

**Evidence.** Both routes and their times. A route whose match decides by path or header is judged only if every request
takes it. A call beneath without any timeout is information: Istio sets none by itself.

**Fix.** The timeout beneath below the caller's, by what the workload itself needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.common import full_name
from analyzers.configuration.report import finding
from analyzers.diagnosis.observed_calls import Hop, hops, observed_analyzer
from analyzers.framework.analyzer import Code
from analyzers.mesh.durations import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzers.diagnosis.observed_calls import Call
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

INVERTED: Final = Code("ML3022", "Timeout longer than the caller's", "warning", "The caller gives up first.")


def check(mesh: Mesh, calls: Iterable[Call]) -> Iterator[Finding]:
    """Every pair of hops, the first of which has a timeout."""
    by_caller = hops(mesh, calls)
    for near in by_caller.values():
        for upper in near:
            if upper.budget.one_try_ms is None or upper.item is None:
                continue
            for middle in upper.ends_at:
                for lower in by_caller.get(middle, ()):
                    yield from _judge(upper, lower)


def _judge(upper: Hop, lower: Hop) -> Iterator[Finding]:
    given, taken = upper.budget.one_try_ms, lower.budget.timeout_ms
    if given is None or upper.item is None or lower.call.callee == upper.call.callee:
        return
    evidence = {"caller": upper.named, "caller_ms": given, "beneath": lower.named, "beneath_ms": taken}
    if taken is not None and lower.item is not None and taken > given:
        message = (
            f"{lower.named} may take {shown(taken)}, and {upper.named} above it waits {shown(given)} "
            f"({upper.item.kind} {full_name(upper.item)})"
        )
        path = f"{lower.path}/timeout"
        yield finding(INVERTED, lower.item, message, path=path, evidence=evidence, identity=(upper.named, lower.named))
    elif taken is None:
        message = f"{upper.named} waits {shown(given)}, and {lower.named} beneath it has no timeout"
        path = f"{upper.path}/timeout"
        identity = (upper.named, lower.named)
        yield finding(INVERTED, upper.item, message, path=path, evidence=evidence, identity=identity, severity="info")


ANALYZER: Final = observed_analyzer("timeout_inversion", codes=(INVERTED,), check=check, documentation=__doc__ or "")
