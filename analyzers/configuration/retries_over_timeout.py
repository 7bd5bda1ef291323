"""Retries for which the timeout leaves no time.

**What.** An HTTP route whose tries, each as long as `perTryTimeout` allows, take longer than its `timeout`.

**Why it matters.** The timeout ends the request while tries are left. Where one try may take as long as the timeout,
nothing is ever tried again after a slow answer.

**Evidence.** Tries, `perTryTimeout`, `timeout`, and how many tries fit. A route without a timeout has none: it is not
reported. Where all tries but the last fit, that is information.

**Fix.** `perTryTimeout` no longer than `timeout` through the number of tries, or fewer attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.configuration.analyzer import configuration_analyzer
from analyzers.configuration.report import finding
from analyzers.framework.analyzer import Code
from analyzers.mesh.budgets import budget_of
from analyzers.mesh.durations import shown
from analyzers.mesh.objects import mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzers.configuration.rules import Rules
    from analyzers.framework.finding import Finding
    from analyzers.mesh.model import Mesh

NO_TIME: Final = Code("ML3021", "No time for retries", "warning", "A route's tries take longer than its timeout.")


def check(mesh: Mesh, rules: Rules) -> Iterator[Finding]:
    """Every HTTP route that states its own retries."""
    del rules
    for item in mesh.of_kind("VirtualService"):
        for position, route in mappings(item.spec.get("http")):
            budget = budget_of(route)
            if not budget.stated_retries or budget.timeout_ms is None or budget.per_try_ms is None:
                continue
            fitting = max(1, int(budget.timeout_ms / budget.per_try_ms + 1e-9))
            if fitting >= budget.tries:
                continue
            message = (
                f"{budget.tries} tries of {shown(budget.per_try_ms)} do not fit into {shown(budget.timeout_ms)}: "
                f"{fitting} of them do"
            )
            yield finding(
                NO_TIME,
                item,
                message,
                path=f"spec/http[{position}]/retries/perTryTimeout",
                evidence={"tries": budget.tries, "fitting": fitting},
                severity="info" if fitting == budget.tries - 1 > 1 else "warning",
            )


ANALYZER: Final = configuration_analyzer(
    "retries_over_timeout", kinds=("VirtualService",), codes=(NO_TIME,), check=check, documentation=__doc__ or ""
)
