"""Configuration that no call uses.

**What.** Hosts of ServiceEntries, DestinationRules (and their subsets) and mesh VirtualServices that no logged call
went to in the whole window, which must be as long as `--min-window` (24 h). Objects younger than the window are left
out.

**Why it matters.** Each is pushed to every proxy that sees it, and each is a rule that somebody will trust.

**Evidence.** The window. Access logs that are filtered, sampled or missing hide calls: see `half_seen_edges` (ML0633)
and `service_graph` before anything is deleted. Month-end jobs call once a month.

**Fix.** Narrow `exportTo` first and wait; then delete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.framework.analyzer import Code, Input
from analyzers.telemetry.report import CALLS, each, edge_finding, telemetry_analyzer

if TYPE_CHECKING:
    from analyzers.framework.finding import Finding
    from analyzers.telemetry.report import Row

UNUSED: Final = Code(
    "ML0622", "No call uses this", "info", "No logged call went to the host or subset in the whole window."
)


def _finding(row: Row) -> Finding:
    what = f"subset {row['subset']} of {row['callee']}" if row["subset"] else row["callee"]
    hours = (row["last_seen"] - row["first_seen"]).total_seconds() / 3600
    return edge_finding(
        "unused_configuration",
        UNUSED,
        row,
        f"no call went to {what} in {hours:.0f} h.",
        evidence=("subset",),
        subject=f"{row['kind']} {row['namespace']}/{row['name']}",
        side="configuration",
        at=f"{row['kind']}/{row['namespace']}/{row['name']}",
        path=row["path"],
        identity=(row["callee"], row["subset"] or ""),
    )


ANALYZER: Final = telemetry_analyzer(
    "unused_configuration",
    codes=(UNUSED,),
    findings=each(_finding),
    documentation=__doc__ or "",
    inputs=(
        CALLS,
        Input(
            ("mesh_objects",),
            kinds=("ServiceEntry", "DestinationRule", "VirtualService"),
            reason="What is not configured cannot be unused.",
        ),
    ),
)
