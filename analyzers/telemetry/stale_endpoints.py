"""A proxy still sends calls to pods that are gone.

**What.** Calls to a pod's address more than thirty seconds after the pod was deleted.

**Why it matters.** Endpoints reach a proxy within seconds. One that keeps old ones has lost its control plane, is
overloaded, or istiod is: it will miss certificates and policies next.

**Evidence.** Calls, failures, the pods, and how long after their end the last one came.

**Fix.** `istioctl proxy-status` names proxies that are behind; look at the proxy's log for `StreamAggregatedResources`
and at istiod's `pilot_proxy_convergence_time`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

STALE: Final = Code("ML0635", "A proxy uses endpoints that are gone", "warning", "Its configuration is old.")


def _finding(row: Row) -> Finding:
    message = (
        f"{row['caller_pod']} sent {row['calls']} calls to pods of {row['callee']} that were gone for up to "
        f"{row['longest_seconds']:.0f} s; {row['failures']} failed."
    )
    return edge_finding(
        "stale_endpoints",
        STALE,
        row,
        message,
        evidence=("calls", "failures", "pods", "longest_seconds"),
        # Half a minute of old endpoints is no incident of the callee: it does not take ten minutes to believe it.
        severity="warning",
        side="caller_proxy",
        at=f"Pod/{row['caller_namespace']}/{row['caller_pod']}",
        identity=(row["caller_pod"],),
    )


ANALYZER: Final = telemetry_analyzer(
    "stale_endpoints",
    codes=(STALE,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Pod",), reason="When a pod went away its watch events say.")),
)
