"""Time and tries that a route gives a request.

A route's `timeout` covers all tries; `perTryTimeout` one of them; `attempts` are the tries after the first. Without a
timeout Istio sets none, without `retries` it tries twice more. Source: istio/istio `pilot/pkg/networking/core/route`
(`route.go`, `retry/retry.go`) and https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.mesh.durations import duration_ms
from analyzers.mesh.objects import integer, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analyzers.mesh.objects import Json

#: Retries where a route says nothing of them.
DEFAULT_RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """What a route allows: milliseconds (null: no bound) for all tries and for one, and the retries it states."""

    timeout_ms: float | None = None
    per_try_ms: float | None = None
    stated_retries: int | None = None

    @property
    def tries(self) -> int:
        """How often a request may be sent, Istio's default included."""
        return 1 + (DEFAULT_RETRIES if self.stated_retries is None else self.stated_retries)

    @property
    def one_try_ms(self) -> float | None:
        """How long the first try may take."""
        bounds = [
            bound for bound in (self.timeout_ms, self.per_try_ms if self.tries > 1 else None) if bound is not None
        ]
        return min(bounds, default=None)


def budget_of(route: Mapping[str, Json]) -> Budget:
    """The budget of an HTTP route of a VirtualService, or of a rule of an HTTPRoute. A bound of 0 is none."""
    retries = mapping(route.get("retries"))
    timeouts = mapping(route.get("timeouts"))
    attempts = integer(retries.get("attempts"))
    return Budget(
        timeout_ms=duration_ms(route.get("timeout") or timeouts.get("request")) or None,
        per_try_ms=duration_ms(retries.get("perTryTimeout") or timeouts.get("backendRequest")) or None,
        stated_retries=attempts if retries and attempts is not None else None,
    )
