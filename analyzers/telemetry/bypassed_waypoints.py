"""Calls pass a waypoint by, and with it the rules that only it enforces.

**What.** A Service (or its namespace) is bound to a waypoint and has HTTP rules there (HTTPRoute, AuthorizationPolicy
by method, path or header, RequestAuthentication, WasmPlugin), and all its HTTP calls were seen as TCP.

**Why it matters.** Without the waypoint no such rule holds: what looks like a policy is none. Callers outside the mesh,
gateways without `istio.io/ingress-use-waypoint`, and callers by pod address go past it.

**Evidence.** The waypoint, the rules, calls and callers.

**Fix.** `kubectl get gateway` for the waypoint's state; label gateways' Services with `istio.io/ingress-use-waypoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

BYPASSED: Final = Code(
    "ML0639", "Calls pass a waypoint by", "warning", "Rules of layer 7 do not hold for calls seen as TCP only."
)


def _finding(row: Row) -> Finding:
    message = (
        f"all {row['calls']} calls to port {row['port']} of {row['callee']} were seen as TCP although waypoint "
        f"{row['waypoint']} has {len(row['rules'])} HTTP rules for it."
    )
    return edge_finding(
        "bypassed_waypoints",
        BYPASSED,
        row,
        message,
        evidence=("calls", "port", "waypoint", "rules", "callers"),
        # Rules that do not hold are no matter of duration.
        severity="warning",
        side="configuration",
        at=f"Service/{row['namespace']}/{row['name']}",
        identity=(str(row["port"]),),
    )


ANALYZER: Final = telemetry_analyzer(
    "bypassed_waypoints",
    codes=(BYPASSED,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(CALLS, Input(("mesh_objects",), kinds=("Service",), reason="Services say which waypoint they use.")),
)
