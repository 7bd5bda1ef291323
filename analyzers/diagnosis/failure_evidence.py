"""The evidence of an episode of failing calls, from a row of `sql/checks/explained_failures.sql`."""

from __future__ import annotations

from typing import Any, Final

from analyzers.framework.statistics import wilson_bounds

#: A row of the check: Arrow's Python values, checked by the SQL file's columns and not by types.
Row = dict[str, Any]

#: Distinct values told of what was logged; the rest is counted together.
_TOLD: Final = 8

_SHARE_DIGITS: Final = 4


def evidence_of(row: Row) -> dict[str, object]:
    """The evidence as JSON values: counts and bounds, edges, both sides' log fields, samples, coverage, the object."""
    failures, calls = row["edge_failures"], row["edge_calls"]
    lower, upper = wilson_bounds(failures, calls)
    evidence: dict[str, object] = {
        "failures": failures,
        "calls": calls,
        "bursts": row["bursts"],
        "is_sporadic": row["is_sporadic"],
        "share": round(failures / calls, _SHARE_DIGITS),
        "share_lower": round(lower, _SHARE_DIGITS),
        "share_upper": round(upper, _SHARE_DIGITS),
        "edges": row["edges"],
        "affected_edges": row["affected"],
        "decided_by": "callee's proxy" if row["decided_by"] == "server" else "caller's proxy",
        "logged_by_caller": _logged(row, "caller"),
        "logged_by_callee": _logged(row, "callee"),
        "transport_failures": _counts(row["transport_failures"]),
        "duration_ms": {"median": row["median_ms"], "longest": row["longest_ms"]},
        "samples": row["samples"],
        "coverage": {
            "calls_seen_by_both": row["seen_by_both"],
            "calls_seen_by_caller_only": row["seen_by_caller"],
            "share_seen_by_both": round(row["seen_by_both"] / calls, _SHARE_DIGITS),
        },
        "protocol": row["protocol"],
        "port": row["port"],
        "subset": row["subset"],
        "workloads": row["workloads"],
        "pods": row["pods"],
    }
    if row["older_episodes"]:
        evidence["older_episodes_like_this"] = row["older_episodes"]
    if row["logged_cause"] != row["cause"]:
        evidence["cause_by_log_line"] = row["logged_cause"]
    if row["object_kind"]:
        evidence["object_found_by"] = row["object_found_by"]
        evidence["object_changed_at"] = row["object_changed_at"]
        evidence["object_source"] = row["object_source"]
        evidence["object_source_offset"] = row["object_source_offset"]
    return evidence


def _logged(row: Row, side: str) -> dict[str, dict[str, int]]:
    return {part: _counts(row[f"{side}_{part}"]) for part in ("codes", "flags", "details")}


def _counts(histogram: list[tuple[str, int]]) -> dict[str, int]:
    """A histogram with the most frequent values first and the rare ones folded into `others`."""
    ordered = sorted(histogram, key=lambda entry: (-entry[1], entry[0]))
    rest = sum(count for _, count in ordered[_TOLD:])
    return dict(ordered[:_TOLD]) | ({"others": rest} if rest else {})
