"""Retries that multiply along a call chain.

**What.** Paths of edges that telemetry saw whose routes state retries at several hops: the tries of the hops multiply,
and their product is 10 or more.

**Why it matters.** When the last service of the path fails, each request at its beginning becomes that many at its
end, just when it is in trouble.

**Evidence.** The path, the tries of each hop and the product; with Istio's own two retries where a route states none
the product may be greater still, which is given, too. Only stated retries make a finding.

**Fix.** Retry at one hop alone, nearest to the service that fails; `retries: {attempts: 0}` at the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.configuration.report import finding
from analyzers.diagnosis.observed_calls import Hop, hops, observed_analyzer
from analyzers.framework.analyzer import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from analyzers.diagnosis.observed_calls import Call
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

MULTIPLIED: Final = Code(
    "ML3023", "Retries multiply along a path", "warning", "Stated retries of several hops multiply."
)

THRESHOLD: Final = 10
#: Paths are followed no further, and no more of them: in a mesh with loops there is no end to them.
_DEPTH: Final = 6
_PATHS: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Path:
    hops: tuple[Hop, ...]

    @property
    def stated(self) -> int:
        """Tries at the end for one request at the beginning, by what routes state."""
        product = 1
        for hop in self.hops:
            product *= hop.budget.tries if hop.budget.stated_retries is not None else 1
        return product

    @property
    def all_tries(self) -> int:
        """The same with Istio's default where nothing is stated."""
        product = 1
        for hop in self.hops:
            product *= hop.budget.tries
        return product


def check(mesh: Mesh, calls: Iterable[Call]) -> Iterator[Finding]:
    """For each last hop with stated retries the worst path that ends with it."""
    by_caller = hops(mesh, calls)
    worst: dict[str, _Path] = {}
    for path in _paths(by_caller):
        last = path.hops[-1]
        stating = [hop for hop in path.hops if (hop.budget.stated_retries or 0) > 0]
        if len(stating) < 2 or stating[-1] is not last or stating[0] is not path.hops[0]:
            continue
        known = worst.get(last.named)
        if path.stated >= THRESHOLD and (known is None or path.stated > known.stated):
            worst[last.named] = path
    for _, path in sorted(worst.items()):
        last = path.hops[-1]
        if last.item is None:
            continue
        written = ", ".join(f"{hop.named} ({hop.budget.tries})" for hop in path.hops)
        message = f"one request becomes up to {path.stated} at {last.call.callee}: {written}"
        evidence = {
            "path": [hop.named for hop in path.hops],
            "tries": [hop.budget.tries for hop in path.hops],
            "product": path.stated,
            "product_with_defaults": path.all_tries,
        }
        where = f"{last.path}/retries/attempts"
        yield finding(MULTIPLIED, last.item, message, path=where, evidence=evidence, identity=(last.named,))


def _paths(by_caller: Mapping[tuple[str, str], Sequence[Hop]]) -> Iterator[_Path]:
    """Every path without a loop from a hop that states retries, breadth first, within bounds."""
    waiting = [_Path((hop,)) for near in by_caller.values() for hop in near if hop.budget.stated_retries]
    followed = 0
    while waiting and followed < _PATHS:
        longer: list[_Path] = []
        for path in waiting:
            followed += 1
            yield path
            seen = {(hop.call.namespace, hop.call.caller) for hop in path.hops}
            if len(path.hops) < _DEPTH and followed < _PATHS:
                longer += [
                    _Path((*path.hops, hop))
                    for end in path.hops[-1].ends_at
                    if end not in seen
                    for hop in by_caller.get(end, ())
                ]
        waiting = longer


ANALYZER: Final = observed_analyzer("retry_product", codes=(MULTIPLIED,), check=check, documentation=__doc__ or "")
