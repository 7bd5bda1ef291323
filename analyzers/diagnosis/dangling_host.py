"""Destinations that lead nowhere: hosts, subsets and subset labels that match nothing.

**What.** Every host that a VirtualService routes or mirrors to (`http`, `tcp` and `tls`), every DestinationRule's own
host, every subset a route names, and every subset's labels are looked up among the Services, ServiceEntries (wildcards
too), pods, pod templates and endpoints of the inventory. A name without a dot is a Service of the object's own
namespace; a name with a dot is taken as a full name. exportTo of ServiceEntries and the
`networking.istio.io/exportTo` annotation of Services are respected. A VirtualService's own hosts are not destinations.

**Why it matters.** A route to a host or subset that does not exist answers 503 (NC, `cluster_not_found`), one to a
subset without pods 503 (UH). A DestinationRule for an unknown host does nothing, silently.

**Evidence.** The object, the place in it, the names nearest to the one written, and the calls that failed there.
Where nothing at all is known of the namespace that a name points into, the inventory may be incomplete: that is
information, not an error. Without any Service the check does not run.

**Fix.** Correct the name, define the subset, align its labels with the pods', or export the Service or ServiceEntry to
the namespace that needs it.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from analyzers.framework.analyzer import Analyzer, Code, Input
from analyzers.framework.finding import Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzers.framework.analyzer import Options
    from analyzers.framework.finding import Severity
    from pipelines.lake.session import Session

#: A row of `sql/checks/dangling_host.sql` or `dangling_host_traffic.sql`.
Row = dict[str, Any]

UNKNOWN_HOST: Final = Code(
    "ML0101",
    "Destination host not found",
    "error",
    "The host is no Service and no ServiceEntry that the object's namespace can see. Correct the name, create the "
    "Service or ServiceEntry, or export it to that namespace (exportTo).",
    aliases=("IST0101", "IST0174", "KIA1101", "KIA0202"),
)
UNKNOWN_SUBSET: Final = Code(
    "ML0102",
    "Subset not defined",
    "error",
    "A route names a subset that no DestinationRule for its host defines. Requests that take the route are answered "
    "503 by the caller's proxy. Define the subset, or route to one that exists.",
    aliases=("IST0101", "KIA1107"),
)
EMPTY_SUBSET: Final = Code(
    "ML0103",
    "Subset selects no pod",
    "error",
    "The host has pods, but none of them, no workload's pod template and no endpoint carries the subset's labels. "
    "Information only where no VirtualService routes to the subset.",
    aliases=("IST0173", "KIA0203"),
)
_CODES: Final = {
    "unknown_host": UNKNOWN_HOST,
    "hidden_host": UNKNOWN_HOST,
    "unknown_subset": UNKNOWN_SUBSET,
    "empty_subset": EMPTY_SUBSET,
}
_CAUSES: Final = {
    "unknown_host": "cluster_not_found",
    "hidden_host": "cluster_not_found",
    "unknown_subset": "cluster_not_found",
    "empty_subset": "empty_subset",
}
#: What a call's log line says when it met the problem.
_LOGGED: Final = {
    "unknown_host": ("cluster_not_found", "route_not_found"),
    "hidden_host": ("cluster_not_found", "route_not_found"),
    "unknown_subset": ("cluster_not_found",),
    "empty_subset": ("no_healthy_endpoint",),
}


def run(session: Session, options: Options) -> Iterator[Finding]:
    """One finding for each reference or subset at fault."""
    rows: list[Row] = session.query("dangling_host", namespaces=list(options.namespaces)).to_pylist()
    if not rows:
        return
    hosts: list[str] = sorted(set(session.query("services").column("host").to_pylist()))
    subsets: list[Row] = session.query("subset_backends").select(["host", "subset", "valid_to"]).to_pylist()
    traffic: list[Row] = []
    if session.rows("access_logs") > 0:
        traffic = session.query("dangling_host_traffic").to_pylist()
    for row in rows:
        known = hosts
        if row["problem"] == "unknown_subset":
            known = sorted({item["subset"] for item in subsets if item["host"] == row["host"] and not item["valid_to"]})
        yield _finding(row, _nearest(row, known), _calls(row, traffic))


def _finding(row: Row, nearest: Sequence[str], calls: Sequence[Row]) -> Finding:
    code = _CODES[row["problem"]]
    located = f"{row['kind']}/{row['namespace']}/{row['name']}"
    evidence: dict[str, object] = {
        "written": row["written"],
        "host": row["host"],
        "subset": row["subset"],
        "nearest": list(nearest),
        "declared_by": row["declared_by"],
        "failing_calls": sum(call["failures"] for call in calls),
        "callers": sorted({caller for call in calls for caller in call["callers"]}),
        "object_source": row["source"],
        "object_source_offset": row["source_offset"],
    }
    return Finding(
        analyzer="dangling_host",
        code=code.code,
        severity=_severity(row),
        subject=f"{located} {row['path']}",
        message=_message(row, nearest, calls),
        fingerprint=fingerprint(code.code, located, row["path"], row["host"], row["subset"] or ""),
        evidence=evidence,
        first_seen=row["valid_from"],
        last_seen=max([row["last_observed_at"], *(call["last_seen"] for call in calls)]),
        cause=_CAUSES[row["problem"]],
        side="configuration",
        object=located,
        path=row["path"],
        next_step=_next_step(row, nearest),
    )


def _severity(row: Row) -> Severity:
    if not row["certain"] or not row["is_used"]:
        return "info"
    # A rule for an unknown host changes nothing; a route to one fails every request that takes it.
    return "warning" if row["kind"] == "DestinationRule" and row["problem"] != "empty_subset" else "error"


def _message(row: Row, nearest: Sequence[str], calls: Sequence[Row]) -> str:
    host = row["host"] if row["written"] == row["host"] else f"{row['written']} (that is {row['host']})"
    told = {
        "unknown_host": f"no Service or ServiceEntry is called {host}",
        "hidden_host": f"{host} is declared by {row['declared_by']}, which is not exported to {row['namespace']}",
        "unknown_subset": f"no DestinationRule for {row['host']} defines the subset {row['subset']}",
        "empty_subset": f"no pod of {row['host']} has the labels of the subset {row['subset']}",
    }[row["problem"]]
    if not row["certain"]:
        told += "; the inventory shows nothing of that namespace, so it may just be incomplete"
    elif nearest:
        told += f"; the nearest is {nearest[0]}"
    if not row["is_used"]:
        told += "; no VirtualService routes to it"
    failures = sum(call["failures"] for call in calls)
    if failures:
        told += f"; {failures} calls failed there"
    return f"{row['kind']} {row['namespace']}/{row['name']}: {told}."


def _next_step(row: Row, nearest: Sequence[str]) -> str:
    match row["problem"]:
        case "hidden_host":
            return f"Add {row['namespace']} to exportTo of {row['declared_by']}."
        case "unknown_subset":
            return f"Define the subset in a DestinationRule for {row['host']}, or correct {row['path']}."
        case "empty_subset":
            return f"kubectl -n {row['namespace']} get pods --show-labels, and compare with {row['path']}."
        case _:
            wanted = f"Is {nearest[0]} meant? " if nearest else ""
            return f"{wanted}Correct {row['path']}, or create the Service or ServiceEntry."


def _nearest(row: Row, known: Sequence[str]) -> Sequence[str]:
    if row["problem"] not in {"unknown_host", "unknown_subset"}:
        return []
    # Every Service's name ends alike; only what comes before tells them apart.
    telling = {name.partition(".svc.")[0]: name for name in known}
    wanted = row["subset"] or row["host"].partition(".svc.")[0]
    return [telling[name] for name in get_close_matches(wanted, telling, n=3, cutoff=0.7)]


def _calls(row: Row, traffic: Sequence[Row]) -> list[Row]:
    """Failed calls that asked for what is missing: the host itself, or one that the VirtualService serves."""
    served = {row["host"], *row["serves"]}
    return [
        call
        for call in traffic
        if call["cause"] in _LOGGED[row["problem"]]
        and (call["host"] in served or call["authority"] in served)
        and (row["problem"] != "empty_subset" or call["subset"] == row["subset"])
        and (None in {call["route_name"], row["route_name"]} or call["route_name"] == row["route_name"])
    ]


ANALYZER: Final = Analyzer(
    name="dangling_host",
    family="diagnosis",
    inputs=(
        Input(
            ("mesh_objects",),
            kinds=("Service",),
            reason="Without the Services every host would look missing: ingest the cluster's objects.",
        ),
        Input(("access_logs",), optional=True, reason="Traffic that met the fault is not counted without access logs."),
    ),
    codes=(UNKNOWN_HOST, UNKNOWN_SUBSET, EMPTY_SUBSET),
    run=run,
    documentation=__doc__ or "",
)
