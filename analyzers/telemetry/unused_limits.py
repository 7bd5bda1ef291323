"""Circuit breakers that cannot open.

**What.** A `connectionPool` limit of a DestinationRule is over a hundred times of what any calling proxy ever had under
way to the host, over at least a thousand calls.

**Why it matters.** The limit holds for each calling proxy on its own. One far above the load protects nothing: the
callee is down long before it fires. It is worse than none, for it looks like protection.

**Evidence.** The limit, the most calls that one proxy had under way at once, calls and proxies.

**Fix.** Set it to a few times of what was measured, and watch for UO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

UNUSED: Final = Code(
    "ML0610", "A circuit breaker that cannot open", "info", "The limit is over a hundred times of what was ever used."
)


def _finding(row: Row) -> Finding:
    message = (
        f"limits {row['callee']} to {row['limit_value']} a proxy, and none of {row['proxies']} proxies had more than "
        f"{row['most']} calls under way at once."
    )
    return edge_finding(
        "unused_limits",
        UNUSED,
        row,
        message,
        evidence=("limit_value", "most", "calls", "proxies"),
        subject=f"DestinationRule {row['namespace']}/{row['name']}",
        side="configuration",
        at=f"DestinationRule/{row['namespace']}/{row['name']}",
        path=row["path"],
        identity=(row["path"],),
    )


ANALYZER: Final = telemetry_analyzer(
    "unused_limits",
    codes=(UNUSED,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("DestinationRule",), reason="Limits are set by DestinationRules.")),
)
