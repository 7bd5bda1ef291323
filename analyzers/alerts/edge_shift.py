"""Edges that fail more, or answer slower, than in their own recent past.

What: every minute of every edge is compared with the hour before it. ML0401 is a shift of the error rate, ML0402 of
the latency. A shift that lasts is one alert.

Why it matters: a fixed threshold is wrong for most edges; an edge that always fails 2 % of its calls is no news, one
that never failed and now fails 2 % is.

Evidence: for errors, the window's error rate with its Wilson interval against the baseline's. The alert is raised
where the lower end of the first lies above the upper end of the second (z = 3.29, one in two thousand by chance on
each side) and the rate rose by at least one percentage point. For latency, the share of the window's calls slower
than the baseline's usual 95th percentile (the median over its minutes), which should be 5 %: its lower bound must
exceed 15 %, and the window's own 95th percentile be at least 1.25 times and 5 ms above the usual. Both want a minimum
of calls in the window and at least three minutes of baseline; otherwise nothing is said.

Fix: `meshlens diagnose` names the cause where the failing calls tell it; look at what changed at the alert's start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzers.alerts.alert import Alert, merged
from analyzers.framework.analyzer import Analyzer, Code, Input, Options
from analyzers.framework.finding import Edge, Finding, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelines.lake.session import Session

WINDOW_MINUTES: Final = 1
BASELINE_MINUTES: Final = 60
MINIMUM_BASELINE_MINUTES: Final = 3
#: Standard deviations of each confidence bound: p = 0.0005 one-sided, since thousands of edges are looked at.
Z: Final = 3.29
MINIMUM_RATE_DIFFERENCE: Final = 0.01
MINIMUM_SHARE_SLOWER: Final = 0.15
MINIMUM_LATENCY_RATIO: Final = 1.25
MINIMUM_LATENCY_RISE_MS: Final = 5.0
#: From this lower bound of the error rate on an alert is an error.
SEVERE_RATE: Final = 0.1

ERROR_SHIFT = Code(
    "ML0401",
    "An edge fails more than it used to",
    "warning",
    "The error rate of a minute lies above that of the hour before, beyond what chance explains.",
)
LATENCY_SHIFT = Code(
    "ML0402",
    "An edge answers slower than it used to",
    "warning",
    "More of a minute's calls than chance explains are slower than the hour before's usual 95th percentile.",
)


def detect(session: Session, options: Options) -> tuple[Alert, ...]:
    """All alerts in the period of `options`, sorted by time. An open end takes the last minute as it is."""
    reach = {
        "since": options.since,
        "until": options.until,
        "target_reach": WINDOW_MINUTES - 1,
        "baseline_reach": WINDOW_MINUTES + BASELINE_MINUTES - 1,
        "baseline_gap": WINDOW_MINUTES,
        "min_samples": options.minimum_samples,
        "min_baseline_minutes": MINIMUM_BASELINE_MINUTES,
        "z": Z,
    }
    errors = session.query("edge_error_shift", **reach, min_difference=MINIMUM_RATE_DIFFERENCE)
    latencies = session.query(
        "edge_latency_shift",
        **reach,
        min_share=MINIMUM_SHARE_SLOWER,
        min_ratio=MINIMUM_LATENCY_RATIO,
        min_rise_ms=MINIMUM_LATENCY_RISE_MS,
    )
    alerts = [_error_alert(row) for row in errors.to_pylist() if _wanted(row, options)]
    alerts += [_latency_alert(row) for row in latencies.to_pylist() if _wanted(row, options)]
    return merged(alerts)


def run(session: Session, options: Options) -> Iterator[Finding]:
    """The alerts as findings."""
    for alert in detect(session, options):
        yield Finding(
            analyzer=ANALYZER.name,
            code=alert.code,
            severity=alert.severity,
            subject=f"{alert.caller} -> {alert.callee}",
            message=alert.message,
            evidence=alert.evidence,
            fingerprint=alert.fingerprint,
            first_seen=alert.window_start,
            last_seen=alert.window_end,
            cause="latency_shift" if alert.kind == "latency" else None,
            edges=(Edge(alert.caller, alert.callee),),
            next_step="Run `meshlens diagnose` for the calls behind it, and look at what changed when it began.",
        )


def _wanted(row: Mapping[str, object], options: Options) -> bool:
    return not options.namespaces or bool({row["caller_namespace"], row["callee_namespace"]} & set(options.namespaces))


def _error_alert(row: dict[str, object]) -> Alert:
    observed, expected = _number(row["observed"]), _number(row["expected"])
    severity = "error" if _number(row["observed_lower"]) >= SEVERE_RATE else "warning"
    return _alert(
        row,
        ERROR_SHIFT,
        "error_rate",
        severity,
        f"{row['errors']} of {row['samples']} calls failed ({observed:.1%}), against {expected:.1%} before.",
        observed=observed,
        observed_lower=_number(row["observed_lower"]),
        observed_upper=_number(row["observed_upper"]),
        expected=expected,
        expected_upper=_number(row["expected_upper"]),
    )


def _latency_alert(row: dict[str, object]) -> Alert:
    observed, expected = _number(row["observed"]), _number(row["expected"])
    return _alert(
        row,
        LATENCY_SHIFT,
        "latency",
        "warning",
        f"The 95th percentile is {observed:.0f} ms, against {expected:.0f} ms before; "
        f"{_number(row['share_slower']):.0%} of {row['samples']} calls were slower than that.",
        observed=observed,
        observed_lower=_number(row["observed_lower"]),
        observed_upper=_number(row["observed_upper"]),
        expected=expected,
        expected_upper=_number(row["expected_upper"]),
    )


def _alert(
    row: dict[str, object],
    code: Code,
    kind: str,
    severity: str,
    message: str,
    **values: float,
) -> Alert:
    caller, callee, protocol = str(row["caller"]), str(row["callee"]), str(row["protocol"])
    subject = f"{caller} -> {callee}"
    evidence = {key: value for key, value in row.items() if key not in {"caller", "callee"}}
    return Alert(
        code=code.code,
        kind=kind,
        severity=severity,  # type: ignore[arg-type]  # the callers pass literals
        caller=caller,
        callee=callee,
        protocol=protocol,
        message=message,
        window_start=row["window_start"],  # type: ignore[arg-type]  # TIMESTAMPTZ columns arrive as datetimes
        window_end=row["window_end"],  # type: ignore[arg-type]  # as above
        samples=int(_number(row["samples"])),
        baseline_samples=int(_number(row["baseline_samples"])),
        fingerprint=fingerprint(code.code, subject, str(row["caller_namespace"]), protocol),
        evidence=evidence,
        **values,
    )


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"the check returned {value!r} where a number belongs")
    return float(value)


ANALYZER = Analyzer(
    name="edge_shift",
    family="alerts",
    inputs=(Input(("edges_1m",), reason="there are no minutes to compare"),),
    codes=(ERROR_SHIFT, LATENCY_SHIFT),
    run=run,
    documentation=__doc__ or "",
)
